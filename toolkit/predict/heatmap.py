"""A class-activation map drawn over its picture; research, not for diagnosis."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# The contribution, in units of the logit, that has the full colour; the same for every picture, so maps compare.
FULL = 10.0
OPACITY = 0.6
TOWARDS, AGAINST = (255, 0, 0), (0, 0, 255)


def heatmap(gray: NDArray[np.uint8], cam: NDArray[np.float64], size: int) -> bytes:
    """The `overlay` as a PNG."""
    stream = io.BytesIO()
    Image.fromarray(overlay(gray, cam, size)).save(stream, "PNG")
    return stream.getvalue()


def overlay(gray: NDArray[np.uint8], cam: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """The picture `gray` uint8 [height, width], before the pixel contract, with its map over it: [height, width, 3].

    `cam` [h, w] are contributions to the logit of the picture at `size`: red is towards class 1, blue against it, and
    the opacity grows with the contribution up to `OPACITY` at `FULL`.
    """
    value = np.clip(on_picture(cam, gray.shape[0], gray.shape[1], size) / FULL, -1, 1)[..., np.newaxis]
    colour = np.where(value > 0, np.array(TOWARDS, np.float32), np.array(AGAINST, np.float32))
    share = OPACITY * np.abs(value)
    mixed: NDArray[np.uint8] = np.rint((1 - share) * gray[..., np.newaxis] + share * colour).astype(np.uint8)
    return mixed


def on_picture(cam: NDArray[np.float64], height: int, width: int, size: int) -> NDArray[np.float32]:
    """The map [h, w] at every pixel of the picture that it belongs to, float32 [height, width].

    Undoes the pixel contract: bilinear to the square that the picture was padded to, without the padding. A cell
    stands for a power of two of network pixels, as in a DenseNet, so the last ones may reach beyond the picture or
    leave a rest, which the edge's cells fill.
    """
    side = max(height, width)
    cells = [size / 2 ** round(math.log2(size / count)) for count in cam.shape]
    padded = np.pad(cam.astype(np.float32), ((0, 1), (0, 1)), mode="edge")
    box = (0.0, 0.0, cells[1], cells[0])
    square = Image.fromarray(padded).resize((side, side), Image.Resampling.BILINEAR, box)
    top, left = (side - height) // 2, (side - width) // 2
    return np.asarray(square)[top : top + height, left : left + width]
