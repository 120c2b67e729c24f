"""A class-activation map drawn over its picture; research, not for diagnosis."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# The contribution, in units of the logit, that has the full colour; the same for every picture, so maps compare.
FULL = 10.0
OPACITY = 0.6
TOWARDS, AGAINST = (255, 0, 0), (0, 0, 255)


def overlay(gray: NDArray[np.uint8], cam: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """The picture `gray` uint8 [height, width], before the pixel contract, with its map over it: [height, width, 3].

    `cam` [h, w] are contributions to the logit of the picture at `size`: red is towards class 1, blue against it, and
    the opacity grows with the contribution up to `OPACITY` at `FULL`.
    """
    return over(gray, np.clip(on_picture(cam, gray.shape[0], gray.shape[1], size) / FULL, -1, 1))


def over(gray: NDArray[np.uint8], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The colours of `share` float32 [height, width], from -1 to 1, over `gray` uint8: uint8 [height, width, 3]."""
    value = share[..., np.newaxis]
    colour = np.where(value > 0, np.array(TOWARDS, np.float32), np.array(AGAINST, np.float32))
    opacity = OPACITY * np.abs(value)
    mixed: NDArray[np.uint8] = np.rint((1 - opacity) * gray[..., np.newaxis] + opacity * colour).astype(np.uint8)
    return mixed


def cell_sides(cells: tuple[int, ...], size: int) -> tuple[float, ...]:
    """How many pixels of the network's input, whose side is `size`, one cell of the map covers in each direction.

    That is a power of two, as in a DenseNet: the last cells may reach beyond the input, or leave a rest.
    """
    return tuple(float(2 ** round(math.log2(size / count))) for count in cells)


def on_picture(cam: NDArray[np.float64], height: int, width: int, size: int) -> NDArray[np.float32]:
    """The map [h, w] at every pixel of the picture that it belongs to, float32 [height, width].

    Undoes the pixel contract: bilinear to the square that the picture was padded to, without the padding. What no
    cell covers is filled by the edge's cells.
    """
    side = max(height, width)
    cells = [size / pixels for pixels in cell_sides(cam.shape, size)]
    padded = np.pad(cam.astype(np.float32), ((0, 1), (0, 1)), mode="edge")
    box = (0.0, 0.0, cells[1], cells[0])
    square = Image.fromarray(padded).resize((side, side), Image.Resampling.BILINEAR, box)
    top, left = (side - height) // 2, (side - width) // 2
    return np.asarray(square)[top : top + height, left : left + width]
