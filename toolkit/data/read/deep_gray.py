"""Gray of more than 8 bits: its upper byte, or Hounsfield units seen through a window."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.pixels import Window
from hemotk.errors import HemotkError

FEW_LEVELS = 16  # gray levels that show no brain
_USUAL_OFFSETS = (1024, 32768)
_AIR = -1000
_RARE = 0.02  # share of the pixels that metal does not reach


def upper_byte(values: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """The upper byte of `values`, integers of any shape, those of the picture at `path`.

    Raises:
        HemotkError: values outside 16 bits, or so low or so close together that the upper byte keeps almost nothing.
    """
    if values.min() < 0 or values.max() > 0xFFFF:
        raise HemotkError(f"{path}: holds pixels outside 16 bits; save it as 8-bit or 16-bit gray.")
    upper = (values.astype(np.uint16) >> 8).astype(np.uint8)
    low, high = np.quantile(values, (_RARE, 1 - _RARE))
    usual = (values >= low) & (values <= high)  # without metal and padding, which may hold many levels
    for shown in (np.ones_like(usual), usual):
        levels, kept = gray_levels(values[shown]), gray_levels(upper[shown])
        if kept > FEW_LEVELS or levels <= 2 * kept:
            continue
        raise HemotkError(
            f"{path}: has {levels} gray levels in 16 bits, of which the upper byte keeps {kept}; {_remedy(values)}."
        )
    return upper


def through_window(values: NDArray[Any], window: Window, hu_offset: int) -> NDArray[np.uint8]:
    """Hounsfield units plus `hu_offset`, integers of any shape, as gray through `window`, as DICOM slices are."""
    from hemotk.data.read.dicom import thresholds

    edges = thresholds(Fraction(1), Fraction(-hu_offset), window)
    return np.searchsorted(edges, values.astype(np.int64), side="right").astype(np.uint8)


def gray_levels(values: NDArray[Any]) -> int:
    """The number of different values."""
    return len(np.unique(values))


def _remedy(values: NDArray[Any]) -> str:
    """The possible meanings of the values: 8 bits, or Hounsfield units with one of the usual offsets."""
    if values.max() <= 0xFF:
        return "its values fit into 8 bits: save it as 8-bit gray"
    darkest = int(np.quantile(values, 0.05))
    near = [offset for offset in _USUAL_OFFSETS if abs(darkest - offset - _AIR) <= 100]
    if near:
        return (
            f"its values may be Hounsfield units plus {near[0]}: say so with ‹hu_offset› {near[0]}, or save it as "
            "8-bit gray"
        )
    return (
        "if its values are Hounsfield units plus a number, say so with ‹hu_offset› NUMBER (often 1024 or 32768), else "
        "save it as 8-bit gray"
    )
