"""Pictures of noise in a folder for each label."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_pictures(folder: Path, count: int = 12, size: int = 20) -> Path:
    """Fill `folder` with `count` pictures, by turns in `normal/` and `hemorrhage/`, no two alike."""
    for place in range(count):
        path = folder / ("normal", "hemorrhage")[place % 2] / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(place).integers(0, 256, (size, size), np.uint8)).save(path)
    return folder
