"""One job at a time on one output folder."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.aside import STAYS_WHILE_OPEN
from hemotk.errors import HemotkError
from hemotk.files import printable, publish, refuse_existing

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE = "lock"
# Says which run is about to be published out of the folder; see `hemotk.store.finished`.
NOTE_FILE = "published"
# Says which process holds the folder.
HOLDER_FILE = "holder"
# In the order in which they are removed: the note last.
LOCK_FILES = (HOLDER_FILE, LOCK_FILE, NOTE_FILE)
_MOST_LETTERS = 120


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
        raise HemotkError(f"{folder}: {_holder(folder)}; wait for it, or choose another ‹out›.") from error
    try:
        if not (folder / LOCK_FILE).exists():
            raise HemotkError(f"{folder}: another process has just finished it; look at its ‹out›.")
        (folder / NOTE_FILE).unlink(missing_ok=True)  # not before: what another process has noted is its own
        (folder / HOLDER_FILE).write_text(f"process {os.getpid()}, {_command()}", encoding="utf-8")
        yield lock
    finally:
        lock.release()


def _command() -> str:
    """What this process was started as."""
    program, *words = sys.argv or [""]
    name = Path(program).name
    return shlex.join(["hemotk" if name == "__main__.py" else name, *words])


def _holder(folder: Path) -> str:
    """Which process holds the folder, in words; it may end meanwhile."""
    try:
        said = printable((folder / HOLDER_FILE).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        said = ""
    clipped = said if len(said) <= _MOST_LETTERS else f"{said[:_MOST_LETTERS]}…"
    return f"another hemotk holds it ({clipped})" if said else "another hemotk holds it"


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
