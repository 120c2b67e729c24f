"""The icon of the page: a ring, as a skull is in a slice, and a spot in it."""

import io

from PIL import Image, ImageDraw

SIZES = (192, 512)
_GROUND, _BONE, _SPOT = "#0b2a36", "#dfe8ec", "#e05a4d"
_FINER = 4


def svg() -> str:
    """The icon for screens of any size."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<rect width="100" height="100" fill="{_GROUND}"/>'
        f'<ellipse cx="50" cy="50" rx="25" ry="30" fill="none" stroke="{_BONE}" stroke-width="6"/>'
        f'<circle cx="60" cy="44" r="7" fill="{_SPOT}"/></svg>\n'
    )


def png(size: int) -> bytes:
    """The icon as a PNG of `size` pixels on a side."""
    side = size * _FINER
    image = Image.new("RGB", (side, side), _GROUND)
    draw = ImageDraw.Draw(image)
    draw.ellipse([side * share for share in (0.22, 0.17, 0.78, 0.83)], outline=_BONE, width=round(side * 0.06))
    draw.ellipse([side * share for share in (0.53, 0.37, 0.67, 0.51)], fill=_SPOT)
    stream = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(stream, "PNG")
    return stream.getvalue()
