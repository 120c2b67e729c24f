"""Networks as a list of layers in plain numbers: those from elsewhere that are no DenseNet. Needs no TensorFlow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from hemotk.artifacts import Artifact, require

Operation = Literal["conv", "depthwise", "max_pool", "add", "excite", "mean", "dense"]
Activation = Literal["linear", "relu", "relu6", "hard_swish"]
Sizes: TypeAlias = tuple[int, ...]
LayeredFamily = Literal[
    "resnet18", "resnet34", "resnet50", "resnet", "mobilenetv2", "mobilenetv3-small", "mobilenetv3-large"
]
SMALLEST_LAYERED = 32  # five times a half
PIXELS = "pixels"


@dataclass(frozen=True)
class ListedLayer:
    """One layer, called as in the file that it came from, that makes `channels` channels.

    - conv, depthwise: `kernel`×`kernel` at every `stride`-th place, with a bias; kernel // 2 zeros on all four sides.
    - max_pool: as these, without weights; for what is never negative, so zeros stand for nothing.
    - add: the sum of the two that it `reads`.
    - excite: what it reads times a factor for each channel, hard_sigmoid(W · relu(V · mean)); `inner` is V's width.
    - mean: over all places; dense: behind it.

    `reads` are names of layers, or 'pixels'; none means the layer before. `activation` comes last.
    """

    name: str
    operation: Operation
    channels: int
    kernel: int = 1
    stride: int = 1
    activation: Activation = "linear"
    inner: int = 0
    reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(bool(self.name) and "/" not in self.name and self.name != PIXELS, "name", "a word of its own")
        require(self.channels > 0, "channels", "above 0")
        require(self.kernel > 0 and self.kernel % 2 == 1, "kernel", "odd")
        require(self.stride in (1, 2), "stride", "1 or 2")
        require((self.inner > 0) == (self.operation == "excite"), "inner", "above 0 for 'excite' alone")
        require(len(self.reads) == 2 or self.operation != "add", "reads", "two layers for 'add'")
        require(len(self.reads) < 2 or self.operation == "add", "reads", "one layer, or none for the one before")


@dataclass(frozen=True)
class LayeredShape(Artifact):
    """A network of `layers`, the last of which make the features of one logit.

    `shift` None: the first layer reads the one gray channel h. Three numbers: it reads h three times, each with its
    number added, in units of h.
    """

    SCHEMA: ClassVar[str] = "hemotk.layered/1"

    family: LayeredFamily
    layers: tuple[ListedLayer, ...]
    shift: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        require(bool(self.layers), "layers", "a list with layers in it")
        known: dict[str, Sizes] = {PIXELS: (self.channels, 0)}
        for layer in self.layers:
            require(layer.name not in known, "layers", f"each called otherwise ('{layer.name}')")
            require(all(name in known for name in layer.reads), "layers", f"in order of use ('{layer.name}')")
            entering, halvings, flat = _entering(layer, known)
            own = layer.operation in ("conv", "dense")
            require(own or layer.channels == entering, "layers", f"of as many channels as '{layer.name}' reads")
            require(flat == (layer.operation == "dense"), "layers", f"with 'mean' before 'dense' ('{layer.name}')")
            known[layer.name] = (layer.channels, -1 if flat or layer.operation == "mean" else halvings)
        require(known[self.layers[-1].name][1] == -1, "layers", "with 'mean' before the end")

    @property
    def channels(self) -> int:
        """What the first layer reads: 1 or 3."""
        return 1 if self.shift is None else 3

    @property
    def features(self) -> int:
        """Numbers that the logit is made from."""
        return self.layers[-1].channels

    def arrays(self) -> Mapping[str, Sizes]:
        """Name → shape of every array in `weights.npz`."""
        return dict(self._arrays())

    def _arrays(self) -> Iterator[tuple[str, Sizes]]:
        for layer, entering, _ in self._walk(1):
            yield from layer_arrays(layer, entering)
        yield "logit/kernel", (self.features, 1)
        yield "logit/bias", (1,)

    def _walk(self, size: int) -> Iterator[tuple[ListedLayer, int, int]]:
        """Each layer, the channels that enter it, and the width and height of what it makes (1 behind the mean)."""
        made: dict[str, Sizes] = {PIXELS: (self.channels, size)}
        for layer in self.layers:
            before = layer.reads[0] if layer.reads else next(reversed(made))
            entering, side = made[before]
            side = 1 if layer.operation == "mean" else -(-side // layer.stride)
            yield layer, entering, side
            made[layer.name] = (layer.channels, side)

    def parameters(self, *, head: bool = True) -> int:
        """Number of parameters, with or without the logit; a folded BatchNorm is the bias of its convolution."""
        return sum(_product(size) for name, size in self._arrays() if head or not name.startswith("logit/"))

    def macs(self, size: int) -> int:
        """Multiply-accumulates of convolutions and dense layers for one gray `size`×`size` picture."""
        total = self.features
        for layer, entering, side in self._walk(size):
            kernels = (sizes for name, sizes in layer_arrays(layer, entering) if name.endswith("kernel"))
            places = 1 if layer.operation == "excite" else side**2
            total += places * sum(map(_product, kernels))
        return total

    def smallest_input(self) -> int:
        """The least picture size."""
        return SMALLEST_LAYERED


def layer_arrays(layer: ListedLayer, entering: int) -> Iterator[tuple[str, Sizes]]:
    """Name → shape of the arrays of one layer that reads `entering` channels."""
    name, sides = layer.name, (layer.kernel, layer.kernel)
    if layer.operation == "conv":
        yield f"{name}/kernel", (*sides, entering, layer.channels)
    elif layer.operation == "depthwise":
        yield f"{name}/depthwise_kernel", (*sides, entering, 1)
    elif layer.operation == "dense":
        yield f"{name}/kernel", (entering, layer.channels)
    elif layer.operation == "excite":
        yield f"{name}.squeeze/kernel", (1, 1, entering, layer.inner)
        yield f"{name}.squeeze/bias", (layer.inner,)
        yield f"{name}.expand/kernel", (1, 1, layer.inner, entering)
        yield f"{name}.expand/bias", (entering,)
    if layer.operation in ("conv", "depthwise", "dense"):
        yield f"{name}/bias", (layer.channels,)


def _entering(layer: ListedLayer, known: dict[str, Sizes]) -> tuple[int, int, bool]:
    """Channels, halvings so far, and whether the mean is behind; what is added must agree in all."""
    read = [known[name] for name in layer.reads or [next(reversed(known))]]
    require(len(set(read)) == 1, "layers", f"of equal sizes where '{layer.name}' adds them")
    channels, halvings = read[0]
    return channels, halvings + (layer.stride == 2), halvings == -1


def _product(sizes: Sizes) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total
