"""Does a picture look like a head CT slice? A few measurements with fixed limits: a hint to people, never a refusal.

The limits were set between the measurements of real slices (skull base to vertex, of two sources, with drawn ones)
and those of photos, texts, drawings and slices that were inverted or given colours.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts.pixels import BRAIN, Window
from hemotk.data.read.preprocess import load_with_colours

_SIDE = 128
_DIRECTIONS = 96
_DARK, _BONE = 0.16, 0.72  # shares of the picture's white
_COLOURED = 40  # how far apart a pixel's channels are

MAX_COLOURED = 0.1
MAX_CORNER = 0.4
MIN_CONTRAST = 100
MAX_ASPECT = 2.0
MIN_OUTLINE = 0.4
MIN_OUTLINE_OVER_HOLLOW = 0.15


@dataclass(frozen=True)
class PictureMeasures:
    """Measurements of one picture, all but `contrast` shares.

    `coloured`: pixels with a strong colour, of those that are not dark. `corner`: brightness of the second brightest
    corner, against the picture's white. `contrast`: gray levels from black to white. `aspect`: the longer side against
    the shorter. `outline`: directions in which bright bone, evenly far from the centre, is the last thing before the
    dark. `hollow`: what is dark inside that bone.
    """

    coloured: float
    corner: float
    contrast: float
    aspect: float
    outline: float
    hollow: float


def doubts(path: Path, window: Window = BRAIN) -> tuple[str, ...]:
    """Why the picture at `path`, DICOM seen through `window`, may be no head CT slice; empty where nothing speaks
    against it.

    Raises:
        HemotkError: the picture cannot be read.
    """
    return judge(measure(*load_with_colours(path, window)))


def measure(gray: NDArray[np.uint8], colours: NDArray[np.uint8] | None = None) -> PictureMeasures:
    """Measure a picture: `gray` uint8 [height, width], `colours` [height, width, 3] where it has some."""
    small = _small(gray).astype(np.float64)
    black, white = np.percentile(small, (1, 99.5))
    shares = small / max(white, 1)
    outline, hollow = _skull(shares)
    return PictureMeasures(
        coloured=0.0 if colours is None else _coloured(_small(colours)[shares > _DARK]),
        corner=_corner(shares),
        contrast=float(white - black),
        aspect=max(gray.shape) / min(gray.shape),
        outline=outline,
        hollow=hollow,
    )


def judge(looks: PictureMeasures) -> tuple[str, ...]:
    """The reasons why this may be no head CT slice, as clauses that go on after 'it'."""
    if looks.contrast < MIN_CONTRAST:  # the other limits mean nothing then
        return ("has hardly any contrast",)
    clauses = []
    if looks.coloured > MAX_COLOURED:
        clauses.append("is in colour")
    if looks.aspect > MAX_ASPECT:
        clauses.append("is very long and narrow")
    if looks.corner > MAX_CORNER:
        clauses.append("has bright corners, as an inverted slice or a photo has")
    if looks.outline < MIN_OUTLINE or looks.outline - looks.hollow < MIN_OUTLINE_OVER_HOLLOW:
        clauses.append("shows no closed skull")
    return tuple(clauses)


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with `_SIDE` pixels on its longer side."""
    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(round(width * scale), 2), max(round(height * scale), 2))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _coloured(pixels: NDArray[np.uint8]) -> float:
    return float((np.ptp(pixels, axis=1) > _COLOURED).mean()) if len(pixels) else 0.0


def _corner(shares: NDArray[np.float64]) -> float:
    """The second brightest corner, as one may hold letters: the median of its pixels."""
    side = max(min(shares.shape) // 10, 1)
    ends = (slice(None, side), slice(-side, None))
    return float(np.sort([np.median(shares[rows, columns]) for rows in ends for columns in ends])[-2])


def _skull(shares: NDArray[np.float64]) -> tuple[float, float]:
    """`outline` and `hollow`, from rays that leave the middle of what is not dark."""
    rays = _rays(shares)
    place = np.arange(_SIDE)
    bone = rays >= _BONE
    last = np.where(bone.any(axis=1), _SIDE - 1 - bone[:, ::-1].argmax(axis=1), 0)
    near = np.median([np.roll(last, shift) for shift in range(-4, 5)], axis=0)
    even = np.abs(last - near) <= np.maximum(4, 0.1 * near)
    beyond = ((place > last[:, np.newaxis]) & (rays > _DARK)).sum(axis=1) <= _SIDE // 6
    inside = rays[place < 0.8 * last[:, np.newaxis]]
    hollow = float((inside <= _DARK).mean()) if inside.size else 1.0
    return float((even & beyond & (last >= _SIDE // 12)).mean()), hollow


def _rays(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values along rays in all directions, [directions, pixels from the centre]; 0 outside the picture."""
    rows, columns = np.nonzero(shares > _DARK)
    centre = (np.median(rows), np.median(columns)) if len(rows) else (0.0, 0.0)
    angles = np.linspace(0, 2 * np.pi, _DIRECTIONS, endpoint=False)[:, np.newaxis]
    along = np.arange(_SIDE)
    y = np.rint(centre[0] + along * np.sin(angles)).astype(int)
    x = np.rint(centre[1] + along * np.cos(angles)).astype(int)
    within = (y >= 0) & (y < shares.shape[0]) & (x >= 0) & (x < shares.shape[1])
    values: NDArray[np.float64] = np.where(within, shares[y * within, x * within], 0.0)
    return values
