"""Convolutions of a PyTorch file with their BatchNorms folded in, collected as the layers of a `LayeredShape`."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hemotk.errors import HemotkError
from hemotk.importing.pytorch.backbone import EPSILON, Tensors, epsilon_of
from hemotk.importing.pytorch.pickles import TensorView
from hemotk.models.layered import PIXELS, Activation, ListedLayer, Operation

Array = NDArray[np.float64]

_DEEPEST, _MOST_BLOCKS = 8, 100
_COUNTER = "num_batches_tracked"
_FEATURES = ("layer", "features.", "blocks.", "conv", "bn")  # how the names of features begin


class Net:
    """Layers in order, and their arrays in float64 under hemotk's names; every tensor is taken once.

    `family` is the network's name in words, `epsilon` its BatchNorms' where the file does not say it.
    """

    def __init__(self, tensors: Tensors, family: str, epsilon: float = EPSILON) -> None:
        self.tensors = tensors
        self.family = family
        self.layers: list[ListedLayer] = []
        self.arrays: dict[str, Array] = {}
        self.epsilon = epsilon
        self._taken: set[str] = set()
        self._widths: dict[str, int] = {}
        names = (name.removeprefix(tensors.at).split(".") for name in tensors.contents.tensors)
        self._starts = {".".join(name[:count]) for name in names for count in range(1, min(len(name), _DEEPEST))}

    @property
    def last(self) -> str:
        """The name of the last layer."""
        return self.layers[-1].name if self.layers else PIXELS

    @property
    def width(self) -> int:
        """The channels that it makes."""
        return self.layers[-1].channels

    def has(self, name: str) -> bool:
        """Whether there is such a tensor behind the network's prefix."""
        return self.tensors.at + name in self.tensors.contents.tensors

    def sides(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor; an error if it is missing."""
        if not self.has(name):
            raise self.refuse(name, "is missing")
        return self.tensors.contents.tensors[self.tensors.at + name].shape

    def refuse(self, name: str, what: str) -> HemotkError:
        """The error that names a tensor and says what is wrong with it."""
        return self.tensors.refuse(self.tensors.at + name, f"{what}, so this is no {self.family} that is known here")

    def numbered(self, pattern: str) -> Iterator[str]:
        """`pattern` with 0, 1, … in place of '#', as long as tensors begin with it."""
        number = 0
        while (name := pattern.replace("#", f"{number}")) in self._starts:
            if number == _MOST_BLOCKS:
                raise self.refuse(name, f"is the {number}th of its like")
            yield name
            number += 1

    def conv(
        self,
        name: str,
        norm: str,
        kernel: int,
        stride: int = 1,
        activation: Activation = "linear",
        *,
        depthwise: bool = False,
        reads: str = "",
    ) -> None:
        """A convolution without a bias, the BatchNorm behind it, and an activation."""
        width = self._widths[reads] if reads else (self.width if self.layers else self.sides(f"{name}.weight")[1])
        sides = self.sides(f"{name}.weight")
        expected = (sides[0], 1 if depthwise else width, kernel, kernel)
        if sides != expected or (depthwise and sides[0] != width):
            raise self.refuse(f"{name}.weight", f"is {list(sides)} where {[*expected]} is expected")
        self._check_module(name, stride, kernel, width if depthwise else 1)
        scale, shift = self._norm(norm, sides[0])
        weight = self._take(f"{name}.weight") * scale[:, None, None, None]
        layout, part = ((2, 3, 0, 1), "depthwise_kernel") if depthwise else ((2, 3, 1, 0), "kernel")
        self.arrays |= {f"{name}/{part}": weight.transpose(layout), f"{name}/bias": shift}
        operation: Operation = "depthwise" if depthwise else "conv"
        self.add(ListedLayer(name, operation, sides[0], kernel, stride, activation, reads=(reads,) if reads else ()))

    def excite(self, name: str, squeeze: str, expand: str) -> None:
        """The factor of each channel, from two 1×1 convolutions with biases."""
        inner = self.sides(f"{squeeze}.weight")[0]
        for own, conv, sides in (("squeeze", squeeze, (inner, self.width)), ("expand", expand, (self.width, inner))):
            weight, bias = self._take(f"{conv}.weight"), self._take(f"{conv}.bias")
            if weight.shape != (*sides, 1, 1) or bias.shape != sides[:1]:
                raise self.refuse(f"{conv}.weight", f"is {list(weight.shape)} where {[*sides, 1, 1]} is expected")
            self.arrays |= {f"{name}.{own}/kernel": weight.transpose(2, 3, 1, 0), f"{name}.{own}/bias": bias}
        self.add(ListedLayer(name, "excite", self.width, inner=inner))

    def dense(self, name: str, activation: Activation) -> None:
        """A linear layer, or a 1×1 convolution behind the mean, with a bias."""
        weight, bias = self._take(f"{name}.weight"), self._take(f"{name}.bias")
        weight = weight.reshape(weight.shape[:2]) if weight.ndim == 4 and weight.shape[2:] == (1, 1) else weight
        if weight.ndim != 2 or weight.shape[1] != self.width or bias.shape != weight.shape[:1]:
            raise self.refuse(f"{name}.weight", f"is {list(weight.shape)} where [outputs, {self.width}] is expected")
        self.arrays |= {f"{name}/kernel": weight.T, f"{name}/bias": bias}
        self.add(ListedLayer(name, "dense", weight.shape[0], activation=activation))

    def plain(self, name: str, operation: Operation, kernel: int = 1, stride: int = 1) -> None:
        """A pooling or the mean."""
        self.add(ListedLayer(name, operation, self.width, kernel, stride))

    def sum(self, name: str, first: str, second: str, activation: Activation = "linear") -> None:
        """Two layers added; an error if they are not of equal width."""
        widths = self._widths[first], self._widths[second]
        if widths[0] != widths[1]:
            raise self.refuse(second, f"makes {widths[1]} channels, which are added to {widths[0]}")
        self.add(ListedLayer(name, "add", widths[0], activation=activation, reads=(first, second)))

    def join(self, name: str, entering: str, stride: int) -> None:
        """An inverted residual's sum, which it has where nothing changes its size."""
        if stride == 1 and self._widths.get(entering) == self.width:
            self.sum(name, self.last, entering)

    def add(self, layer: ListedLayer) -> None:
        """Any layer, its arrays apart."""
        self._widths[layer.name] = layer.channels
        self.layers.append(layer)

    def rest(self) -> dict[str, TensorView]:
        """Tensors that nothing was made of, counters left out: those of the head."""
        tensors = self.tensors.contents.tensors.items()
        rest = {name: view for name, view in tensors if name not in self._taken and not name.endswith(_COUNTER)}
        features = tuple(f"{self.tensors.at}{start}" for start in _FEATURES)
        if unknown := next((name for name in rest if name.startswith(features)), None):
            raise self.refuse(unknown.removeprefix(self.tensors.at), "is one too many")
        return rest

    def _take(self, name: str) -> Array:
        self.sides(name)
        self._taken.add(self.tensors.at + name)
        array = self.tensors.read(self.tensors.at + name)
        if not np.isfinite(array).all():
            raise self.tensors.refuse(self.tensors.at + name, "holds NaN or infinity")
        return array

    def _norm(self, name: str, width: int) -> tuple[Array, Array]:
        """A BatchNorm as scale and shift, float64 [width]."""
        parts = [self._take(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
        if any(part.shape != (width,) for part in parts):
            raise self.refuse(f"{name}.weight", f"is no BatchNorm of {width} channels")
        gamma, beta, mean, variance = parts
        epsilon = epsilon_of(self.tensors.contents.modules.get(self.tensors.at + name), self.epsilon)
        if (variance + epsilon <= 0).any():
            raise self.refuse(name, "has variances below 0")
        scale = gamma / np.sqrt(variance + epsilon)
        return scale, beta - mean * scale

    def _check_module(self, name: str, stride: int, kernel: int, groups: int) -> None:
        """What a whole module says of a convolution must be what is taken for granted elsewhere."""
        module = self.tensors.contents.modules.get(self.tensors.at + name)
        if module is None:
            return
        wanted = {"stride": stride, "padding": kernel // 2, "dilation": 1}
        for setting, value in wanted.items():
            said = module.settings.get(setting, (value, value))
            if said != (value, value):
                raise self.refuse(name, f"has {setting} {said!r:.20} where {value} is expected")
        if module.kind != "Conv2d" or module.settings.get("groups", groups) != groups:
            raise self.refuse(name, f"({module.kind:.40}) pads otherwise, or has groups")
