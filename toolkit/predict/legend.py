"""What stands below a heat map: score, scale of the colours, and how coarse it is; research, not for diagnosis."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hemotk.artifacts.predictions import INTENDED_USE
from hemotk.predict.heatmap import FULL, cell_sides, over

_LEAST, _MARGIN, _LINE, _BAR = 336, 8, 18, 12
_PAPER, _INK = "white", "#222222"
_GRAY = 128


def with_legend(drawn: NDArray[np.uint8], says: str, cells: tuple[int, int], size: int) -> Image.Image:
    """The heat map `drawn` uint8 [height, width, 3], its pixels as they are, centred above its legend.

    `says` is a line with score and verdict. The map had `cells` rows and columns, of a network whose input has the
    side `size`.
    """
    height, width = drawn.shape[:2]
    font = ImageFont.load_default(12)
    under = (_resolution(max(height, width), cells, size), f"{INTENDED_USE.capitalize()}.")
    across = math.ceil(max(_LEAST, *(font.getlength(line) + 2 * _MARGIN for line in (says, *under))))
    image = Image.new("RGB", (max(width, across), height + 2 * _MARGIN + 4 * _LINE + _BAR), _PAPER)
    image.paste(Image.fromarray(drawn), ((image.width - width) // 2, 0))
    draw = ImageDraw.Draw(image)
    middle, y = image.width // 2, height + _MARGIN
    left, right = middle - _LEAST // 2 + _MARGIN, middle + _LEAST // 2 - _MARGIN
    draw.text((middle, y), says, fill=_INK, font=font, anchor="ma")
    image.paste(Image.fromarray(_scale(right - left)), (left, y := y + _LINE))
    y += _BAR + 2
    for x, anchor, text in ((left, "la", f"-{FULL:g}: against"), (middle, "ma", "0"), (right, "ra", f"for: +{FULL:g}")):
        draw.text((x, y), text, fill=_INK, font=font, anchor=anchor)
    for line in under:
        draw.text((middle, y := y + _LINE), line, fill=_INK, font=font, anchor="ma")
    return image


def _resolution(side: int, cells: tuple[int, int], size: int) -> str:
    """How much of a picture, whose longer side has `side` pixels, one cell of the map covers."""
    tall, wide = (round(each * side / size) for each in cell_sides(cells, size))
    return f"Coarse: {cells[0]} by {cells[1]} cells, each {tall} by {wide} pixels of the picture"


def _scale(width: int) -> NDArray[np.uint8]:
    """The colours from -FULL to FULL on a middle gray, uint8 [_BAR, width, 3]."""
    value = np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis].repeat(_BAR, axis=0)
    return over(np.full(value.shape, _GRAY, np.uint8), value)
