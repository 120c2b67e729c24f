"""The inference graph of a DenseNet: frozen numpy arrays in float64, read from a run folder.

Channels of a block lie in the order in which they were made: those that enter it, then each layer's own. Whatever makes
them is a *writer* (stem, transition, 3×3 convolution), whatever reads them is a *reader* (a pre-activation and the
1×1 convolution or dense layer behind it).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hemotk.artifacts import SHAPE_FILE, WEIGHTS_FILE
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights

Array = npt.NDArray[np.float64]
T = TypeVar("T")


class _Frozen:
    """Makes every array of a frozen dataclass read-only."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.view()
                value.flags.writeable = False
                object.__setattr__(self, field.name, value)


@dataclass(frozen=True, eq=False)
class Affine(_Frozen):
    """`scale` · x + `shift` per channel [C]; a folded-together BatchNorm. ReLU follows where it is an activation."""

    scale: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class Threshold(_Frozen):
    """max(x, `level`) per channel [C]: what is left of BatchNorm and ReLU once the rest is folded into the reader."""

    level: Array


Activation = Affine | Threshold


@dataclass(frozen=True, eq=False)
class Conv(_Frozen):
    """A convolution with `kernel` [k, k, in, out] and `bias` [out]."""

    kernel: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Linear(_Frozen):
    """A 1×1 convolution or a dense layer: `weight` [in, out], `bias` [out]."""

    weight: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Stem:
    """Lift, zero padding 3, 7×7 convolution of stride 2, BatchNorm, ReLU, zero padding 1, 3×3 max-pool of stride 2.

    `lift` makes the input channels: channel j is scale[j] · h + shift[j], before any padding. `norm` is None once it is
    folded into `conv`. `copy` is a 1×1 convolution behind the pool, None where none is needed. With `windows`,
    `conv` has stride 1 and reads windows of 2×4 pixels as channels (`walk.Ops.windows`), two columns of them apart.
    """

    lift: Affine
    conv: Conv
    norm: Affine | None
    copy: Linear | None = None
    windows: bool = False


@dataclass(frozen=True, eq=False)
class Layer:
    """One dense layer: `before`, 1×1 `reduce`, `between` (None once folded), ReLU, 3×3 `expand`, same size."""

    name: str
    before: Activation
    reduce: Linear
    between: Affine | None
    expand: Conv


@dataclass(frozen=True, eq=False)
class Transition:
    """`before`, then 1×1 convolution and 2×2 average pool; the pool comes first where `pool_first`."""

    name: str
    before: Activation
    conv: Linear
    pool_first: bool = False


@dataclass(frozen=True, eq=False)
class Head:
    """`before`, global average, `hidden` layers with ReLU, `logit`; with `cam` the logit is made before the average."""

    before: Activation
    hidden: tuple[Linear, ...]
    logit: Linear
    cam: bool = False


@dataclass(frozen=True, eq=False)
class Graph:
    """A whole network from h [n, size, size, 1] to one logit; there is one transition less than blocks."""

    stem: Stem
    blocks: tuple[tuple[Layer, ...], ...]
    transitions: tuple[Transition, ...]
    head: Head


@dataclass(frozen=True, eq=False)
class Reader:
    """Something that reads all channels of a block made so far."""

    before: Activation
    linear: Linear


def readers(graph: Graph, block: int) -> tuple[Reader, ...]:
    """The readers of one block: its layers in order, then the transition or the head."""
    inside = tuple(Reader(layer.before, layer.reduce) for layer in graph.blocks[block])
    if block < len(graph.transitions):
        transition = graph.transitions[block]
        return (*inside, Reader(transition.before, transition.conv))
    head = graph.head
    return (*inside, Reader(head.before, head.hidden[0] if head.hidden else head.logit))


def with_readers(graph: Graph, block: int, new: tuple[Reader, ...]) -> Graph:
    """The graph with the readers of one block replaced, in the order of `readers`."""
    layers = tuple(
        dataclasses.replace(layer, before=reader.before, reduce=reader.linear)
        for layer, reader in zip(graph.blocks[block], new[:-1], strict=True)
    )
    graph = dataclasses.replace(graph, blocks=_set(graph.blocks, block, layers))
    last = new[-1]
    if block < len(graph.transitions):
        transition = dataclasses.replace(graph.transitions[block], before=last.before, conv=last.linear)
        return dataclasses.replace(graph, transitions=_set(graph.transitions, block, transition))
    if graph.head.hidden:
        head = dataclasses.replace(graph.head, before=last.before, hidden=(last.linear, *graph.head.hidden[1:]))
    else:
        head = dataclasses.replace(graph.head, before=last.before, logit=last.linear)
    return dataclasses.replace(graph, head=head)


def affine(reader: Reader) -> Affine:
    """The reader's pre-activation, where it has not been rewritten yet.

    Raises:
        HemotkError: it has.
    """
    if not isinstance(reader.before, Affine):
        raise HemotkError("graph: the pre-activations have been rewritten already; change the order of the rewrites.")
    return reader.before


def reader_names(graph: Graph, block: int) -> tuple[str, ...]:
    """The operations that are the pre-activations of a block's readers, in the order of `readers`."""
    last = f"{graph.transitions[block].name}_act" if block < len(graph.transitions) else "head_act"
    return (*(f"{layer.name}_act" for layer in graph.blocks[block]), last)


def writer_names(graph: Graph, block: int) -> tuple[str, ...]:
    """The operations that make the channels of a block, in the order of `written`."""
    if block == 0:
        first = "stem_pool" if graph.stem.copy is None else "stem_copy"
    else:
        transition = graph.transitions[block - 1]
        first = f"{transition.name}_conv" if transition.pool_first else f"{transition.name}_pool"
    return (first, *(f"{layer.name}_expand" for layer in graph.blocks[block]))


def written(graph: Graph, block: int) -> tuple[int, ...]:
    """How many channels each writer of a block makes: what enters the block, then its layers."""
    first = readers(graph, block)[0].linear.weight.shape[0]
    return (first, *(layer.expand.bias.size for layer in graph.blocks[block]))


def read_graph(folder: Path, shape: DenseNetShape | None = None) -> Graph:
    """Read `weights.npz` of a run folder; `shape` None is that of its `shape.json`, as it is written there.

    Raises:
        HemotkError: a file is missing or damaged, or an array is missing, of the wrong shape, or not finite.
    """
    shape = shape or DenseNetShape.read(folder / SHAPE_FILE)
    weights = read_weights(folder / WEIGHTS_FILE, shape)
    for name, array in weights.items():
        if name.endswith("/moving_variance") and (array < 0).any():
            raise HemotkError(
                f"{folder / WEIGHTS_FILE}: array '{name}' holds negative variances; copy the run again, or train again."
            )
    return build_graph(shape, {name: array.astype(np.float64) for name, array in weights.items()})


def build_graph(shape: DenseNetShape, arrays: Mapping[str, Array]) -> Graph:
    """Arrange arrays that fit `shape.arrays()` as a graph, BatchNorms as scale and shift."""
    names = _Names(shape, arrays)
    blocks = tuple(
        tuple(names.layer(f"conv{b + 2}_block{i + 1}") for i in range(len(block)))
        for b, block in enumerate(shape.blocks)
    )
    transitions = tuple(
        Transition(f"pool{b + 2}", names.norm(f"pool{b + 2}_bn"), names.linear(f"pool{b + 2}_conv"))
        for b in range(len(shape.transitions))
    )
    hidden = tuple(names.linear(f"hidden{i + 1}") for i in range(len(shape.hidden)))
    stem = Stem(_lift(shape), names.conv("conv1/conv"), names.norm("conv1/bn"))
    return Graph(stem, blocks, transitions, Head(names.norm("bn"), hidden, names.linear("logit")))


@dataclass(frozen=True)
class _Names:
    """Arrays by layer name."""

    shape: DenseNetShape
    arrays: Mapping[str, Array]

    def norm(self, name: str) -> Affine:
        gamma, beta = self.arrays[f"{name}/gamma"], self.arrays[f"{name}/beta"]
        mean, variance = self.arrays[f"{name}/moving_mean"], self.arrays[f"{name}/moving_variance"]
        scale = gamma / np.sqrt(variance + self.shape.bn_epsilon)
        return Affine(scale, beta - mean * scale)

    def conv(self, name: str) -> Conv:
        kernel = self.arrays[f"{name}/kernel"]
        return Conv(kernel, np.zeros(kernel.shape[-1]))

    def linear(self, name: str) -> Linear:
        weight = self.arrays[f"{name}/kernel"]
        weight = weight.reshape(-1, weight.shape[-1])
        return Linear(weight, self.arrays.get(f"{name}/bias", np.zeros(weight.shape[-1])))

    def layer(self, name: str) -> Layer:
        return Layer(
            name,
            self.norm(f"{name}_0_bn"),
            self.linear(f"{name}_1_conv"),
            self.norm(f"{name}_1_bn"),
            self.conv(f"{name}_2_conv"),
        )


def _lift(shape: DenseNetShape) -> Affine:
    if shape.gray_mean is None or shape.gray_std is None:
        return Affine(np.ones(shape.channels), np.zeros(shape.channels))
    mean, std = np.array(shape.gray_mean), np.array(shape.gray_std)
    return Affine(1 / std, -mean / std)


def _set(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])
