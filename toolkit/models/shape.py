"""The shape of a network in plain numbers: what a run folder keeps beside its weights. Needs no TensorFlow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from hemotk.artifacts import Artifact, require
from hemotk.errors import HemotkError
from hemotk.models.layered import LayeredShape

STEM_KERNEL = 7
LAYER_KERNEL = 3
BN_EPSILON = 1.001e-5

Application = Literal["mobilenetv3small", "efficientnetb0", "resnet50"]
APPLICATIONS: tuple[Application, ...] = get_args(Application)
SMALLEST_APPLICATION = 32  # what tf_keras.applications takes


@dataclass(frozen=True)
class LayerShape:
    """One dense layer: BN, ReLU, 1×1 convolution to `bottleneck`, BN, ReLU, 3×3 convolution to `growth` channels."""

    bottleneck: int
    growth: int

    def __post_init__(self) -> None:
        require(self.bottleneck > 0, "bottleneck", "above 0")
        require(self.growth > 0, "growth", "above 0")


@dataclass(frozen=True)
class DenseNetShape(Artifact):
    """A DenseNet (Huang et al. 2017, arXiv 1608.06993, table 1) of any widths, with one logit.

    `stem` channels after the 7×7 convolution of stride 2, `blocks` of dense layers, `transitions` output channels
    between them (one less than blocks). A block may have no layer, and hands on what enters it; one layer there must
    be. The input is one gray channel; `gray_mean` and `gray_std` (3 each) are the
    per-channel normalization (h − mean) / std of networks trained elsewhere, applied to the copied gray channel
    before the stem; None means all three channels are the network input itself. `hidden` are the widths of
    fully connected ReLU layers between pooling and logit. `channels` is what the stem reads: 3, or 1.
    """

    SCHEMA: ClassVar[str] = "hemotk.densenet/1"

    stem: int
    blocks: tuple[tuple[LayerShape, ...], ...]
    transitions: tuple[int, ...]
    channels: Literal[1, 3] = 3
    hidden: tuple[int, ...] = ()
    bn_epsilon: float = BN_EPSILON
    gray_mean: tuple[float, float, float] | None = None
    gray_std: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        require(self.stem > 0, "stem", "above 0")
        require(any(self.blocks), "blocks", "a list of blocks with at least one layer in all: it is all that learns")
        require(len(self.transitions) == len(self.blocks) - 1, "transitions", "one less than there are blocks")
        require(all(width > 0 for width in (*self.transitions, *self.hidden)), "transitions", "all above 0")
        require(self.bn_epsilon > 0, "bn_epsilon", "above 0")
        require((self.gray_mean is None) == (self.gray_std is None), "gray_std", "given together with gray_mean")

    def widths(self) -> tuple[tuple[int, ...], ...]:
        """Per block, the channels that enter each of its layers, then the block's output channels."""
        result = []
        entering = self.stem
        for index, block in enumerate(self.blocks):
            row = [entering]
            for layer in block:
                row.append(row[-1] + layer.growth)
            result.append(tuple(row))
            if index < len(self.transitions):
                entering = self.transitions[index]
        return tuple(result)

    @property
    def features(self) -> int:
        """Channels that enter the head."""
        return self.widths()[-1][-1]

    def arrays(self) -> Mapping[str, tuple[int, ...]]:
        """Name → shape of every array in `weights.npz`; layer names are those of the official Keras weight files."""
        return dict(self._arrays())

    def _arrays(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield "conv1/conv/kernel", (STEM_KERNEL, STEM_KERNEL, self.channels, self.stem)
        yield from _norm("conv1/bn", self.stem)
        for b, (block, widths) in enumerate(zip(self.blocks, self.widths(), strict=True)):
            for i, layer in enumerate(block):
                name = f"conv{b + 2}_block{i + 1}"
                yield from _norm(f"{name}_0_bn", widths[i])
                yield f"{name}_1_conv/kernel", (1, 1, widths[i], layer.bottleneck)
                yield from _norm(f"{name}_1_bn", layer.bottleneck)
                yield f"{name}_2_conv/kernel", (LAYER_KERNEL, LAYER_KERNEL, layer.bottleneck, layer.growth)
            if b < len(self.transitions):
                yield from _norm(f"pool{b + 2}_bn", widths[-1])
                yield f"pool{b + 2}_conv/kernel", (1, 1, widths[-1], self.transitions[b])
        yield from _norm("bn", self.features)
        entering = self.features
        for i, width in enumerate(self.hidden):
            yield f"hidden{i + 1}/kernel", (entering, width)
            yield f"hidden{i + 1}/bias", (width,)
            entering = width
        yield "logit/kernel", (entering, 1)
        yield "logit/bias", (1,)

    def parameters(self, *, head: bool = True) -> int:
        """Number of parameters, BatchNorm statistics included (as Keras counts), with or without the head."""
        return sum(
            _product(shape) for name, shape in self._arrays() if head or not name.startswith(("hidden", "logit"))
        )

    def macs(self, size: int) -> int:
        """Multiply-accumulates of convolutions and dense layers for one gray `size`×`size` picture."""
        side = _halved(size)
        total = STEM_KERNEL**2 * self.stem * side**2
        side = _halved(side)
        for b, (block, widths) in enumerate(zip(self.blocks, self.widths(), strict=True)):
            for i, layer in enumerate(block):
                total += side**2 * layer.bottleneck * (widths[i] + LAYER_KERNEL**2 * layer.growth)
            if b < len(self.transitions):
                total += side**2 * widths[-1] * self.transitions[b]
                side //= 2
        entering = self.features
        for width in (*self.hidden, 1):
            total += entering * width
            entering = width
        return total

    def last_side(self, size: int) -> int:
        """Width and height of what enters the head, for a `size`×`size` picture."""
        return _halved(_halved(size)) // 2 ** len(self.transitions)

    def smallest_input(self) -> int:
        """The least picture size at which every pooling still leaves one pixel."""
        return max(16, 4 * 2 ** len(self.transitions))


def densenet(
    blocks: tuple[int, ...], growth: int = 32, bottleneck: int | None = None, stem: int | None = None
) -> DenseNetShape:
    """A regular DenseNet-BC: `bottleneck` defaults to 4 · growth, `stem` to 2 · growth, transitions halve."""
    stem = 2 * growth if stem is None else stem
    bottleneck = 4 * growth if bottleneck is None else bottleneck
    transitions = []
    width = stem
    for count in blocks[:-1]:
        width = (width + count * growth) // 2
        transitions.append(width)
    layer = LayerShape(bottleneck, growth)
    return DenseNetShape(stem, tuple((layer,) * count for count in blocks), tuple(transitions))


@dataclass(frozen=True)
class CnnShape(Artifact):
    """The plain baseline: 3×3 convolution, ReLU, 2×2 max-pool for each of `filters`; a dense layer; one logit."""

    SCHEMA: ClassVar[str] = "hemotk.cnn/1"

    filters: tuple[int, ...] = (32, 64, 128)
    hidden: int = 128
    size: int = 224

    def __post_init__(self) -> None:
        require(bool(self.filters) and all(width > 0 for width in self.filters), "filters", "a list of numbers above 0")
        require(self.hidden > 0, "hidden", "above 0")
        require(self.size >= 2 ** len(self.filters), "size", "large enough for every pooling")

    def arrays(self) -> Mapping[str, tuple[int, ...]]:
        """Name → shape of every array in `weights.npz`."""
        result: dict[str, tuple[int, ...]] = {}
        entering, side = 1, self.size
        for i, width in enumerate(self.filters):
            result[f"conv{i + 1}/kernel"] = (3, 3, entering, width)
            result[f"conv{i + 1}/bias"] = (width,)
            entering, side = width, side // 2
        result["hidden/kernel"] = (side * side * entering, self.hidden)
        result["hidden/bias"] = (self.hidden,)
        result["logit/kernel"] = (self.hidden, 1)
        result["logit/bias"] = (1,)
        return result

    def parameters(self, *, head: bool = True) -> int:
        """Number of parameters; `head=False` leaves out the dense layers."""
        return sum(
            _product(shape) for name, shape in self.arrays().items() if head or not name.startswith(("hidden", "logit"))
        )

    def macs(self, size: int) -> int:
        """Multiply-accumulates for one gray picture; the dense layer ties the network to its own `size`."""
        total, entering, side = 0, 1, size
        for width in self.filters:
            total += side**2 * 9 * entering * width
            entering, side = width, side // 2
        return total + side * side * entering * self.hidden + self.hidden

    def smallest_input(self) -> int:
        """The least picture size at which every pooling still leaves one pixel."""
        return max(16, 2 ** len(self.filters))


@dataclass(frozen=True)
class ApplicationShape(Artifact):
    """A network of `tf_keras.applications` without its top: global average pooling and one logit instead.

    `table` has the shape of every array in `weights.npz`, and `operations` are the multiply-accumulates of
    convolutions and dense layers for one `size`×`size` picture; both are noted from the built network, so that nobody
    else needs TensorFlow to know them. The gray channel is copied to the three that the network reads.
    """

    SCHEMA: ClassVar[str] = "hemotk.application/1"

    family: Application
    size: int
    operations: int
    table: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        require(self.size >= SMALLEST_APPLICATION, "size", f"{SMALLEST_APPLICATION} or more")
        for name, shape in self.table.items():
            require(bool(shape) and all(side > 0 for side in shape), f"table.{name}", "a list of numbers above 0")
        require(self.table.get("logit/bias") == (1,), "table", "a map with a 'logit/bias' of one number")
        kernels = sum(_product(shape) for name, shape in self.table.items() if name.endswith("kernel"))
        require(self.operations >= kernels, "operations", "at least one for every weight of the kernels in 'table'")

    def arrays(self) -> Mapping[str, tuple[int, ...]]:
        """Name → shape of every array in `weights.npz`; layer names are those of Keras."""
        return dict(self.table)

    def parameters(self, *, head: bool = True) -> int:
        """Number of parameters, BatchNorm statistics included (as Keras counts), with or without the logit."""
        return sum(_product(shape) for name, shape in self.table.items() if head or not name.startswith("logit/"))

    def macs(self, size: int) -> int:
        """Multiply-accumulates for one gray picture, copied to three channels.

        Raises:
            HemotkError: the network was made for pictures of another size.
        """
        if size != self.size:
            raise HemotkError(
                f"shape: this {self.family} was made for {self.size}×{self.size} pictures, not for {size}×{size}; use "
                "the shape file of the run."
            )
        return self.operations

    def smallest_input(self) -> int:
        """The least picture size that the family takes."""
        return SMALLEST_APPLICATION


Shape = DenseNetShape | CnnShape | ApplicationShape | LayeredShape


def _norm(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in ("gamma", "beta", "moving_mean", "moving_variance"):
        yield f"{name}/{part}", (width,)


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _halved(size: int) -> int:
    return (size + 1) // 2
