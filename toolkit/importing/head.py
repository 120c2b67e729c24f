"""The layers behind the pooling as ReLU layers and one logit, exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemotk.importing.layers import Layer
from hemotk.importing.stored import Arrays
from hemotk.importing.walk import Walk, is_relu, norm_affine

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dense:
    """x · weight + bias: `weight` float64 [in, out], `bias` float64 [out]."""

    weight: Array
    bias: Array

    def then(self, weight: Array, bias: Array) -> "Dense":
        """This map, then another."""
        return Dense(self.weight @ weight, self.bias @ weight + bias)


def read_head(walk: Walk, arrays: Arrays, features: int, positive_class: int) -> dict[str, np.ndarray]:
    """Walk from the backbone's last ReLU to the output; 'hidden1/kernel', …, 'logit/bias' as float32 arrays.

    Maps without a ReLU between them are multiplied together. Output `positive_class` of two, or a sigmoid's 1 or 0,
    is the class with the positive logit.

    Raises:
        HemotkError: naming the first layer that is not supported.
    """
    layer = walk.next("GlobalAveragePooling2D")
    if layer.config.get("keepdims"):
        raise walk.graph.refuse(layer, "keeps the pooled dimensions")
    head = _Head(walk, arrays, features)
    while (output := head.step()) is None:
        pass
    if (following := walk.peek()) is not None:
        raise walk.graph.refuse(following, f"follows the {output}")
    found = [*head.hidden, head.logit(output, positive_class)]
    names = [*(f"hidden{number}" for number in range(1, len(found))), "logit"]
    result = {}
    for name, dense in zip(names, found, strict=True):
        result[f"{name}/kernel"] = dense.weight.astype(np.float32)
        result[f"{name}/bias"] = dense.bias.astype(np.float32)
    return result


class _Head:
    """`hidden` maps that a ReLU follows, and the `pending` one since the last ReLU; what enters is never negative."""

    def __init__(self, walk: Walk, arrays: Arrays, features: int) -> None:
        self._walk = walk
        self._arrays = arrays
        self._width = features
        self.hidden: list[Dense] = []
        self._pending: Dense | None = None
        self._last = walk.graph.layers[walk.at]

    def step(self) -> str | None:
        """Take in the next layer; the name of the output activation if it was that, else None."""
        if self._walk.peek() is None:
            raise self._walk.graph.refuse(self._last, "ends the network without a sigmoid or softmax")
        layer = self._last = self._walk.next("Dense", "BatchNormalization", "Activation", "ReLU", "Softmax", "Flatten")
        if layer.kind == "Dense":
            return self._dense(layer)
        if layer.kind == "BatchNormalization":
            scale, shift = norm_affine(self._arrays, layer)
            self._append(layer, np.diag(scale), shift)
        elif layer.kind in ("Activation", "ReLU", "Softmax"):
            return self._activation(
                layer, "softmax" if layer.kind == "Softmax" else str(layer.config.get("activation"))
            )
        return None  # Flatten has nothing to flatten behind the pooling

    def logit(self, output: str, positive_class: int) -> Dense:
        """The last map as one logit: z₁ − z₀ of a softmax over two, z of a sigmoid; negated for class 0."""
        if self._pending is None or self._width != {"softmax": 2, "sigmoid": 1}[output]:
            raise self._walk.graph.refuse(self._last, f"ends in a {output} over {self._width} numbers")
        sign = 1.0 if positive_class == 1 else -1.0
        pick = np.array([[-1.0], [1.0]]) if output == "softmax" else np.array([[1.0]])
        return self._pending.then(sign * pick, np.zeros(1))

    def _dense(self, layer: Layer) -> str | None:
        config = layer.config
        kernel, *bias = self._arrays.read(layer, "kernel", *(["bias"] if config["use_bias"] else []))
        self._append(layer, kernel, bias[0] if bias else np.zeros(kernel.shape[-1]))
        return None if config["activation"] == "linear" else self._activation(layer, str(config["activation"]))

    def _append(self, layer: Layer, weight: np.ndarray, bias: np.ndarray) -> None:
        if weight.shape[0] != self._width:
            raise self._walk.graph.refuse(layer, f"reads {weight.shape[0]} numbers where {self._width} arrive")
        weight, bias = weight.astype(np.float64), bias.astype(np.float64)
        self._pending = self._pending.then(weight, bias) if self._pending else Dense(weight, bias)
        self._width = weight.shape[1]

    def _activation(self, layer: Layer, activation: str) -> str | None:
        if activation in ("sigmoid", "softmax"):
            return activation
        if activation != "relu" and not is_relu(layer):
            raise self._walk.graph.refuse(layer, f"has the activation {activation}")
        if self._pending is not None:
            self.hidden.append(self._pending)
            self._pending = None
        return None
