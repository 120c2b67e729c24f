"""CT slices whose negative Hounsfield units wrapped to large values, as some of the RSNA 2019 set have.

Twelve bits with a sign were saved as twelve without: air, at -1000, reads 3096 and would be white.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import FileDataset

_BITS = 12
_FULL, _HALF = 1 << _BITS, 1 << (_BITS - 1)
_LEAST_INTERCEPT = -100  # with a lower one, negative values were not needed
_DENSEST = 2900  # of what is still taken for metal, where no padding lies below
_SPIKE = 0.02  # share of the pixels that metal does not reach


def may_be_wrapped(dataset: "FileDataset") -> bool:
    """Whether the header says twelve bits without sign and values that begin about 0."""
    if dataset.get("BitsStored") != _BITS or dataset.get("PixelRepresentation") != 0:
        return False
    try:
        return float(dataset.get("RescaleIntercept")) > _LEAST_INTERCEPT  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def is_wrapped(dataset: "FileDataset", stored: NDArray[Any]) -> bool:
    """Whether negative values of the slice wrapped.

    The commonest `stored` value, or more pixels than metal has, are denser than anything in a head.
    """
    if not may_be_wrapped(dataset):
        return False
    counts = np.bincount(stored.ravel().astype(np.int64), minlength=_FULL)
    return int(counts.argmax()) >= _HALF or int(counts[_DENSEST:].sum()) > _SPIKE * stored.size


def unwrapped(stored: NDArray[Any]) -> NDArray[np.int64]:
    """The values with their sign again, int64 of the same shape.

    Values from 2900 on were negative. So were those from 2048 on where many pixels share one of them, such as padding
    at -2000, which reads 2096; else those are metal.
    """
    values = stored.astype(np.int64)
    counts = np.bincount(values.ravel(), minlength=_FULL)[_HALF:_DENSEST]
    border = _HALF if counts.max() > _SPIKE * values.size else _DENSEST
    return np.where(values >= border, values - _FULL, values)
