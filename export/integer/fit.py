"""Roundings and biases of an integer graph, fitted layer by layer from the front on the calibration images.

Each convolution sees what the convolutions before it make in integers. Its weights are rounded for these inputs, and
its bias moves until its mean output, before any ReLU, is that of the exact network: rounding noise that passed a ReLU
has a mean (E[max(x + n, T)] > max(x, T)), which ends here instead of adding up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from hemotk.artifacts import PreprocessSpec
from hemotk.data.read.preprocess import normalize
from hemotk.exporting.graph.evaluate import windows
from hemotk.exporting.graph.ir import Affine, Array, Conv, Graph, Linear
from hemotk.exporting.graph.walk import walk
from hemotk.exporting.integer.codes import Codes, Reals, Taps
from hemotk.exporting.integer.graph import IntegerGraph
from hemotk.exporting.integer.roundings import error_feedback, nearest
from hemotk.progress import Tell, silent

BATCH = 10
# Places whose inputs a layer's roundings are chosen for, and the seed they are drawn with.
PLACES = 4096
SEED = 15

# How the names of convolutions end.
_FITTED = ("stem_conv", "stem_copy", "_reduce", "_expand", "_conv")


@dataclass(frozen=True)
class Fitting:
    """What is fitted, and the steps of the grids: 255 or 32767. `floats` are operations that stay in float32."""

    steps: int
    roundings: bool = True
    biases: bool = True
    floats: frozenset[str] = frozenset()


def fit(
    integer: IntegerGraph, pixels: np.ndarray, spec: PreprocessSpec, fitting: Fitting, tell: Tell = silent
) -> Graph:
    """The integer graph with weights and biases fitted on uint8 `pixels` [n, size, size].

    The weights lie on the grids that the quantizer will choose for them.
    """
    ops = _FittingOps(integer, fitting, tell)
    walk(integer.graph, Codes(normalize(pixels[:, :, :, np.newaxis], spec).astype(np.float32)), ops)
    return _with_convs(integer.graph, ops.fitted)


class _FittingOps:
    """The operations of `walk.Ops` on codes; fits every convolution before it runs it."""

    def __init__(self, integer: IntegerGraph, fitting: Fitting, tell: Tell) -> None:
        self.fitted: dict[str, Conv] = {}
        self._ranges, self._means, self._fitting, self._tell = integer.ranges, integer.means, fitting, tell
        self._count = sum(name.endswith(_FITTED) for name in integer.ranges)

    def lift(self, name: str, x: Codes, affine: Affine) -> Codes:
        """See `walk.Ops`."""
        return Codes((x.values * affine.scale + affine.shift).astype(np.float32))

    def pad(self, name: str, x: Codes, before: int, after: int) -> Codes:
        """See `walk.Ops`."""
        return x.padded((before, after), (before, after))

    def cut(self, name: str, x: Codes, side: int) -> Codes:
        """See `walk.Ops`."""
        return Codes(x.values[:, :side, :side], x.step)

    def windows(self, name: str, x: Codes, places: int) -> Codes:
        """See `walk.Ops`."""
        return Codes(windows(x.values, places), x.step)

    def conv(self, name: str, x: Codes, conv: Conv, *, stride: int, same: bool, relu: bool, apart: int = 1) -> Codes:
        """See `walk.Ops`."""
        around = (conv.kernel.shape[0] // 2,) * 2
        x = x.padded(around, around) if same else x
        rows, columns, *_ = conv.kernel.shape
        taps = Taps(rows, columns, stride, apart)
        if name in self._fitting.floats:
            return Codes(_run(x, conv.kernel, taps) + conv.bias.astype(np.float32))
        kernel = self._rounded(x, conv.kernel, taps)
        made = _run(x, kernel, taps)
        bias = conv.bias
        if self._fitting.biases:
            bias = self._means[name] - made.mean(axis=(0, 1, 2), dtype=np.float64)
        self.fitted[name] = Conv(kernel, bias)
        self._tell("fitting layers", len(self.fitted), self._count)
        made += bias.astype(np.float32)
        return Codes.rounded(made, self._ranges[name][1], self._fitting.steps)  # which ends at 0, as a ReLU does

    def _rounded(self, x: Codes, kernel: Array, taps: Taps) -> Array:
        weight = kernel.reshape(-1, kernel.shape[-1])
        if self._fitting.roundings:
            rows = x.rows(taps, PLACES, SEED)
            return error_feedback(weight, rows.T @ rows / np.float32(len(rows))).reshape(kernel.shape)
        return nearest(weight).reshape(kernel.shape)

    def pointwise(self, name: str, x: Codes, linear: Linear, *, relu: bool) -> Codes:
        """See `walk.Ops`."""
        if name == "cam":
            return x  # of the head, where nothing is fitted any more
        conv = Conv(linear.weight[np.newaxis, np.newaxis], linear.bias)
        return self.conv(name, x, conv, stride=1, same=False, relu=relu)

    def affine(self, name: str, x: Codes, affine: Affine, *, relu: bool) -> Codes:
        """Not in an integer graph."""
        raise NotImplementedError(name)

    def maximum(self, name: str, x: Codes, level: Array) -> Codes:
        """See `walk.Ops`."""
        return Codes(np.maximum(x.values, np.rint(level / x.step).astype(x.values.dtype)), x.step)

    def max_pool(self, name: str, x: Codes, *, same: bool) -> Codes:
        """See `walk.Ops`; behind a ReLU, so zeros never win."""
        x = x.padded((1, 1), (1, 1)) if same else x
        height, width = ((side - 3) // 2 + 1 for side in x.values.shape[1:3])
        parts = [
            x.values[:, row : row + 2 * height - 1 : 2, column : column + 2 * width - 1 : 2]
            for row, column in np.ndindex(3, 3)
        ]
        found = parts[0]
        for part in parts[1:]:
            found = np.maximum(found, part)
        return Codes(found, x.step)

    def average_pool(self, name: str, x: Codes) -> Codes:
        """See `walk.Ops`."""
        n, height, width, channels = x.values.shape
        half = n, height // 2, 2, width // 2, 2, channels
        whole = x.values[:, : height // 2 * 2, : width // 2 * 2].reshape(half)
        made = whole.mean(axis=(2, 4), dtype=np.float32) * np.float32(x.step)
        return Codes.rounded(made, self._ranges[name][1], self._fitting.steps)

    def concat(self, name: str, parts: tuple[Codes, ...]) -> Codes:
        """See `walk.Ops`; all parts are on one grid."""
        return Codes(np.concatenate([part.values for part in parts], axis=-1), parts[0].step)

    def mean(self, name: str, x: Codes) -> Codes:
        """See `walk.Ops`; nothing behind it is fitted."""
        return x

    def dense(self, name: str, x: Codes, linear: Linear, *, relu: bool) -> Codes:
        """See `mean`."""
        return x

    def sigmoid(self, name: str, x: Codes) -> Codes:
        """See `mean`."""
        return x


def _run(x: Codes, kernel: Array, taps: Taps) -> Reals:
    """The convolution without padding and bias, some images at a time."""
    weights = tf.constant(kernel * x.step, tf.float32)
    count, *sides, _ = x.values.shape
    made = np.empty((count, *taps.places(*sides), kernel.shape[-1]), np.float32)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        made[part] = tf.nn.conv2d(
            x.values[part].astype(np.float32), weights, taps.stride, "VALID", dilations=(1, taps.apart)
        )
    return made


def _with_convs(graph: Graph, fitted: Mapping[str, Conv]) -> Graph:
    """The graph with the convolutions of these names replaced."""

    def linear(name: str, old: Linear) -> Linear:
        return Linear(fitted[name].kernel[0, 0], fitted[name].bias) if name in fitted else old

    blocks = tuple(
        tuple(
            replace(
                layer,
                reduce=linear(f"{layer.name}_reduce", layer.reduce),
                expand=fitted.get(f"{layer.name}_expand", layer.expand),
            )
            for layer in layers
        )
        for layers in graph.blocks
    )
    transitions = tuple(
        replace(transition, conv=linear(f"{transition.name}_conv", transition.conv)) for transition in graph.transitions
    )
    copy = graph.stem.copy
    stem = replace(
        graph.stem,
        conv=fitted.get("stem_conv", graph.stem.conv),
        copy=None if copy is None else linear("stem_copy", copy),
    )
    return replace(graph, stem=stem, blocks=blocks, transitions=transitions)
