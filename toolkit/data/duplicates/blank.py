"""Slices that show nothing: air alone, or one gray value."""

import numpy as np
from numpy.typing import NDArray

_MARGIN = 8  # gray values this near to black or white lie outside the window, but for noise of compression
_LEAST = 0.002  # share of the picture


def is_blank(gray: NDArray[np.uint8]) -> bool:
    """Whether uint8 [height, width] is of one gray value, or almost nothing in it lies inside the window."""
    if gray.min() == gray.max():
        return True
    return float(np.mean((gray > _MARGIN) & (gray < 255 - _MARGIN))) < _LEAST
