"""Activations of an integer network as what it holds: whole numbers and a step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[Any]
Reals = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Taps:
    """Where a convolution without padding reads: `rows` and `columns` of taps, the columns `apart` from each other."""

    rows: int
    columns: int
    stride: int = 1
    apart: int = 1

    def places(self, height: int, width: int) -> tuple[int, int]:
        """The rows and columns that it makes of a picture."""
        return (height - self.rows) // self.stride + 1, (width - (self.columns - 1) * self.apart - 1) // self.stride + 1


@dataclass(frozen=True, eq=False)
class Codes:
    """Activations [n, height, width, channels] = `step` · `values`; a step of 1 and float values hold them as is."""

    values: Integers
    step: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the values."""
        return self.values.shape

    @classmethod
    def rounded(cls, reals: Reals, width: float, steps: int) -> "Codes":
        """The nearest of `steps` equal steps from 0 to `width`; `reals` is overwritten. Without a width all are 0."""
        if width <= 0:
            return cls(np.zeros(reals.shape, np.uint8))
        step = width / steps
        reals /= np.float32(step)
        np.rint(reals, out=reals)
        np.clip(reals, 0, steps, out=reals)
        return cls(reals.astype(np.uint8 if steps < 256 else np.uint16), step)

    def reals(self) -> Reals:
        """The activations."""
        return self.values.astype(np.float32) * np.float32(self.step)

    def padded(self, rows: tuple[int, int], columns: tuple[int, int]) -> "Codes":
        """Zeros: rows above and below the picture, columns on its left and right."""
        return Codes(np.pad(self.values, ((0, 0), rows, columns, (0, 0))), self.step)

    def rows(self, taps: Taps, count: int, seed: int) -> Reals:
        """What a convolution sees at `count` places at most: [places, rows · columns · channels].

        The places are drawn from all images with `seed`, each once.
        """
        n, height, width, channels = self.values.shape
        down, across = taps.places(height, width)
        total = n * down * across
        chosen = np.arange(total)
        if total > count:
            chosen = np.sort(np.random.default_rng(seed).choice(total, count, replace=False))
        image, place = np.divmod(chosen, down * across)
        top, left = (taps.stride * part for part in np.divmod(place, across))
        found = np.empty((len(chosen), taps.rows * taps.columns, channels), np.float32)
        for tap, (row, column) in enumerate(np.ndindex(taps.rows, taps.columns)):
            found[:, tap] = self.values[image, top + row, left + taps.apart * column]
        return found.reshape(len(chosen), -1) * np.float32(self.step)
