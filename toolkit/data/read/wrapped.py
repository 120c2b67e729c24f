"""CT slices whose negative Hounsfield units wrapped to large values, as some of the RSNA 2019 set have.

Twelve bits with a sign were saved as twelve without: air, at -1000, reads 3096 and would be white. So do 13 to 16 bits:
with 16, air reads 64536, and a padding of -2000 reads 63536.
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
_MOST_BITS = 16
_NO_METAL = 3900  # Hounsfield units from which on more than a spike of the pixels is no metal


def may_be_wrapped(dataset: "FileDataset") -> bool:
    """Whether the header says values without sign whose upper half is needed for no Hounsfield units.

    Of twelve bits, these are values that begin about 0; of more, all whose upper half is denser than metal.
    """
    bits = dataset.get("BitsStored")
    if not isinstance(bits, int) or not _BITS <= bits <= _MOST_BITS or dataset.get("PixelRepresentation") != 0:
        return False
    try:
        slope, intercept = (float(dataset.get(f"Rescale{name}")) for name in ("Slope", "Intercept"))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return intercept > _LEAST_INTERCEPT if bits == _BITS else slope * (1 << (bits - 1)) + intercept >= _NO_METAL


def is_wrapped(dataset: "FileDataset", stored: NDArray[Any], padding: NDArray[np.bool_]) -> bool:
    """Whether negative values of the slice wrapped; `padding` is the mask of the pixels that its header calls padding.

    The commonest `stored` value, or more pixels than metal has, are denser than anything in a head.
    """
    if not may_be_wrapped(dataset):
        return False
    if dataset.BitsStored > _BITS:
        dense = (stored >= 1 << (dataset.BitsStored - 1)) & ~padding
        return int(dense.sum()) > _SPIKE * stored.size
    counts = np.bincount(stored.ravel().astype(np.int64), minlength=_FULL)
    return int(counts.argmax()) >= _HALF or int(counts[_DENSEST:].sum()) > _SPIKE * stored.size


def unwrapped(stored: NDArray[Any], bits: int = _BITS) -> NDArray[np.int64]:
    """The values of `bits` bits with their sign again, int64 of the same shape.

    Of more than twelve bits, the upper half was negative. Of twelve, values from 2900 on were negative. So were those
    from 2048 on where many pixels share one of them, such as padding at -2000, which reads 2096; else those are metal.
    """
    values = stored.astype(np.int64)
    if bits > _BITS:
        return np.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    counts = np.bincount(values.ravel(), minlength=_FULL)[_HALF:_DENSEST]
    border = _HALF if counts.max() > _SPIKE * values.size else _DENSEST
    return np.where(values >= border, values - _FULL, values)
