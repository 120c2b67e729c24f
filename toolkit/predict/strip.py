"""The scores along a series of slices as a picture; research, not for diagnosis."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_HEIGHT, _BOTTOM, _TOP, _LEFT, _RIGHT = 160, 24, 40, 44, 16
_WIDEST, _LEAST_WIDTH = 24, 360
_GRID, _INK, _BAR, _HIGHEST, _LINE = "#dddddd", "#222222", "#9db4c8", "#c03030", "#222222"


def strip(probabilities: Sequence[float], k: int, threshold: float, title: str) -> bytes:
    """A bar for each slice in the series' order, as high as its probability, as a PNG.

    The `k` highest bars, which make the series' score, are red; a dashed line is at `threshold`; `title` stands above.
    """
    count = len(probabilities)
    step = max(min(_WIDEST, 960 // count), 1)
    width = max(_LEFT + step * count + _RIGHT, _LEAST_WIDTH)
    image = Image.new("RGB", (width, _TOP + _HEIGHT + _BOTTOM), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default()
    for share in (0.0, 0.5, 1.0):
        draw.line((_LEFT, _y(share), width - _RIGHT, _y(share)), fill=_GRID)
        draw.text((_LEFT - 6, _y(share)), f"{share:.1f}", fill=_INK, font=font, anchor="rm")
    highest = set(np.argsort(probabilities, kind="stable")[-k:].tolist())
    for place, probability in enumerate(probabilities):
        left = _LEFT + place * step
        box = (left, _y(probability), left + max(step - 2, 0), _y(0))
        draw.rectangle(box, fill=_HIGHEST if place in highest else _BAR)
    for left in range(_LEFT, width - _RIGHT, 8):
        draw.line((left, _y(threshold), left + 4, _y(threshold)), fill=_LINE)
    draw.text((_LEFT, 8), title, fill=_INK, font=font)
    draw.text((_LEFT, 22), f"dashed: threshold {threshold:g}; red: the highest {min(k, count)}", fill=_INK, font=font)
    draw.text((_LEFT, _y(0) + 6), "1", fill=_INK, font=font)
    if count > 1:
        end = _LEFT + step * count
        draw.text((end, _y(0) + 6), f"slice {count}", fill=_INK, font=font, anchor="ra" if count > 4 else "la")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _y(share: float) -> int:
    return _TOP + round((1 - share) * _HEIGHT)
