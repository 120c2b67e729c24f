"""One training at a time on one output folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hemotk.errors import HemotkError

LOCK_FILE = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` (made if missing) for this process; the lock goes with the process, however it ends.

    Raises:
        HemotkError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HemotkError(
                f"{folder}: another training writes there; wait for it, or choose another --out."
            ) from error
        stream.truncate(0)  # not before: what another process has noted there is its own
        yield
