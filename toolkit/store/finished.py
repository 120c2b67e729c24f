"""What is left beside a finished run when its process was killed after publishing it and before tidying up.

The lock file of the unfinished run names the run card that is about to be published, and is removed last. So what lies
beside a run with that card is of no more use.
"""

from pathlib import Path

from hemotk.artifacts import RUN_CARD
from hemotk.files import refuse_existing, sha256_file
from hemotk.store.lock import LOCK_FILE
from hemotk.store.unfinished import partial_of, remove_partial


def announce(partial: Path, card: Path) -> None:
    """Note in the locked folder `partial` that the run with the file `card` is about to be published."""
    (partial / LOCK_FILE).write_text(sha256_file(card))


def refuse_finished(out: Path, overwrite: bool) -> None:
    """`refuse_existing` for a run folder, after removing what a killed process has left beside it.

    Raises:
        HemotkError: as `refuse_existing`.
    """
    remove_left(out)
    refuse_existing(out, overwrite)


def remove_left(out: Path) -> None:
    """Remove what lies beside the run folder `out`, if it is of the very run that is there."""
    partial, card = partial_of(out), out / RUN_CARD
    if not (partial.is_dir() and card.is_file()):
        return
    lock = partial / LOCK_FILE
    if not any(partial.iterdir()) or (lock.is_file() and lock.read_text() == sha256_file(card)):
        remove_partial(partial)
