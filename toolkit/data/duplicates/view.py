"""The view by which two pictures are compared: the head at one scale, in two forms that windows change little."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.data.read.tissue import soft_tissue_share

VIEW_SIZE = 64

Grid = NDArray[np.float32]

_COARSE_SIDE = 128
_TAIL = 0.03  # share of the head's brightness left out at each end of an axis: letters, headrest
_FIELD = 1.22  # side of the view relative to the head
_FINE, _WIDE = 0.6, 3.0  # blurs in pixels of the view that bound the detail compared
_MIN_BRAIN = 0.5


@dataclass(frozen=True)
class View:
    """A picture as it is compared: two float32 grids [64, 64] of mean 0 and norm 1, or of zeros where it shows nothing.

    `ranks` holds the ranks of the gray values, `detail` the local contrast within the head. `telling` is false where
    little but bone is in view, near the vertex, so that different heads look alike. `tissue` is the share of soft
    tissue in the picture: slices without brain are not compared.
    """

    ranks: Grid
    detail: Grid
    telling: bool
    tissue: float = 1.0


def view(gray: NDArray[np.uint8]) -> View:
    """The view of a gray picture uint8 [height, width]: centred on the head and scaled to it, aspect ratio kept."""
    left, right, top, bottom = _head(gray)
    width, height = right - left, bottom - top
    side = _FIELD * float(np.sqrt(width * height))
    cut = _cut(gray, (left + right) / 2, (top + bottom) / 2, side)
    ranks = _ranks(cut)
    inside = _ellipse(height / side, width / side)
    contrast = _blurred(ranks, _FINE) - _blurred(ranks, _WIDE)
    detail = contrast / np.sqrt(_blurred(contrast * contrast, _WIDE).clip(0) + 1e-3)
    telling = _brain_share(cut) >= _MIN_BRAIN
    return View(_unit(ranks, np.ones_like(ranks)), _unit(detail, inside), telling, soft_tissue_share(gray))


def _head(gray: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of the head: between the tails of what is brighter than the background."""
    height, width = gray.shape
    scale = _COARSE_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(gray).resize(size, Image.Resampling.BOX), np.float64)
    low, high = np.percentile(small, [2, 99])
    if high <= low:
        return 0.0, float(width), 0.0, float(height)
    bright = np.clip((small - low) / (high - low) - 0.2, 0, 0.3)
    left, right = _between_tails(bright.sum(0))
    top, bottom = _between_tails(bright.sum(1))
    return left / size[0] * width, right / size[0] * width, top / size[1] * height, bottom / size[1] * height


def _between_tails(profile: NDArray[np.float64]) -> tuple[float, float]:
    filled = np.concatenate([[0.0], np.cumsum(profile) / profile.sum()])
    start, end = np.interp([_TAIL, 1 - _TAIL], filled, np.arange(len(filled)))
    return float(start), max(float(end), float(start) + 1)


def _cut(gray: NDArray[np.uint8], x: float, y: float, side: float) -> NDArray[np.float64]:
    """The square of `side` pixels around (x, y) at the view's size; beyond the picture its darkest gray goes on."""
    height, width = gray.shape
    half = side / 2
    pad = max(0, int(np.ceil(max(half - x, half - y, x + half - width, y + half - height))))
    padded = Image.fromarray(np.pad(gray, pad, constant_values=gray.min()))
    box = (x - half + pad, y - half + pad, x + half + pad, y + half + pad)
    return np.asarray(padded.resize((VIEW_SIZE, VIEW_SIZE), Image.Resampling.BILINEAR, box=box), np.float64)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mid-ranks in (0, 1), equal for equal values, same shape."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - counts / 2) / values.size
    return ranks[place].reshape(values.shape)


def _ellipse(height: float, width: float) -> NDArray[np.float64]:
    """1 inside a head of this height and width (shares of the view's side), falling to 0 just outside."""
    axis = (np.arange(VIEW_SIZE) + 0.5) / VIEW_SIZE * 2 - 1
    radius = np.hypot(axis[:, None] / height, axis[None, :] / width)
    return np.clip((1.1 - radius) / 0.12, 0, 1)


def _blurred(grid: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Gaussian blur, periodic."""
    rows, columns = np.fft.fftfreq(grid.shape[0]), np.fft.rfftfreq(grid.shape[1])
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (rows[:, None] ** 2 + columns[None, :] ** 2))
    return np.fft.irfft2(np.fft.rfft2(grid) * gain, grid.shape)


def _brain_share(cut: NDArray[np.float64]) -> float:
    """The share that is darker than bone, of all that is brighter than the background."""
    low, high = np.percentile(cut, [2, 99])
    level = (cut - low) / max(high - low, 1.0)
    head = level > 0.12
    return float((head & (level < 0.88)).sum() / max(int(head.sum()), 1))


def _unit(grid: NDArray[np.float64], weight: NDArray[np.float64]) -> Grid:
    centred = (grid - (grid * weight).sum() / weight.sum()) * weight
    norm = float(np.linalg.norm(centred))
    return (centred / norm if norm > 1e-6 else np.zeros_like(centred)).astype(np.float32)
