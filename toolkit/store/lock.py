"""One job at a time on one output folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.aside import STAYS_WHILE_OPEN
from hemotk.errors import HemotkError
from hemotk.files import publish, refuse_existing

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE = "lock"
# Says which run is about to be published out of the folder; see `hemotk.store.finished`.
NOTE_FILE = "published"
LOCK_FILES = (LOCK_FILE, NOTE_FILE)


@contextmanager
def locked(folder: Path) -> Iterator["BaseFileLock"]:
    """Hold `folder` (made if missing) for this process; the lock goes with the process, however it ends.

    Raises:
        HemotkError: another process holds it.
    """
    from filelock import FileLock, Timeout  # the install without extras has it not

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise HemotkError(f"{folder}: another training writes there; wait for it, or choose another ‹out›.") from error
    try:
        if not (folder / LOCK_FILE).exists():
            raise HemotkError(f"{folder}: another process has just finished it; look at its ‹out›.")
        (folder / NOTE_FILE).unlink(missing_ok=True)  # not before: what another process has noted is its own
        yield lock
    finally:
        lock.release()


def hand_over(lock: "BaseFileLock", folder: Path, out: Path, overwrite: bool) -> None:
    """Publish the `folder` of that `lock` as `out`; nobody else comes in between.

    Raises:
        HemotkError: `out` exists and `overwrite` is false.
    """
    refuse_existing(out, overwrite)
    if STAYS_WHILE_OPEN:
        lock.release()
    for name in LOCK_FILES:
        (folder / name).unlink(missing_ok=True)
    publish(folder, out)
