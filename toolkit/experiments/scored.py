"""What the network of a finished run said about one part of its split, image by image."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import SPLIT_FILE, GroupMetrics, Part, RunCard, SplitItem, SplitManifest
from hemotk.errors import HemotkError
from hemotk.files import check_sha256
from hemotk.stats.grouped import evaluate_groups
from hemotk.stats.metrics import decide
from hemotk.store.cards import run_card
from hemotk.training.scores import SCORES_FILE, read_scores, read_tissue


@dataclass(frozen=True, eq=False)
class ScoredPart:
    """The images of `part` with their `logits`, float64 [n]; `tissue` is the share of soft tissue, 0 to 1, [n].

    `tissue` is None in runs from before it was kept.
    """

    folder: Path
    card: RunCard
    split: SplitManifest
    part: Part
    items: tuple[SplitItem, ...]
    logits: NDArray[np.float64]
    tissue: NDArray[np.float64] | None

    @cached_property
    def labels(self) -> NDArray[np.int_]:
        """0 or 1, [n]."""
        return np.array([item.label for item in self.items], np.int_)

    @cached_property
    def called(self) -> NDArray[np.bool_]:
        """Whether the run calls a hemorrhage, [n], at its own threshold and temperature."""
        return decide(self.logits, self.card.threshold, self.card.temperature)

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """A number for the group of each image, [n]."""
        return np.unique([item.group for item in self.items], return_inverse=True)[1].reshape(-1)

    @cached_property
    def metrics(self) -> GroupMetrics:
        """The figures of the part, with intervals over groups."""
        return evaluate_groups(self.labels, self.called, self.logits, self.groups)


def open_scored(folder: Path, part: Part) -> ScoredPart:
    """The scores of `part` in the run `folder`, whose split and scores are checked against the card.

    Raises:
        HemotkError: no readable run, one without scores of that part, or a file that was changed.
    """
    card = run_card(folder)
    if SCORES_FILE not in card.files:
        raise HemotkError(
            f"{folder}: keeps no scores of single images, as those that an early hemotk made or imported; "
            "train or prune it again, or bench its bundle."
        )
    for name in (SPLIT_FILE, SCORES_FILE):
        check_sha256(folder / name, card.files[name])
    split = SplitManifest.read(folder / SPLIT_FILE)
    items = split.part(part)
    scores, tissue = (read(folder / SCORES_FILE, part) for read in (read_scores, read_tissue))
    if scores is None or scores.keys() != {item.path for item in items}:
        raise HemotkError(f"{folder / SCORES_FILE}: holds scores of other images than the split's; train again.")
    return ScoredPart(
        folder,
        card,
        split,
        part,
        items,
        np.array([scores[item.path] for item in items]),
        None if tissue is None else np.array([tissue[item.path] for item in items]),
    )
