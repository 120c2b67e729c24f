"""The layers behind the DenseNet's last ReLU as ReLU layers and one logit, exactly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemotk.importing.layers import KerasLayer
from hemotk.importing.outputs import Output
from hemotk.importing.stored import Arrays
from hemotk.importing.walk import Walk, check_last_axis, is_relu, negative_slope, norm_affine, pointwise

Array = NDArray[np.float64]
_POOLING = "GlobalAveragePooling2D"
# The names of activations as layers, as operations of Keras 3, and as those of TensorFlow.
_OPERATIONS = {
    **dict.fromkeys(("Softmax", "nn.softmax"), "softmax"),
    **dict.fromkeys(("Sigmoid", "math.sigmoid"), "sigmoid"),
    **dict.fromkeys(("Relu", "nn.relu"), "relu"),
}


@dataclass(frozen=True, eq=False)
class Dense:
    """x · weight + bias: `weight` float64 [in, out], `bias` float64 [out]."""

    weight: Array
    bias: Array

    def then(self, weight: Array, bias: Array) -> "Dense":
        """This map, then another."""
        return Dense(self.weight @ weight, self.bias @ weight + bias)


def read_head(walk: Walk, arrays: Arrays, features: int, side: int) -> tuple[list[Dense], Dense, Output]:
    """Walk from the backbone's last ReLU to the output: the maps that a ReLU follows, the last map, and its activation.

    Maps without a ReLU between them are multiplied together. `side` is the width and height of what is pooled.

    Raises:
        HemotkError: naming the first layer that is not supported.
    """
    head = _Head(walk, arrays, features, side)
    while (activation := head.step()) is None:
        pass
    if (following := walk.peek()) is not None:
        raise walk.graph.refuse(following, f"follows the {activation}")
    return head.finish(activation)


def head_arrays(hidden: list[Dense], logit: Dense) -> dict[str, np.ndarray]:
    """'hidden1/kernel', …, 'logit/bias' as float32 arrays."""
    names = [*(f"hidden{number}" for number in range(1, len(hidden) + 1)), "logit"]
    result = {}
    for name, dense in zip(names, [*hidden, logit], strict=True):
        result[f"{name}/kernel"] = dense.weight.astype(np.float32)
        result[f"{name}/bias"] = dense.bias.astype(np.float32)
    return result


class _Head:
    """`hidden` maps that a ReLU follows, and the `pending` one since the last ReLU; what enters is never negative.

    The pooling is a mean, so maps of the channels may stand before it as well as behind it, ReLUs only behind it.
    """

    def __init__(self, walk: Walk, arrays: Arrays, features: int, side: int) -> None:
        self._walk = walk
        self._arrays = arrays
        self._width = features
        self._side = side
        self._pooled = False
        self._unflattened: KerasLayer | None = None
        self.hidden: list[Dense] = []
        self._pending: Dense | None = None
        self._last = walk.graph.layers[walk.at]

    def step(self) -> str | None:
        """Take in the next layer; the name of the output activation if the network ends with it, else None."""
        following = self._walk.peek()
        if following is None and self._pooled:
            return "linear"
        supported = _BEHIND_POOLING
        if not self._pooled:
            supported = (following.kind,) if following and following.kind in _BEFORE_POOLING else (_POOLING,)
        layer = self._last = self._walk.next(*supported)
        return _STEPS[layer.kind](self, layer)

    def finish(self, activation: str) -> tuple[list[Dense], Dense, Output]:
        """The maps, and what the last one's numbers are."""
        if self._unflattened is not None:
            raise self._walk.graph.refuse(self._unflattened, "keeps the pooled dimensions")
        output = Output(self._walk.graph, self._last, activation, self._width)
        if self._pending is None:
            raise output.refused()
        return self.hidden, self._pending, output

    def _pool(self, layer: KerasLayer) -> None:
        self._pooled = True
        if layer.config.get("keepdims"):
            self._unflattened = layer

    def _average(self, layer: KerasLayer) -> None:
        """Means over parts of equal size: their mean is that over all."""
        pool, strides = layer.config["pool_size"], layer.config["strides"]
        if pool[0] != pool[1] or self._side % pool[0] or strides != pool:
            raise self._walk.graph.refuse(
                layer, f"pools {pool} of {self._side}×{self._side} places, which is no mean over all of them"
            )
        self._side //= pool[0]

    def _flatten(self, layer: KerasLayer) -> None:
        if not self._pooled and self._side != 1:
            raise self._walk.graph.refuse(
                layer, f"keeps {self._side}×{self._side} places apart where {_POOLING} is expected"
            )
        shape = layer.config.get("target_shape", [-1])
        if shape not in ([-1], [self._width], [1, 1, self._width]):
            raise self._walk.graph.refuse(layer, f"makes arrays of {shape} where one of {self._width} is expected")
        self._pooled, self._unflattened = True, layer if len(shape) == 3 else None

    def _map(self, layer: KerasLayer) -> str | None:
        weight, bias = pointwise(self._walk.graph, self._arrays, layer)
        self._append(layer, weight, bias)
        return self._activate(layer, str(layer.config["activation"]))

    def _norm(self, layer: KerasLayer) -> None:
        if not self._pooled:
            check_last_axis(self._walk.graph, layer)
        scale, shift = norm_affine(self._arrays, layer)
        self._append(layer, np.diag(scale), shift)

    def _rescale(self, layer: KerasLayer) -> None:
        scale, offset = (np.broadcast_to(layer.config[name], self._width) for name in ("scale", "offset"))
        self._append(layer, np.diag(scale.astype(np.float64)), offset.astype(np.float64))

    def _append(self, layer: KerasLayer, weight: Array, bias: Array) -> None:
        if weight.shape[0] != self._width:
            raise self._walk.graph.refuse(layer, f"reads {weight.shape[0]} numbers where {self._width} arrive")
        self._pending = self._pending.then(weight, bias) if self._pending else Dense(weight, bias)
        self._width = weight.shape[1]

    def _activation(self, layer: KerasLayer) -> str | None:
        operation = layer.config["function"] if layer.kind == "TFOpLambda" else layer.kind
        return self._activate(layer, _OPERATIONS.get(operation) or str(layer.config.get("activation", operation)))

    def _activate(self, layer: KerasLayer, activation: str) -> str | None:
        if activation == "linear":
            return None
        if activation in ("sigmoid", "softmax") and self._pooled:
            return activation
        slope = negative_slope(self._arrays, layer, self._width)
        if slope is None and activation != "relu" and not is_relu(layer):
            raise self._walk.graph.refuse(layer, f"has the activation {activation}")
        if self._pending is None:
            return None  # what was never negative stays as it is
        if not self._pooled and self._side != 1:
            raise self._walk.graph.refuse(layer, "rectifies before the pooling, where only linear maps can be exact")
        self._rectify(slope)
        return None

    def _rectify(self, slope: Array | None) -> None:
        """A ReLU; with a slope below 0 it is relu(x) − slope · relu(−x), of twice the width."""
        before, self._pending = self._pending, None
        assert before is not None
        if slope is None:
            self.hidden.append(before)
            return
        eye, slope = np.eye(self._width), np.broadcast_to(slope, self._width)  # a PReLU may share one
        self.hidden.append(before.then(np.hstack([eye, -eye]), np.zeros(2 * self._width)))
        self._pending = Dense(np.vstack([eye, -np.diag(slope)]), np.zeros(self._width))


_STEPS: Mapping[str, Callable[[_Head, KerasLayer], str | None]] = {
    "Dense": _Head._map,
    "BatchNormalization": _Head._norm,
    "Rescaling": _Head._rescale,
    **dict.fromkeys(("Activation", "ReLU", "LeakyReLU", "PReLU"), _Head._activation),
    **dict.fromkeys(("Softmax", "Sigmoid", "Relu", "TFOpLambda"), _Head._activation),
    **dict.fromkeys(("Flatten", "Reshape"), _Head._flatten),
    "Conv2D": _Head._map,
    _POOLING: _Head._pool,
    "AveragePooling2D": _Head._average,
}
_BEHIND_POOLING = tuple(_STEPS)[:-2]
_BEFORE_POOLING = frozenset(_STEPS) - {"Softmax"}
