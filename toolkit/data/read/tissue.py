"""The slice level, told from one number: the share of soft tissue in the picture.

Slices through the middle of the head show most of it, and bleeds lie there. So this share alone orders the slices of
whole series better than chance, and a figure over series must stand beside what it reaches.
"""

import numpy as np
from numpy.typing import NDArray

from hemotk.data.read.preprocess import to_pixels

BRAIN = 0.2  # least share of a slice that shows brain
_SIDE = 128
_DARKEST, _BRIGHTEST = 50, 200  # soft tissue in the brain window lies strictly between


def soft_tissue_share(gray: NDArray[np.uint8]) -> float:
    """The share of pixels, 0 to 1, with the gray of soft tissue in uint8 [height, width], seen at 128×128."""
    pixels = to_pixels(gray, _SIDE)
    return float(np.mean((pixels > _DARKEST) & (pixels < _BRIGHTEST)))
