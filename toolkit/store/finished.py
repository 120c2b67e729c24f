"""Tidy up beside a finished run whose process was killed after publishing it.

A note in the folder of the unfinished run names the run card that is about to be published. It is removed last. So a
folder beside the run with that card is of no more use.
"""

from pathlib import Path

from hemotk.artifacts import RUN_CARD
from hemotk.files import refuse_existing, sha256_file
from hemotk.store.lock import LOCK_FILES, NOTE_FILE
from hemotk.store.unfinished import partial_of, remove_partial


def announce(partial: Path, card: Path) -> None:
    """Note in the locked folder `partial` that the run with the file `card` is about to be published."""
    (partial / NOTE_FILE).write_text(sha256_file(card), encoding="utf-8")


def refuse_finished(out: Path, overwrite: bool) -> None:
    """`refuse_existing` for a run folder, after removing what a killed process has left beside it.

    Raises:
        HemotkError: as `refuse_existing`.
    """
    remove_left(out)
    refuse_existing(out, overwrite)


def is_finished(out: Path, card: str = RUN_CARD) -> bool:
    """Whether `out` is a finished run, after removing what a killed process has left beside it.

    With the name of another `card`, whether it is such a folder, such as a cross-validation.
    """
    if card == RUN_CARD:
        remove_left(out)
    return (out / card).is_file() and not partial_of(out).exists()


def remove_left(out: Path) -> None:
    """Remove what lies beside the run folder `out`, if it is of the very run that is there."""
    partial, card = partial_of(out), out / RUN_CARD
    if not (partial.is_dir() and card.is_file()):
        return
    # Earlier versions noted it in the lock file.
    notes = [path.read_text(encoding="utf-8") for name in LOCK_FILES if (path := partial / name).is_file()]
    if not any(partial.iterdir()) or sha256_file(card) in notes:
        remove_partial(partial)
