"""`NAME.testset/`: the test part of the split as the network sees it, beside the bundle."""

from pathlib import Path

import numpy as np

from hemotk.artifacts import SPLIT_FILE, TESTSET_CARD, TESTSET_IMAGES, TestItem, TestSetCard
from hemotk.export.source import Source
from hemotk.files import sha256_file


def write_testset(folder: Path, source: Source, created: str) -> TestSetCard:
    """Write `images.npy` (uint8 [n, size, size]) and `testset.json` into an existing folder.

    Raises:
        HemotkError: an image is missing, unreadable, or changed since the split.
    """
    items = source.split.part("test")
    size = source.card.preprocess.size
    path = folder / TESTSET_IMAGES
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(items), size, size))
    start = 0
    for chunk in source.chunks("test"):
        images[start : start + len(chunk)] = chunk
        start += len(chunk)
    images.flush()
    del images
    card = TestSetCard(
        created=created,
        split=source.card.files[SPLIT_FILE],
        preprocess=source.card.preprocess,
        images=sha256_file(path),
        items=tuple(TestItem(item.path, item.label, item.group) for item in items),
    )
    card.write(folder / TESTSET_CARD)
    return card
