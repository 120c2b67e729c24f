"""Ways in which a copy of a slice comes to differ from it: what near duplicates are held against."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

Gray = np.ndarray
Change = Callable[[Gray, np.random.Generator], Gray]


def rescaled(gray: Gray, random: np.random.Generator) -> Gray:
    """Between 0.6 and 1.6 times as large."""
    factor = random.uniform(0.6, 1.6)
    size = (round(gray.shape[1] * factor), round(gray.shape[0] * factor))
    return np.asarray(Image.fromarray(gray).resize(size, Image.Resampling.BILINEAR))


def shifted(gray: Gray, random: np.random.Generator) -> Gray:
    """Moved by up to a tenth of the picture, and cut off there."""
    rows, columns = (random.uniform(-0.1, 0.1, 2) * gray.shape).astype(int)
    edge = max(gray.shape) // 10 + 1
    padded = np.pad(gray, edge)
    return padded[edge - rows :, edge - columns :][: gray.shape[0], : gray.shape[1]]


def windowed(gray: Gray, random: np.random.Generator) -> Gray:
    """Another window."""
    centre, width = random.uniform(105, 150), random.uniform(170, 330)
    return np.rint(255 * np.clip((gray - centre) / width + 0.5, 0, 1)).astype(np.uint8)


def compressed(gray: Gray, random: np.random.Generator) -> Gray:
    """As JPEG of low quality."""
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, "JPEG", quality=int(random.integers(15, 60)))
    return np.asarray(Image.open(stream))


def mirrored(gray: Gray, _: np.random.Generator) -> Gray:
    """Left and right exchanged."""
    return np.ascontiguousarray(gray[:, ::-1])


def all_at_once(gray: Gray, random: np.random.Generator) -> Gray:
    """Mirrored, rescaled, windowed and compressed."""
    return compressed(windowed(rescaled(mirrored(gray, random), random), random), random)


CHANGES: tuple[Change, ...] = (rescaled, shifted, windowed, compressed, mirrored, all_at_once)
