"""The run that an export starts from: checked against its checksums, with the images of its split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemotk.artifacts import RUN_CARD, Part, SplitItem, SplitManifest
from hemotk.data.read.pipeline import load_items
from hemotk.errors import HemotkError
from hemotk.progress import Tell, silent
from hemotk.store.run import StoredRun

CHUNK = 64


@dataclass(frozen=True)
class Source(StoredRun):
    """A run and where the images of its split are."""

    root: Path

    def pixels(self, items: Sequence[SplitItem], tell: Tell = silent) -> np.ndarray:
        """The images of `items` by the pixel contract: uint8 [n, size, size].

        Raises:
            HemotkError: the folder or a file is missing, or a file changed since the split.
        """
        return load_items(items, self.root, self.card.preprocess, tell)[0]

    def chunks(self, part: Part) -> Iterator[np.ndarray]:
        """The images of one part in order, some at a time."""
        items = self.split.part(part)
        for start in range(0, len(items), CHUNK):
            yield self.pixels(items[start : start + CHUNK])


def open_run(folder: Path, data: Path | None = None) -> Source:
    """Check every file of the run against its card and read the cards.

    Raises:
        HemotkError: a file is missing, is not the recorded one, or cannot be read.
    """
    run = StoredRun.open(folder)
    card, shape = run.card, run.shape
    if card.preprocess.size < shape.smallest_input():
        raise HemotkError(
            f"{folder / RUN_CARD}: field 'preprocess.size' is {card.preprocess.size}, less than the "
            f"{shape.smallest_input()} pixels that the network needs; train again with a larger ‹size›."
        )
    return Source(folder, card, run.sha256, run.split, shape, run.split.root(data))


def calibration_items(split: SplitManifest, count: int) -> tuple[SplitItem, ...]:
    """At most `count` items of the training part, its classes in their proportion, at least one of each.

    Which ones depends on the files' checksums alone (without them: on their paths), so the order of the manifest does
    not matter.

    Raises:
        HemotkError: the training part has one class only, or shares an image or a patient with the test part.
    """
    by_label = {label: sorted((i.key, i.path) for i in split.part("train") if i.label == label) for label in (0, 1)}
    for label, found in by_label.items():
        if not found:
            raise HemotkError(
                f"calibration: the training part has no image of class '{split.classes[label]}'; split again with "
                "images of both classes."
            )
    total = sum(map(len, by_label.values()))
    count = min(count, total)
    positives = min(max(round(count * len(by_label[1]) / total), 1), count - 1)
    chosen = {*by_label[1][:positives], *by_label[0][: count - positives]}
    items = tuple(item for item in split.part("train") if (item.key, item.path) in chosen)
    check_apart(items, split.part("test"))
    return items


def check_apart(calibration: Sequence[SplitItem], test: Sequence[SplitItem]) -> None:
    """Refuse calibration on what the bundle is tested on.

    Raises:
        HemotkError: an image or a group is in both.
    """
    for field in ("sha256", "group"):
        seen = {getattr(item, field) for item in test} - {None}
        for item in calibration:
            if getattr(item, field) in seen:
                raise HemotkError(
                    f"calibration: '{item.path}' is also in the test part (same {field}); split again, so that the "
                    "parts share nothing."
                )
