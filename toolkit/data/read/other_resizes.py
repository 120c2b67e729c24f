"""The usual other ways to resize a picture: what a pipeline from elsewhere, or an app, may do instead."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.data.read.preprocess import to_pixels


def _plain(resampling: Image.Resampling) -> Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]:
    return lambda gray, size: np.asarray(Image.fromarray(gray).resize((size, size), resampling))


def _cornered(gray: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """With all black to the right or below."""
    side = max(gray.shape)
    square = np.zeros((side, side), np.uint8)
    square[: gray.shape[0], : gray.shape[1]] = gray
    return to_pixels(square, size)


def _cropped(gray: NDArray[np.uint8], size: int, shorter: float = 256 / 224) -> NDArray[np.uint8]:
    """As torchvision's usual Resize(256) and CenterCrop(224), in proportion."""
    height, width = gray.shape
    factor = round(size * shorter) / min(height, width)
    picture = Image.fromarray(gray).resize((round(width * factor), round(height * factor)), Image.Resampling.BILINEAR)
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return np.asarray(picture.crop((left, top, left + size, top + size)))


def _pointed(gray: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Bilinear between the four nearest pixels, as OpenCV does it also where it makes pictures smaller."""
    rows, columns = (np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1) for side in gray.shape)
    top, left = rows.astype(int), columns.astype(int)
    bottom, right = np.minimum(top + 1, gray.shape[0] - 1), np.minimum(left + 1, gray.shape[1] - 1)
    down, along = (rows - top)[:, None], columns - left
    upper = gray[top][:, left] * (1 - along) + gray[top][:, right] * along
    lower = gray[bottom][:, left] * (1 - along) + gray[bottom][:, right] * along
    return np.round(upper * (1 - down) + lower * down)


# In words that go on after "with", how gray uint8 [height, width] becomes [size, size]; hemotk's own way first.
RESIZERS: Mapping[str, Callable[[NDArray[np.uint8], int], NDArray[np.generic]]] = {
    "": to_pixels,
    "pictures stretched to a square without padding": _plain(Image.Resampling.BILINEAR),
    "pictures resized without antialiasing (as OpenCV and torch.nn.functional.interpolate do)": _pointed,
    "pictures resized by bicubic interpolation": _plain(Image.Resampling.BICUBIC),
    "pictures resized by nearest neighbours": _plain(Image.Resampling.NEAREST),
    "the shorter side resized to 256/224 of the size and the centre cut out": _cropped,
    "the shorter side resized to the size and the centre cut out": lambda gray, size: _cropped(gray, size, 1.0),
    "pictures padded on the right or below alone": _cornered,
}
