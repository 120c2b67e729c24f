"""A walk along the layers of a model that accepts only what is expected, and the BatchNorms met on it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.importing.layers import KerasLayer, LayerGraph
from hemotk.importing.stored import Arrays

_LAST_AXES = (-1, [-1], 3, [3])


class Walk:
    """Stands at one layer's output, index `at`, and goes on to the layer that reads it.

    Each step raises a HemotkError that names the layer if it is not what was asked for, is read by several layers, or
    has settings that a DenseNet has not.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.at = 0
        self._consumers = [graph.consumers(index) for index in range(len(graph.layers))]

    def peek(self) -> KerasLayer | None:
        """The only layer that reads the present output; None at the end."""
        consumers = self._consumers[self.at]
        if len(consumers) > 1:
            raise self.graph.refuse(self.graph.layers[self.at], f"is read by {len(consumers)} layers")
        return self.graph.layers[consumers[0]] if consumers else None

    def next(self, *kinds: str, **settings: Any) -> KerasLayer:
        """Go on to the only consumer, of one of `kinds` (any if none given), with `settings` in its configuration."""
        layer = self.peek()
        if layer is None:
            last = self.graph.layers[self.at]
            raise self.graph.refuse(last, f"is the last where {' or '.join(kinds) or 'an output'} is expected")
        self.at = self._consumers[self.at][0]
        self._check(layer, kinds, settings)
        return layer

    def leads_to(self, *kinds: str) -> bool:
        """Whether the next layers are of these kinds, each the only consumer of the one before."""
        at = self.at
        for kind in kinds:
            consumers = self._consumers[at]
            if len(consumers) != 1 or self.graph.layers[consumers[0]].kind != kind:
                return False
            at = consumers[0]
        return True

    def at_fork(self) -> bool:
        """Whether a dense layer begins here: a BatchNormalization and a Concatenate read the present output."""
        kinds = sorted(self.graph.layers[consumer].kind for consumer in self._consumers[self.at])
        return kinds == ["BatchNormalization", "Concatenate"]

    def into_branch(self) -> KerasLayer:
        """At a fork, go on to the BatchNormalization."""
        self.at = next(i for i in self._consumers[self.at] if self.graph.layers[i].kind == "BatchNormalization")
        return self._checked_norm(self.graph.layers[self.at])

    def join(self, fork: int) -> None:
        """Go on to the Concatenate of what was output at `fork` with the present output, in this order."""
        entered = self.at
        layer = self.next("Concatenate")
        if layer.inputs != (fork, entered) or layer.config["axis"] not in (-1, 3):
            raise self.graph.refuse(layer, "does not append a dense layer's channels to those that entered it")

    def conv(self, size: int, stride: int, padding: str) -> KerasLayer:
        """Go on to a convolution without bias and activation."""
        layer = self.next(
            "Conv2D",
            kernel_size=[size, size],
            strides=[stride, stride],
            use_bias=False,
            activation="linear",
            dilation_rate=[1, 1],
            data_format="channels_last",
        )
        # A 1×1 convolution has nothing to pad; older versions know no groups.
        self._check(layer, (), {} if size == 1 else {"padding": padding})
        if layer.config.get("groups", 1) != 1:
            raise self.graph.refuse(layer, "has groups")
        return layer

    def norm(self) -> KerasLayer:
        """Go on to a BatchNormalization over channels."""
        return self._checked_norm(self.next("BatchNormalization"))

    def relu(self) -> None:
        """Go on to a plain ReLU, as an Activation or a layer of its own."""
        layer = self.next("Activation", "ReLU")
        if not is_relu(layer):
            raise self.graph.refuse(layer, "is no plain ReLU")

    def _checked_norm(self, layer: KerasLayer) -> KerasLayer:
        check_last_axis(self.graph, layer)
        return layer

    def _check(self, layer: KerasLayer, kinds: tuple[str, ...], settings: dict[str, Any]) -> None:
        if kinds and layer.kind not in kinds:
            raise self.graph.refuse(layer, f"stands where {' or '.join(kinds)} is expected")
        for name, value in settings.items():
            setting = layer.config[name]
            if setting != value:
                raise self.graph.refuse(layer, f"has {name} {setting} where {value} is expected")


def check_last_axis(graph: LayerGraph, layer: KerasLayer) -> None:
    """Check that a BatchNormalization of pictures is one over channels."""
    if layer.config["axis"] not in _LAST_AXES:
        raise graph.refuse(layer, f"normalizes axis {layer.config['axis']} where channels come last")


def is_relu(layer: KerasLayer) -> bool:
    """Whether the layer is max(x, 0) and nothing else."""
    config = layer.config
    if layer.kind == "Activation":
        return bool(config["activation"] == "relu")
    plain = config.get("max_value") is None and not config.get("threshold") and not config.get("negative_slope")
    return layer.kind == "ReLU" and plain


def negative_slope(arrays: Arrays, layer: KerasLayer, width: int) -> NDArray[np.float64] | None:
    """The factor of a leaky ReLU for numbers below 0, float64 [width], or [1]; None for every other layer."""
    config = layer.config
    if layer.kind == "PReLU":
        return arrays.read(layer, "alpha")[0].astype(np.float64).reshape(-1)
    if layer.kind == "LeakyReLU":
        return np.full(width, float(config["negative_slope"] if "negative_slope" in config else config["alpha"]))
    if config.get("activation") == "leaky_relu":
        return np.full(width, 0.2)  # what both versions of Keras have for the name alone
    return None


def is_pointwise(layer: KerasLayer) -> bool:
    """Whether the layer maps the channels of each place by itself: a Dense, or a 1×1 convolution."""
    return layer.kind == "Dense" or (layer.kind == "Conv2D" and layer.config["kernel_size"] == [1, 1])


def pointwise(graph: LayerGraph, arrays: Arrays, layer: KerasLayer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight [in, out] and bias [out], float64, of a Dense or a 1×1 convolution, whatever its activation is."""
    config = layer.config
    if layer.kind == "Conv2D":
        plain = {"kernel_size": [1, 1], "strides": [1, 1], "data_format": "channels_last"}
        for name, value in plain.items():
            if config[name] != value:
                raise graph.refuse(layer, f"has {name} {config[name]} where {value} is expected")
        if config.get("groups", 1) != 1:
            raise graph.refuse(layer, "has groups")
    kernel, *bias = arrays.read(layer, "kernel", *(["bias"] if config["use_bias"] else []))
    weight = kernel.astype(np.float64).reshape(-1, kernel.shape[-1])
    return weight, bias[0].astype(np.float64) if bias else np.zeros(weight.shape[1])


def norm_arrays(arrays: Arrays, layer: KerasLayer) -> dict[str, np.ndarray]:
    """gamma, beta, moving_mean and moving_variance of a BatchNormalization, float32 [C]; 1 and 0 where it has none."""
    config = layer.config
    names = [name for name, has in (("gamma", config["scale"]), ("beta", config["center"])) if has]
    names += ["moving_mean", "moving_variance"]
    by_name = dict(zip(names, arrays.read(layer, *names), strict=True))
    by_name.setdefault("gamma", np.ones_like(by_name["moving_mean"]))
    by_name.setdefault("beta", np.zeros_like(by_name["moving_mean"]))
    return by_name


def norm_affine(arrays: Arrays, layer: KerasLayer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A BatchNormalization in use as scale and shift, float64 [C]: scale · x + shift."""
    by_name = {name: array.astype(np.float64) for name, array in norm_arrays(arrays, layer).items()}
    scale = by_name["gamma"] / np.sqrt(by_name["moving_variance"] + layer.config["epsilon"])
    return scale, by_name["beta"] - by_name["moving_mean"] * scale
