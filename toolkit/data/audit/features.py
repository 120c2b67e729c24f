"""Features of a picture file that need no look at what the picture shows, and its slice level."""

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.audit import SLICE_LEVEL
from hemotk.data.read.tissue import soft_tissue_share

# probe → feature → value
Features = dict[str, dict[str, float]]

_CORNER = 0.15  # side of a corner relative to the picture's
_BORDER = 0.02
_TINT = 8  # by how much the channels must differ for a pixel to count as coloured, of 255


def file_features(size: int, gray: NDArray[np.uint8], colours: NDArray[np.uint8] | None) -> Features:
    """The features of one file of `size` bytes that decodes to `gray` [height, width] and `colours` [height, width, 3].

    `colours` is None for gray pictures. The keys are the names of the probes in `hemotk.artifacts.audit.PROBES`.
    """
    height, width = gray.shape
    return {
        "file size": {"log2 of bytes": float(np.log2(size + 1)), "bits per pixel": 8 * size / gray.size},
        "picture size": {"width": float(width), "height": float(height)},
        "aspect ratio": {"width / height": width / height},
        "colour": _colour(colours),
        "corner text": _corners(gray),
        "border brightness": _border(gray),
        SLICE_LEVEL: {"soft tissue": soft_tissue_share(gray)},
    }


def _colour(colours: NDArray[np.uint8] | None) -> dict[str, float]:
    if colours is None:
        return dict.fromkeys(("coloured share", "red over blue", "green over both"), 0.0)
    red, green, blue = (colours[..., channel].astype(np.int16) for channel in range(3))
    spread = colours.max(axis=2).astype(np.int16) - colours.min(axis=2)
    return {
        "coloured share": float((spread > _TINT).mean()),
        "red over blue": float((red - blue).mean()),
        "green over both": float((green - (red + blue) / 2).mean()),
    }


def _corners(gray: NDArray[np.uint8]) -> dict[str, float]:
    rows, columns = max(2, round(_CORNER * gray.shape[0])), max(2, round(_CORNER * gray.shape[1]))
    bright = float(np.percentile(gray, 99)) / 2
    places = {
        "top left": gray[:rows, :columns],
        "top right": gray[:rows, -columns:],
        "bottom left": gray[-rows:, :columns],
        "bottom right": gray[-rows:, -columns:],
    }
    means = {}
    for place, corner in places.items():
        means[f"{place}: bright share"] = float((corner > bright).mean())
        means[f"{place}: edges"] = float(np.abs(np.diff(corner.astype(np.int16), axis=1)).mean())
    return means


def _border(gray: NDArray[np.uint8]) -> dict[str, float]:
    rows, columns = max(1, round(_BORDER * gray.shape[0])), max(1, round(_BORDER * gray.shape[1]))
    return {
        "top": float(gray[:rows].mean()),
        "bottom": float(gray[-rows:].mean()),
        "left": float(gray[:, :columns].mean()),
        "right": float(gray[:, -columns:].mean()),
    }
