"""The scores along a series of slices, and the slices that count, as a picture; research, not for diagnosis."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

_HEIGHT, _BOTTOM, _TOP, _LEFT, _RIGHT = 160, 24, 40, 44, 16
_WIDEST, _LEAST_WIDTH = 24, 360
_CHART = _TOP + _HEIGHT + _BOTTOM
_GRID, _INK, _BAR, _HIGHEST, _LINE = "#dddddd", "#222222", "#9db4c8", "#c03030", "#222222"
# Slices below the bars: their side, what lies between them, and how many at most.
_SIDE, _GAP, _CAPTION, _MOST = 96, 6, 18, 12


def strip(
    probabilities: Sequence[float], k: int, threshold: float, title: str, pictures: Sequence[NDArray[np.uint8]]
) -> bytes:
    """A bar for each slice in the series' order, as high as its probability, as a PNG.

    The `k` highest bars, which make the series' score, are red; a dashed line is at `threshold`; `title` stands above.
    Below are those slices of `pictures`, uint8 [height, width] each, the twelve highest if they are more.
    """
    step = max(min(_WIDEST, 960 // len(probabilities)), 1)
    width = max(_LEFT + step * len(probabilities) + _RIGHT, _LEAST_WIDTH)
    highest = np.argsort(probabilities, kind="stable").tolist()[-k:]
    captions = [f"{place + 1}: {probabilities[place]:.4f}" for place in sorted(highest[-_MOST:])]
    slices = _sheet([pictures[place] for place in sorted(highest[-_MOST:])], captions, width - _LEFT - _RIGHT)
    image = Image.new("RGB", (width, _CHART + slices.height), "white")
    image.paste(slices, (_LEFT, _CHART))
    draw = ImageDraw.Draw(image)
    draw.text((_LEFT, 8), title, fill=_INK)
    draw.text((_LEFT, 22), f"dashed: threshold {threshold:g}; red: the highest {len(highest)}", fill=_INK)
    _bars(draw, probabilities, set(highest), step, width)
    for left in range(_LEFT, width - _RIGHT, 8):
        draw.line((left, _y(threshold), left + 4, _y(threshold)), fill=_LINE)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _bars(draw: ImageDraw.ImageDraw, probabilities: Sequence[float], red: set[int], step: int, width: int) -> None:
    """The axes, and a bar of `step` pixels for each probability."""
    for share in (0.0, 0.5, 1.0):
        draw.line((_LEFT, _y(share), width - _RIGHT, _y(share)), fill=_GRID)
        draw.text((_LEFT - 6, _y(share)), f"{share:.1f}", fill=_INK, anchor="rm")
    for place, probability in enumerate(probabilities):
        left = _LEFT + place * step
        box = (left, _y(probability), left + max(step - 2, 0), _y(0))
        draw.rectangle(box, fill=_HIGHEST if place in red else _BAR)
    draw.text((_LEFT, _y(0) + 6), "1", fill=_INK)
    if (count := len(probabilities)) > 1:
        draw.text((_LEFT + step * count, _y(0) + 6), f"slice {count}", fill=_INK, anchor="ra" if count > 4 else "la")


def _sheet(pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str], width: int) -> Image.Image:
    """Small pictures in rows of at most `width` pixels, a caption below each."""
    a_row = (width + _GAP) // (_SIDE + _GAP)
    sheet = Image.new("RGB", (width, -(-len(pictures) // a_row) * (_SIDE + _CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = number % a_row * (_SIDE + _GAP), number // a_row * (_SIDE + _CAPTION)
        sheet.paste(ImageOps.pad(Image.fromarray(picture), (_SIDE, _SIDE)), (left, top))
        draw.text((left, top + _SIDE + 2), caption, fill=_INK)
    return sheet


def _y(share: float) -> int:
    return _TOP + round((1 - share) * _HEIGHT)
