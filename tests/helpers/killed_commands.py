"""Commands of `hemotk`, each in a process of its own, that can be killed at any moment or before any file operation.

Each process is forked from one that has loaded TensorFlow but not used it, which saves most of the time a start takes.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

_LOADED = (
    "tensorflow",
    "tf_keras",
    "matplotlib.backends.backend_agg",
    "hemotk.training.folds",
    "hemotk.pruning.channels.loop",
    "hemotk.pruning.magnitude.loop",
    "hemotk.exporting.bundle",
    "hemotk.importing.run",
    "hemotk.sweep.run",
    "hemotk.web.site",
    "hemotk.android.app",
)
# One thread adds up in one order, so that two undisturbed runs are alike.
ALIKE = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
# The audit events (PEP 578) of all that `hemotk` changes a disk with.
_CHANGES = frozenset({"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"})
_FAR = 600.0


@dataclass(frozen=True)
class Fuse:
    """When to kill: after `seconds`, or before the file operation `change`, counted from 0; neither: not at all."""

    seconds: float | None = None
    change: int | None = None


NEVER = Fuse()


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (None if it was killed), its wall time, its file operations, its words."""

    code: int | None
    seconds: float
    changes: int
    said: str


def start_loading() -> None:
    """Name what the forking process loads; to be called before the first command."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(_LOADED))


def run_command(argv: Sequence[str], folder: Path, fuse: Fuse = NEVER) -> Ended:
    """Run `hemotk argv`, which writes below `folder` only, and kill it when `fuse` says so."""
    context = multiprocessing.get_context("forkserver")
    changes: Any = context.Value(ctypes.c_int, 0, lock=False)
    log = folder / "log"
    process = context.Process(target=_work, args=(list(argv), folder, log, fuse.change, changes))
    started = time.monotonic()
    process.start()
    process.join(_FAR if fuse.seconds is None else fuse.seconds)
    if process.is_alive():
        process.kill()
        process.join()
    seconds, said = time.monotonic() - started, log.read_text() if log.exists() else ""
    log.unlink(missing_ok=True)
    if process.exitcode != -signal.SIGKILL:
        return Ended(process.exitcode, seconds, changes.value, said)
    if fuse == NEVER:
        raise TimeoutError(f"hemotk {' '.join(argv)} did not end in {_FAR:.0f} s: {said}")
    return Ended(None, seconds, changes.value, said)


def _work(argv: list[str], folder: Path, log: Path, last: int | None, changes: Any) -> None:
    from hemotk.benchmarks import config
    from hemotk.cli.main import main

    # A sweep times its bundles: no longer than is needed for a figure.
    config.BenchConfig = partial(config.BenchConfig, min_runs=2, min_seconds=0)  # type: ignore[assignment,misc]
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES and _is_change(event, arguments, folder):
            if changes.value == last:
                os.kill(os.getpid(), signal.SIGKILL)
            changes.value += 1

    sys.addaudithook(count)
    main(argv)


def _is_change(event: str, arguments: tuple[Any, ...], folder: Path) -> bool:
    """Whether it changes something below `folder`; removing a tree names its files without their folders."""
    path = arguments[0]
    if not isinstance(path, (str, Path)) or (event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        return False
    return Path(path).is_relative_to(folder) or (event != "open" and not Path(path).is_absolute())
