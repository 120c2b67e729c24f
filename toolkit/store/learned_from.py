"""Refuse to judge a network on images that it, or a run before its own, has learned from."""

import re
from collections.abc import Iterable
from pathlib import Path

from hemotk.artifacts import (
    LEARNED_FILE,
    RUN_CARD,
    SPLIT_FILE,
    WEIGHTS_FILE,
    Learned,
    RunCard,
    SplitManifest,
    TrainingImages,
)
from hemotk.errors import HemotkError
from hemotk.files import check_files, sha256_file
from hemotk.store.cards import run_card

_CHECKSUM = re.compile("[0-9a-f]{64}")
# Weights that have seen no CT.
_NO_CT = ("none", "imagenet")


def training_images(split: SplitManifest) -> TrainingImages:
    """The training part of `split`."""
    items = split.part("train")
    keys, groups = ({getattr(item, field) for item in items} for field in ("key", "group"))
    return TrainingImages(split.folder, tuple(sorted(keys)), tuple(sorted(groups)))


def seen(learned: Iterable[TrainingImages], judged: SplitManifest) -> str | None:
    """An image of the validation or test part of `judged` that is known from `learned`, in words.

    None where there is no such image.
    """
    for images in learned:
        keys = {name for key in images.images for name in _known_as(images.folder, key)}
        # Groups have names that mean something within one folder only.
        groups = set(images.groups) if images.folder == judged.folder else set()
        for item in (*judged.part("validation"), *judged.part("test")):
            if not keys.isdisjoint(_known_as(judged.folder, item.key)):
                return f"'{item.path}' (same image)"
            if item.group in groups:
                return f"'{item.path}' (same group)"
    return None


def _known_as(folder: str, key: str) -> tuple[str, ...]:
    """The names by which an image may be known: its checksum, else its path in a moved folder, or in a merged one."""
    return (key,) if _CHECKSUM.fullmatch(key) else (key, f"{folder}/{key}")


def learned_by(run: Path) -> Learned:
    """All that the network in the folder `run` has learned from: in that run, and before.

    Raises:
        HemotkError: a file of the run is missing, damaged, or not the one that its card names.
    """
    card = run_card(run)
    check_files(run, card.files)
    return learned_in(run, card, sha256_file(run / RUN_CARD), SplitManifest.read(run / SPLIT_FILE))


def learned_in(run: Path, card: RunCard, sha256: str, split: SplitManifest) -> Learned:
    """Do as `learned_by` for a run that is checked and whose card, with its checksum, and split are read already."""
    if card.source == "imported":
        return Learned(sha256, (), (f"{card.name} (imported)",))
    own = training_images(split)
    if LEARNED_FILE not in card.files:
        return Learned(sha256, (own,), _unsaid(card))
    before = Learned.read(run / LEARNED_FILE)
    return Learned(sha256, (own, *before.images), before.unknown)


def learned_before(split: SplitManifest, start: Learned, *others: Learned) -> Learned:
    """The images of splits other than `split` that a network comes to it with, by its `start` and `others`."""
    sources = (start, *others)
    images = dict.fromkeys(images for learned in sources for images in learned.images)
    images.pop(training_images(split), None)
    return Learned(start.run, tuple(images), tuple(dict.fromkeys(name for each in sources for name in each.unknown)))


def unknown_note(learned: Learned | None) -> tuple[str, ...]:
    """A note for the run's card where the training images of a network before it are not all known."""
    if learned is None or not learned.unknown:
        return ()
    return (
        f"What {' and '.join(learned.unknown)} learned from is not known: if it was images of the validation or test "
        "part, the figures flatter.",
    )


def check_unseen(weights: str, split: SplitManifest) -> Learned | None:
    """Check that given `weights`, if they are a run's, have not learned from what `split` judges on.

    Gives the images of other splits that they learned from; None for weights that have seen no CT. Nothing is known
    of a file outside a run, or of a network that was trained elsewhere.

    Raises:
        HemotkError: they have, or a file of the run is missing or not the one that its card names.
    """
    if weights in _NO_CT:
        return None
    path = Path(weights)
    folder = path.parent if path.name == WEIGHTS_FILE else path
    if not (folder / RUN_CARD).is_file():
        return Learned(None, (), (f"the weight file {path.name}",))
    learned = learned_by(folder)
    known = seen(learned.images, split)
    if known is not None:
        raise HemotkError(
            f"‹weights› {weights}: learned from {known}, which the new run would be judged on; train on the split of "
            "that run, or give weights that have not seen it."
        )
    return learned_before(split, learned)


def _unsaid(card: RunCard) -> tuple[str, ...]:
    """The networks or weights before the run whose training images are unknown, for a run without `LEARNED_FILE`."""
    if card.source == "pruned":
        return (f"the network that {card.name} was pruned from",)
    weights = card.settings.get("weights", "none")
    return () if weights in _NO_CT else (f"the weights {weights} that {card.name} began with",)
