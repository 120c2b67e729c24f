"""One job at a time on one output folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hemotk.errors import HemotkError

LOCK_FILE = "lock"
# Says which run is about to be published out of the folder; see `hemotk.store.finished`.
NOTE_FILE = "published"
LOCK_FILES = (LOCK_FILE, NOTE_FILE)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
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
        (folder / NOTE_FILE).unlink(missing_ok=True)  # not before: what another process has noted is its own
        yield
    finally:
        lock.release()
