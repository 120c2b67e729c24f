"""Networks of `LayeredShape` in tf_keras, one operation after the other."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import tf_keras as keras
from tf_keras import layers

from hemotk.models.layered import PIXELS, Activation, LayeredShape, ListedLayer, Operation

Tensor: TypeAlias = Any  # tf_keras does not export the type of its symbolic tensors


def build_layered(shape: LayeredShape, dropout: float = 0.0) -> keras.Model:
    """A network from h float32 [n, N, N, 1] (any N) to the probability of hemorrhage float32 [n, 1].

    Layers are called as in `shape`; the last two are `logit` and `probability`. `dropout` is the share of features
    dropped in training.
    """
    pixels = keras.Input((None, None, 1), name=PIXELS)
    x = pixels
    if shape.shift is not None:
        x = layers.Concatenate(name="gray_to_channels")([pixels] * 3)
        x = layers.Rescaling(1.0, list(shape.shift), name="channel_shift")(x)
    made = {PIXELS: x}
    for layer in shape.layers:
        x = _BUILDERS[layer.operation](layer, *([made[name] for name in layer.reads] or [x]))
        x = made[layer.name] = _ACTIVATIONS[layer.activation](x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(1, dtype="float32", name="logit")(x)
    probability = layers.Activation("sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(pixels, probability, name=shape.family)


def _padded(layer: ListedLayer, x: Tensor) -> tuple[Tensor, str]:
    """PyTorch pads all four sides alike; TensorFlow's 'same' does so where no stride leaves pixels over."""
    if layer.kernel == 1:
        return x, "valid"
    if layer.stride == 1:
        return x, "same"
    return layers.ZeroPadding2D(layer.kernel // 2, name=f"{layer.name}.pad")(x), "valid"


def _conv(layer: ListedLayer, x: Tensor) -> Tensor:
    x, padding = _padded(layer, x)
    return layers.Conv2D(layer.channels, layer.kernel, layer.stride, padding, name=layer.name)(x)


def _depthwise(layer: ListedLayer, x: Tensor) -> Tensor:
    x, padding = _padded(layer, x)
    return layers.DepthwiseConv2D(layer.kernel, layer.stride, padding, name=layer.name)(x)


def _max_pool(layer: ListedLayer, x: Tensor) -> Tensor:
    x, padding = _padded(layer, x)
    return layers.MaxPooling2D(layer.kernel, layer.stride, padding, name=layer.name)(x)


def _add(layer: ListedLayer, x: Tensor, y: Tensor) -> Tensor:
    return layers.Add(name=layer.name)([x, y])


def _excite(layer: ListedLayer, x: Tensor) -> Tensor:
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{layer.name}.mean")(x)
    y = layers.Conv2D(layer.inner, 1, activation="relu", name=f"{layer.name}.squeeze")(y)
    y = layers.Conv2D(layer.channels, 1, name=f"{layer.name}.expand")(y)
    return layers.Multiply(name=layer.name)([x, _hard_sigmoid(y)])


def _mean(layer: ListedLayer, x: Tensor) -> Tensor:
    return layers.GlobalAveragePooling2D(name=layer.name)(x)


def _dense(layer: ListedLayer, x: Tensor) -> Tensor:
    return layers.Dense(layer.channels, name=layer.name)(x)


def _relu(x: Tensor) -> Tensor:
    return layers.ReLU()(x)


def _relu6(x: Tensor) -> Tensor:
    return layers.ReLU(6.0)(x)


def _hard_sigmoid(x: Tensor) -> Tensor:
    return _relu6(x + 3.0) * (1.0 / 6.0)


_BUILDERS: Mapping[Operation, Callable[..., Tensor]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "max_pool": _max_pool,
    "add": _add,
    "excite": _excite,
    "mean": _mean,
    "dense": _dense,
}
_ACTIVATIONS: Mapping[Activation, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": _relu,
    "relu6": _relu6,
    "hard_swish": lambda x: layers.Multiply()([x, _hard_sigmoid(x)]),
}
