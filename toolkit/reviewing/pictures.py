"""Pictures of slices as the network saw them, and their heat maps, as small data URLs. They show patients."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from hemotk.predict.heatmap import overlay
from hemotk.progress import Tell
from hemotk.reviewing.subject import Album, Found

# More of them would make a page that browsers open slowly.
MOST_PICTURES = 1000
_QUALITY = 90


@dataclass(frozen=True)
class Look:
    """A slice as the network saw it, and with its map over it, as data URLs; `map` is None where there is none."""

    picture: str
    map: str | None


def looks_of(album: Album, found: Sequence[Found], tell: Tell) -> dict[int, Look]:
    """The looks of the first `MOST_PICTURES` of `found` by their places.

    Raises:
        HemotkError: a picture is not there, was changed, or cannot be read.
    """
    kept = found[:MOST_PICTURES]
    looks = {}
    for count, one in enumerate(kept, 1):
        pixels = album.view(one.place)
        mapped = None
        if album.mapper is not None:
            mapped = data_url(overlay(pixels, album.mapper(one.place), pixels.shape[0]))
        looks[one.place] = Look(data_url(pixels), mapped)
        tell("drawing slices", count, len(kept))
    return looks


def data_url(pixels: NDArray[np.uint8]) -> str:
    """Gray [h, w] or colours [h, w, 3] as a WebP, or as a PNG where Pillow cannot write that."""
    stream = io.BytesIO()
    form = "WEBP" if features.check("webp") else "PNG"
    Image.fromarray(pixels).save(stream, form, quality=_QUALITY)
    return f"data:image/{form.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
