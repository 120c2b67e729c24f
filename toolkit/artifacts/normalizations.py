"""The normalization of a pixel's byte before a model, in the words that people use."""

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import require

Array = NDArray[np.float64]

_MEAN, _STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
# The modes of keras.applications under its names, and TorchXRayVision's: scale and shift of a byte, per channel.
_MODES = {
    "torch": (1 / (255 * _STD), -_MEAN / _STD),
    "tf": (np.array([1 / 127.5]), np.array([-1.0])),
    "unit": (np.array([1 / 255]), np.array([0.0])),
    "raw": (np.array([1.0]), np.array([0.0])),
    "xrv": (np.array([2048 / 255]), np.array([-1024.0])),  # torchxrayvision.datasets.normalize(picture, 255)
}
NORMALIZATIONS = ("auto", *_MODES)
CHOICES = (
    "torch (keras.applications.densenet.preprocess_input), unit (pixel / 255), tf (pixel / 127.5 − 1), raw (0 to 255), "
    "xrv (TorchXRayVision: −1024 to 1024), "
    "or MEAN/STD of pixel / 255, such as 0.5/0.25"
)
# Black to white after a normalization: a network is never trained far outside, a wrong guess ends there.
SANE_SPAN = (0.05, 50.0)


def byte_affine(mode: str) -> tuple[Array, Array]:
    """Scale and shift of a byte, float64 [1] or [3], by one of `NORMALIZATIONS` ('auto': none) or 'MEAN/STD'.

    MEAN and STD are one number or three, with commas between them, of pixels between 0 and 1.

    Raises:
        FieldError: `mode` is neither.
    """
    if mode in NORMALIZATIONS:
        return _MODES["raw" if mode == "auto" else mode]
    parts = mode.split("/")
    mean, std = (_numbers(part) for part in (parts if len(parts) == 2 else ("", "")))
    known = bool(mean.size and std.size)
    require(known, "normalization", f"one of {', '.join(NORMALIZATIONS)}, or MEAN/STD, one or three numbers each")
    require(bool((mean >= 0).all() and (mean <= 1).all()), "normalization", "MEAN/STD with means between 0 and 1")
    low, high = 1 / SANE_SPAN[1], 1 / SANE_SPAN[0]
    sane = bool((std >= low).all() and (std <= high).all())
    require(sane, "normalization", f"MEAN/STD with deviations between {low:g} and {high:g}")
    mean, std = np.broadcast_arrays(mean, std)
    return 1 / (255 * std), -mean / std


def _numbers(said: str) -> Array:
    """One number or three; none if `said` is neither."""
    try:
        numbers = np.array([float(number) for number in said.split(",")])
    except ValueError:
        return np.empty(0)
    return numbers if numbers.size in (1, 3) and np.isfinite(numbers).all() else np.empty(0)
