"""`NAME.testset/`: the test part of the split as the network sees it, beside the bundle."""

from pathlib import Path

import numpy as np

from hemotk.artifacts import SPLIT_FILE, TESTSET_CARD, TESTSET_IMAGES, TestItem, TestSetCard
from hemotk.exporting.source import Source
from hemotk.files import sha256_file
from hemotk.store.cards import card_of_testset
from hemotk.store.publish import publish_testset


def same_testset(folder: Path, source: Source) -> TestSetCard | None:
    """The card of the test set in `folder`, if it is the one that `write_testset` would write but for its time.

    Raises:
        HemotkError: a card that cannot be read, or an image that is missing, unreadable, or changed since the split.
    """
    if not (folder / TESTSET_CARD).is_file():
        return None
    card = card_of_testset(folder)
    wanted = _card(source, card.created, card.images)
    path = folder / TESTSET_IMAGES
    if card != wanted or not path.is_file() or sha256_file(path) != card.images:
        return None
    images = np.load(path, mmap_mode="r")
    start = 0
    for chunk in source.chunks("test"):
        if not np.array_equal(images[start : start + len(chunk)], chunk):
            return None
        start += len(chunk)
    return card if start == len(images) else None


def write_testset(out: Path, source: Source, created: str, *, overwrite: bool = False) -> TestSetCard:
    """Write the folder `out` with `images.npy` (uint8 [n, size, size]) and `testset.json`.

    Raises:
        HemotkError: an image is missing, unreadable, or changed since the split; or `out` exists and `overwrite` is
            false.
    """
    count, size = len(source.split.part("test")), source.card.preprocess.size

    def fill(path: Path) -> None:
        images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, size, size))
        start = 0
        for chunk in source.chunks("test"):
            images[start : start + len(chunk)] = chunk
            start += len(chunk)
        images.flush()

    return publish_testset(out, fill, lambda sha256: _card(source, created, sha256), overwrite=overwrite)


def _card(source: Source, created: str, images: str) -> TestSetCard:
    return TestSetCard(
        created=created,
        split=source.card.files[SPLIT_FILE],
        preprocess=source.card.preprocess,
        images=images,
        items=tuple(TestItem(item.path, item.label, item.group) for item in source.split.part("test")),
    )
