"""The operations of a graph in order, said once: numpy evaluates them, TensorFlow traces them, calibration listens."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Generic, Protocol, TypeVar

from hemotk.exporting.graph.ir import (
    Activation,
    Affine,
    Array,
    Conv,
    Graph,
    Head,
    Layer,
    Linear,
    Stem,
    Threshold,
    Transition,
)


class Shaped(Protocol):
    """A tensor, of which no more is known here."""

    @property
    def shape(self) -> Any:
        """Its lengths, the batch's first."""


X = TypeVar("X", bound=Shaped)


class Ops(Protocol[X]):
    """What a backend offers; tensors are [n, height, width, channels], or [n, channels] behind `mean`.

    `name` is unique in the graph and names the tensor that the operation makes. Every `relu` is fused.
    """

    def lift(self, name: str, x: X, affine: Affine) -> X:
        """Channel j of the result is scale[j] · x + shift[j]; x has one channel."""

    def pad(self, name: str, x: X, before: int, after: int) -> X:
        """So many zeros above and on the left, and so many below and on the right."""

    def cut(self, name: str, x: X, side: int) -> X:
        """The first `side` rows and columns."""

    def windows(self, name: str, x: X, places: int) -> X:
        """Windows of 2×4 pixels at every second row and column: [n, places + 3, places + 2, 8 · channels].

        The first begins four pixels above and left of the picture; outside of it are zeros. Channels are those of the
        window's upper row from left to right, then those of its lower row. `places` is odd.
        """

    def conv(self, name: str, x: X, conv: Conv, *, stride: int, same: bool, relu: bool, apart: int = 1) -> X:
        """Convolution; zero padding that keeps the size where `same` (stride 1), else none.

        The kernel's columns lie `apart` columns of x from each other.
        """

    def pointwise(self, name: str, x: X, linear: Linear, *, relu: bool) -> X:
        """1×1 convolution."""

    def affine(self, name: str, x: X, affine: Affine, *, relu: bool) -> X:
        """scale · x + shift."""

    def maximum(self, name: str, x: X, level: Array) -> X:
        """max(x, level)."""

    def max_pool(self, name: str, x: X, *, same: bool) -> X:
        """3×3, stride 2; where `same`, an odd height and width get a row and a column at each end that never win."""

    def average_pool(self, name: str, x: X) -> X:
        """2×2, stride 2, no padding: an odd last row or column is left out."""

    def concat(self, name: str, parts: tuple[X, ...]) -> X:
        """Channels one after the other."""

    def mean(self, name: str, x: X) -> X:
        """Over height and width: [n, channels]."""

    def dense(self, name: str, x: X, linear: Linear, *, relu: bool) -> X:
        """[n, in] to [n, out]."""

    def sigmoid(self, name: str, x: X) -> X:
        """1 / (1 + exp(−x))."""


@dataclass(frozen=True)
class Outputs(Generic[X]):
    """`logit` and `probability` [n, 1]; `cam` [n, height, width, 1] where the head makes one, in units of the logit."""

    logit: X
    probability: X
    cam: X | None


def walk(graph: Graph, h: X, ops: Ops[X]) -> Outputs[X]:
    """Run the whole graph on h [n, size, size, 1] with the operations of `ops`."""
    x = _stem(graph.stem, h, ops)
    for block, transition in zip_longest(graph.blocks, graph.transitions):
        for layer in block:
            x = _layer(layer, x, ops)
        if transition is not None:
            x = _transition(transition, x, ops)
    return _head(graph.head, x, ops)


def _stem(stem: Stem, h: X, ops: Ops[X]) -> X:
    x = ops.lift("stem_lift", h, stem.lift)
    if stem.windows:
        x = _windows_stem(stem, x, ops)
    else:
        x = ops.pad("stem_pad", x, 3, 3)
        x = _stem_norm(stem, ops.conv("stem_conv", x, stem.conv, stride=2, same=False, relu=stem.norm is None), ops)
        x = ops.max_pool("stem_pool", ops.pad("stem_pool_pad", x, 1, 1), same=False)
    return x if stem.copy is None else ops.pointwise("stem_copy", x, stem.copy, relu=False)


def _windows_stem(stem: Stem, x: X, ops: Ops[X]) -> X:
    """On windows, and with a pool that pads by itself, at both ends alike only where the side is odd.

    Where it is even, a row and a column more are made; what the pool makes of them is cut off. No window of the pool
    that is kept reaches them, and cutting takes next to nothing, where padding before the pool takes long.
    """
    side = (x.shape[1] + 1) // 2
    places = side + 1 - side % 2
    x = ops.windows("stem_windows", x, places)
    relu = stem.norm is None
    x = _stem_norm(stem, ops.conv("stem_conv", x, stem.conv, stride=1, same=False, relu=relu, apart=2), ops)
    if places == side:
        return ops.max_pool("stem_pool", x, same=True)
    return ops.cut("stem_pool", ops.max_pool("stem_pool_uncut", x, same=True), side // 2)


def _stem_norm(stem: Stem, x: X, ops: Ops[X]) -> X:
    return x if stem.norm is None else ops.affine("stem_norm", x, stem.norm, relu=True)


def _layer(layer: Layer, x: X, ops: Ops[X]) -> X:
    y = _activate(f"{layer.name}_act", layer.before, x, ops)
    y = ops.pointwise(f"{layer.name}_reduce", y, layer.reduce, relu=layer.between is None)
    if layer.between is not None:
        y = ops.affine(f"{layer.name}_between", y, layer.between, relu=True)
    y = ops.conv(f"{layer.name}_expand", y, layer.expand, stride=1, same=True, relu=False)
    return ops.concat(f"{layer.name}_concat", (x, y))


def _transition(transition: Transition, x: X, ops: Ops[X]) -> X:
    x = _activate(f"{transition.name}_act", transition.before, x, ops)
    if transition.pool_first:
        x = ops.average_pool(f"{transition.name}_pool", x)
        return ops.pointwise(f"{transition.name}_conv", x, transition.conv, relu=False)
    x = ops.pointwise(f"{transition.name}_conv", x, transition.conv, relu=False)
    return ops.average_pool(f"{transition.name}_pool", x)


def _head(head: Head, x: X, ops: Ops[X]) -> Outputs[X]:
    x = _activate("head_act", head.before, x, ops)
    cam = None
    if head.cam:
        cam = ops.pointwise("cam", x, head.logit, relu=False)
        logit = ops.mean("logit", cam)
    else:
        x = ops.mean("head_mean", x)
        for index, linear in enumerate(head.hidden, 1):
            x = ops.dense(f"hidden{index}", x, linear, relu=True)
        logit = ops.dense("logit", x, head.logit, relu=False)
    return Outputs(logit, ops.sigmoid("probability", logit), cam)


def _activate(name: str, activation: Activation, x: X, ops: Ops[X]) -> X:
    if isinstance(activation, Threshold):
        return ops.maximum(name, x, activation.level)
    return ops.affine(name, x, activation, relu=True)
