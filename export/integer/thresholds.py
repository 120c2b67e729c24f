"""Pre-activations of an integer graph: thresholds on the grid of their block."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hemotk.exporting.graph.ir import Array, Graph, Linear, Reader, Threshold, affine, readers, with_readers


@dataclass(frozen=True)
class Grid:
    """The values that all tensors of a block can take: `steps` equal steps from 0 to `width`."""

    width: float
    steps: int

    def nearest(self, values: Array) -> Array:
        """The nearest value of the grid, outside it the nearer end."""
        step = self.width / self.steps
        return np.clip(np.rint(values / step), 0, self.steps) * step


def fit_levels(graph: Graph, grids: Sequence[Grid]) -> Graph:
    """Reduce every pre-activation of a scaled graph to max(x, T') with T' on the grid of its block.

    With T rounded to T', relu(s · (x − T)) becomes s · (max(x, T') − T'): it stays 0 where it was. A channel that
    never leaves its grid never meets a threshold below it, and never passes one above it: there it is linear, or 0,
    and nothing is rounded.
    """
    for block, grid in enumerate(grids):
        graph = with_readers(graph, block, tuple(_fit(reader, grid) for reader in readers(graph, block)))
    return graph


def _fit(reader: Reader, grid: Grid) -> Reader:
    before, linear = affine(reader), reader.linear
    scaled = before.scale > 0
    exact = np.where(scaled, -before.shift / np.where(scaled, before.scale, 1), 0)
    scale = np.where(scaled & (exact < grid.width), before.scale, 0)
    level = np.where(scale > 0, grid.nearest(exact), 0)
    least = np.where(scaled, scale * np.maximum(-exact, 0), np.maximum(before.shift, 0))
    new = Linear(linear.weight * scale[:, np.newaxis], linear.bias + (least - scale * level) @ linear.weight)
    return replace(reader, before=Threshold(level), linear=new)
