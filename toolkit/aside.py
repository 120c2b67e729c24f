"""Files and folders aside, in which an output grows until it gets its name, and who holds them."""

import errno
import glob
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hemotk.errors import HemotkError

try:
    import fcntl
except ModuleNotFoundError:  # Windows: what a killed process has left there stays
    fcntl = None  # type: ignore[assignment]

# How to open what is to be synced: Windows syncs only what may be written.
SYNCED = "r+b" if fcntl is None else "rb"
# There, no open file can be removed or replaced, and no folder renamed that has one.
STAYS_WHILE_OPEN = fcntl is None
_HELD = (errno.EAGAIN, errno.EACCES)
# Between two renames of a living process there are no seconds; one that was stopped for longer finds its folder back.
_SETTLED = 30.0


def name_aside(path: Path, ending: str) -> Path:
    """A new name beside `path`, hidden, that ends so."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{ending}")


@contextmanager
def parents(path: Path) -> Iterator[None]:
    """Make the folders that `path` lies in; of those made, what holds nothing when the block ends vanishes."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def held(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """A new file or folder aside of `path`, which this process holds until the block ends; it then vanishes.

    Its name is always the same: so another process that writes `path` finds it held, and one that comes after a killed
    one finds it free. Where the system or its disk knows no locks, the name is a new one, and nobody is kept away.

    Raises:
        HemotkError: another process holds it.
    """
    aside = path.with_name(f".{path.name}.tmp")
    handle = None if fcntl is None else _hold(aside, make)
    if handle is None:
        aside = name_aside(path, "tmp")
        make(aside)
    try:
        yield aside
    finally:
        if handle is None or _is_at(handle, aside):  # else it has its final name, and the next process its own
            remove(aside)
        if handle is not None:
            os.close(handle)


def _hold(aside: Path, make: Callable[[Path], None]) -> int | None:
    """Make `aside`, or empty what a killed process left there, and hold it until what this gives is closed.

    None, with nothing left there, if the disk knows no locks.

    Raises:
        HemotkError: another process holds it.
    """
    while True:
        make(aside)
        try:
            handle = os.open(aside, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if error.errno in _HELD:
                name = aside.name.removeprefix(".").removesuffix(".tmp")
                raise HemotkError(
                    f"{aside.with_name(name)}: another hemotk is writing it; wait for it, or choose another name."
                ) from error
            remove(aside)
            return None
        if _is_at(handle, aside):
            for left in aside.iterdir() if aside.is_dir() else ():
                remove(left)
            return handle
        os.close(handle)  # whoever held it has ended meanwhile


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def make_file(path: Path) -> None:
    """Make the file, if it is not there."""
    path.touch()


def make_folder(path: Path) -> None:
    """Make the folder, if it is not there."""
    path.mkdir(exist_ok=True)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with what is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def tidy(path: Path) -> None:
    """Clean up after killed processes beside `path`, which this one holds.

    What was about to be replaced gets its name again, or goes where it was replaced. So do the folders that earlier
    versions made aside, if nobody holds them.
    """
    for old in sorted(path.parent.glob(_left_by(path, "old"))):
        if os.path.lexists(path):
            remove(old)
        else:
            old.rename(path)
    for aside in path.parent.glob(_left_by(path, "tmp")) if fcntl is not None else ():
        with suppress(OSError):
            handle = os.open(aside, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(aside)
            finally:
                os.close(handle)


def settle(path: Path) -> None:
    """End what a process that was killed while it replaced `path` has begun, as `tidy` does; for who reads `path`.

    What is younger than some seconds, or may not be changed, stays: a living process may be at work on it.
    """
    for old in sorted(path.parent.glob(_left_by(path, "old"))):
        with suppress(OSError):
            if time.time() - old.lstat().st_ctime < _SETTLED:
                continue
            if os.path.lexists(path):
                remove(old)
            else:
                old.rename(path)


def _left_by(path: Path, ending: str) -> str:
    return f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.{ending}"
