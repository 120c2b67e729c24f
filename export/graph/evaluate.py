"""The reference forward pass in numpy, float64: for proofs, not for speed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hemotk.exporting.graph.ir import Affine, Array, Conv, Graph, Linear
from hemotk.exporting.graph.walk import Outputs, walk
from hemotk.stats.metrics import sigmoid


def evaluate(graph: Graph, h: Array) -> Outputs[Array]:
    """Run the graph on h [n, size, size, 1], float64."""
    return walk(graph, np.asarray(h, np.float64), NumpyOps())


class NumpyOps:
    """The operations of `walk.Ops` on float64 arrays."""

    def lift(self, name: str, x: Array, affine: Affine) -> Array:
        """See `walk.Ops`."""
        return x * affine.scale + affine.shift

    def pad(self, name: str, x: Array, before: int, after: int) -> Array:
        """See `walk.Ops`."""
        return np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))

    def cut(self, name: str, x: Array, side: int) -> Array:
        """See `walk.Ops`."""
        return x[:, :side, :side]

    def windows(self, name: str, x: Array, places: int) -> Array:
        """See `walk.Ops`."""
        return windows(x, places)

    def conv(self, name: str, x: Array, conv: Conv, *, stride: int, same: bool, relu: bool, apart: int = 1) -> Array:
        """See `walk.Ops`."""
        rows, columns, *_ = conv.kernel.shape
        if same:
            x = self.pad(name, x, rows // 2, rows // 2)
        height, width = (x.shape[1] - rows) // stride + 1, (x.shape[2] - (columns - 1) * apart - 1) // stride + 1
        total = np.broadcast_to(conv.bias, (x.shape[0], height, width, conv.bias.size))
        for row, column in np.ndindex(rows, columns):
            left = column * apart
            part = x[:, row : row + stride * height : stride, left : left + stride * width : stride]
            total = total + part[:, :height, :width] @ conv.kernel[row, column]
        return _relu(total, relu)

    def pointwise(self, name: str, x: Array, linear: Linear, *, relu: bool) -> Array:
        """See `walk.Ops`."""
        return _relu(x @ linear.weight + linear.bias, relu)

    def affine(self, name: str, x: Array, affine: Affine, *, relu: bool) -> Array:
        """See `walk.Ops`."""
        return _relu(x * affine.scale + affine.shift, relu)

    def maximum(self, name: str, x: Array, level: Array) -> Array:
        """See `walk.Ops`."""
        return np.maximum(x, level)

    def max_pool(self, name: str, x: Array, *, same: bool) -> Array:
        """See `walk.Ops`."""
        if same:
            x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        height, width = ((side - 3) // 2 + 1 for side in x.shape[1:3])
        rows, columns = slice(0, 2 * height - 1, 2), slice(0, 2 * width - 1, 2)
        return np.max([x[:, i:, j:][:, rows, columns] for i, j in np.ndindex(3, 3)], axis=0)

    def average_pool(self, name: str, x: Array) -> Array:
        """See `walk.Ops`."""
        n, height, width, channels = x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
        x = x[:, : 2 * height, : 2 * width]
        return x.reshape(n, height, 2, width, 2, channels).mean(axis=(2, 4))

    def concat(self, name: str, parts: tuple[Array, ...]) -> Array:
        """See `walk.Ops`."""
        return np.concatenate(parts, axis=-1)

    def mean(self, name: str, x: Array) -> Array:
        """See `walk.Ops`."""
        return x.mean(axis=(1, 2))

    def dense(self, name: str, x: Array, linear: Linear, *, relu: bool) -> Array:
        """See `walk.Ops`."""
        return self.pointwise(name, x, linear, relu=relu)

    def sigmoid(self, name: str, x: Array) -> Array:
        """See `walk.Ops`."""
        return sigmoid(x)


def windows(x: npt.NDArray[Any], places: int) -> npt.NDArray[Any]:
    """See `walk.Ops.windows`."""
    side = 2 * places + 6
    padded = np.pad(x, ((0, 0), (4, side - 4 - x.shape[1]), (4, side - 4 - x.shape[2]), (0, 0)))
    parts = [padded[:, row::2, column::2][:, :, : places + 2] for row, column in np.ndindex(2, 4)]
    return np.concatenate(parts, axis=-1)


def _relu(x: Array, wanted: bool) -> Array:
    return np.maximum(x, 0) if wanted else x
