"""The images of a split as arrays, checked against the split's checksums."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hemotk.artifacts import PreprocessSpec, SplitItem
from hemotk.data.read.lazy import LazyPixels, Pixels, check_there, decoded
from hemotk.errors import HemotkError
from hemotk.progress import Tell, silent

MOST_IN_MEMORY = 4 << 30
"""Bytes of pictures that `open_items` keeps in memory: some 85,000 of 224×224."""


def load_items(
    items: Sequence[SplitItem], root: Path, spec: PreprocessSpec, tell: Tell = silent
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 [n, size, size] and labels int64 [n] of `items`, whose paths are relative to `root`.

    Raises:
        HemotkError: the folder is not there, or a file is missing, changed since the split, or unreadable.
    """
    _check_root(root)
    pixels = np.empty((len(items), spec.size, spec.size), np.uint8)
    for index, image in enumerate(decoded(items, root, spec)):
        pixels[index] = image
        tell("reading images", index + 1, len(items))
    return pixels, _labels(items)


def open_items(
    items: Sequence[SplitItem],
    root: Path,
    spec: PreprocessSpec,
    tell: Tell = silent,
    most: int = MOST_IN_MEMORY,
) -> tuple[Pixels, np.ndarray]:
    """As `load_items`; but where the pixels would take more than `most` bytes they are read when they are needed.

    Raises:
        HemotkError: as `load_items`; of files that are read later, those that are missing are found here.
    """
    if len(items) * spec.size * spec.size <= most:
        return load_items(items, root, spec, tell)
    _check_root(root)
    check_there(items, root)
    return LazyPixels(items, root, spec), _labels(items)


def _check_root(root: Path) -> None:
    if not root.is_dir():
        raise HemotkError(f"{root}: the image folder of the split is not there; name its present place with ‹data›.")


def _labels(items: Sequence[SplitItem]) -> np.ndarray:
    return np.array([item.label for item in items], np.int64)
