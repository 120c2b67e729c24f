"""Tries in a process of its own what damaged files may end or hang: readers written in C.

A reader that is tried so is a function at the top of a module, which takes the path. It is imported there anew by its
name, so nothing depends on `fork`. TensorFlow is not loaded unless the reader's module does so.
"""

import contextlib
import ctypes
import importlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from hemotk.errors import HemotkError
from hemotk.files import sha256_file

SECONDS = 10.0  # for one file
_STARTING = 120.0  # for a process to start and import the reader, on the slowest machine
_SLOWER = 20.0  # a reading may take so many times what starting took: a slow machine gets more than its seconds
_MOST_BYTES = 4 << 30  # that the process may take, where the system can hold it to that
_PERTURB = -6  # M_PERTURB of malloc.h
_READY = b"r"
_TOO_MUCH_MEMORY = 3
# Without the folder that one is in: a json.py there must not take the place of the real one.
_START = "import sys; sys.path[:] = filter(None, sys.path); from hemotk.probing import child; child(*sys.argv[1:])"

Reader = Callable[[Path], object]


def probe(reader: Reader, path: Path, *, seconds: float = SECONDS) -> None:
    """Let a process of its own call `reader` with `path`; whether it refuses does not matter, only that it ends.

    A file is tried once in a process, as long as its content stays the same.

    Raises:
        HemotkError: the process ended, took more than `seconds`, or more memory than any model needs; or the file
            cannot be read.
    """
    outcome = _outcome(reader, path.absolute(), seconds, sha256_file(path))
    if outcome:
        raise HemotkError(f"{path}: is damaged ({outcome}); copy it again, or make it again where it came from.")


@lru_cache(maxsize=64)
def _outcome(reader: Reader, path: Path, seconds: float, _: str) -> str:
    """The fault of the reader, such as a crash; '' where it came to its end."""
    try:
        return try_reader(reader, path, seconds)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise HemotkError(
            f"{path}: is tried in a process of its own, which cannot be started ({reason}); close other programs."
        ) from error


def try_reader(reader: Reader, path: Path, seconds: float) -> str:
    """Do as `_outcome`, every time anew; tests/fuzz puts something faster in its place."""
    command = [sys.executable, "-c", _START, reader.__module__, reader.__qualname__, str(path)]
    began = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        guard = threading.Timer(_STARTING, process.kill)
        guard.start()
        try:
            ready = process.stdout is not None and process.stdout.read(1) == _READY
            guard.cancel()
            limit = max(seconds, _SLOWER * (time.monotonic() - began))
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"reading it takes more than {limit:.0f} s"
        finally:
            guard.cancel()
            process.kill()
    if not ready:
        raise HemotkError(
            f"{path}: is tried in a process of its own, which did not start (exit code {code}); see whether "
            f"`{sys.executable} -c 'import {reader.__module__}'` works."
        )
    if code == _TOO_MUCH_MEMORY:
        return f"reading it takes more than {_MOST_BYTES >> 30} GB"
    return f"it ends the program that reads it, exit code {code}" if code else ""


def child(module: str, name: str, path: str) -> None:
    """The other side: what the process does."""
    reader: Reader = getattr(importlib.import_module(module), name)
    restrain()
    sys.stdout.buffer.write(_READY)
    sys.stdout.buffer.flush()
    try:
        reader(Path(path))
    except MemoryError:
        sys.exit(_TOO_MUCH_MEMORY)
    except Exception:  # a refusal: whoever reads the file next says it in a sentence
        sys.exit(0)


def restrain() -> None:
    """No dump of memory, no window that waits for a click, and no more memory than any model needs.

    Where glibc can, new memory holds garbage, so that a read beyond an array's end always does harm here, not only by
    chance.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with contextlib.suppress(OSError, AttributeError, TypeError):  # no glibc
        ctypes.CDLL(None).mallopt(_PERTURB, 85)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.SetErrorMode(msvcrt.SEM_FAILCRITICALERRORS | msvcrt.SEM_NOGPFAULTERRORBOX)
