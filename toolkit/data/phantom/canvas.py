"""The canvas of phantoms, in Hounsfield units: its axes in millimetres, and how to paint on it."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float64]
Rng = np.random.Generator

PITCH = 0.75
ROWS, COLUMNS = 320, 256
_WAVES = 40
# Rows that are multiplied at once. For more of them the linear algebra would start threads, which wait for each other
# longer than they work: a slice took three times as long, and more where all processors draw.
_STRIP = 16

# Hounsfield units of what a brain window shows; bone and air lie far beyond it.
AIR, FAT, MUSCLE, BONE = -1000.0, -85.0, 45.0, 1200.0
WHITE, GRAY, FLUID, EDEMA, FALX, SINUS = 28.0, 37.0, 7.0, 18.0, 50.0, 56.0


@cache
def axes() -> tuple[Grid, Grid]:
    """x [1, columns] and y [rows, 1] of the canvas."""
    x = (np.arange(COLUMNS, dtype=np.float64) - (COLUMNS - 1) / 2) * PITCH
    y = (np.arange(ROWS, dtype=np.float64) - (ROWS - 1) / 2) * PITCH
    return x[None, :], y[:, None]


def field(rng: Rng, level: float, wavelength: float) -> Grid:
    """A smooth random field of mean 0 and variance 1 that also varies along the level: a sum of plane waves."""
    x, y = axes()
    waves = rng.standard_normal((3, _WAVES))
    waves *= rng.uniform(0.7, 1.3, _WAVES) * (2 * np.pi / wavelength) / np.sqrt((waves**2).sum(0))
    across = x.T * waves[0]
    along = y * waves[1] + (level * waves[2] + rng.uniform(0, 2 * np.pi, _WAVES))
    by_row = (np.cos(along), np.sin(along))
    by_column = (np.cos(across).T, np.sin(across).T)
    strips = (slice(row, row + _STRIP) for row in range(0, ROWS, _STRIP))
    rows = [by_row[0][strip] @ by_column[0] - by_row[1][strip] @ by_column[1] for strip in strips]
    return np.concatenate(rows) * np.sqrt(2 / _WAVES)


def soft(depth: Grid, edge: float = 0.9) -> Grid:
    """The share of a pixel that lies inside, from its depth inside: 0 to 1 over `edge`."""
    return np.clip(depth / edge + 0.5, 0, 1)


def paint(hu: Grid, share: Grid, value: Grid | float) -> None:
    """Mix `value` into the picture `hu` where `share`, 0 to 1, says."""
    hu += share * (value - hu)
