"""`NAME.testset/`: the test part of the split as the network sees it, beside the bundle."""

from pathlib import Path

import numpy as np

from hemotk.artifacts import SPLIT_FILE, TESTSET_CARD, TESTSET_IMAGES, TestItem, TestSetCard
from hemotk.exporting.source import Source
from hemotk.files import sha256_file
from hemotk.store.cards import card_of_testset


def same_testset(folder: Path, source: Source) -> TestSetCard | None:
    """The card of the test set in `folder`, if it is the one that `fill_testset` would write but for its time.

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


def fill_testset(folder: Path, source: Source, created: str) -> TestSetCard:
    """Write `images.npy` (uint8 [n, size, size]) into `folder`, and give the card that belongs to it.

    Raises:
        HemotkError: an image is missing, unreadable, or changed since the split.
    """
    count, size, path = len(source.split.part("test")), source.card.preprocess.size, folder / TESTSET_IMAGES
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False}
    with path.open("wb") as stream:  # not mapped: a full disk would end the process
        np.lib.format.write_array_header_1_0(stream, {**header, "shape": (count, size, size)})
        for chunk in source.chunks("test"):
            stream.write(chunk.astype(np.uint8, copy=False).tobytes())
    return _card(source, created, sha256_file(path))


def _card(source: Source, created: str, images: str) -> TestSetCard:
    return TestSetCard(
        created=created,
        split=source.card.files[SPLIT_FILE],
        preprocess=source.card.preprocess,
        images=images,
        items=tuple(TestItem(item.path, item.label, item.group) for item in source.split.part("test")),
    )
