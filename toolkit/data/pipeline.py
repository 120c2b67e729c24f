"""The images of a split as arrays, checked against the split's checksums."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from hemotk.artifacts import PreprocessSpec, SplitItem
from hemotk.data.preprocess import load_pixels
from hemotk.errors import HemotkError
from hemotk.files import check_sha256

Progress = Callable[[int, int], None]


def load_items(
    items: Sequence[SplitItem], root: Path, spec: PreprocessSpec, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 [n, size, size] and labels int64 [n] of `items`, whose paths are relative to `root`.

    Raises:
        HemotkError: the folder is not there, or a file is missing, changed since the split, or unreadable.
    """
    if not root.is_dir():
        raise HemotkError(f"{root}: the image folder of the split is not there; name its present place with --data.")

    def load(item: SplitItem) -> np.ndarray:
        path = root / item.path
        check_sha256(path, item.sha256)
        return load_pixels(path, spec)

    pixels = np.empty((len(items), spec.size, spec.size), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        for index, image in enumerate(pool.map(load, items)):
            pixels[index] = image
            if progress:
                progress(index + 1, len(items))
    return pixels, np.array([item.label for item in items], np.int64)
