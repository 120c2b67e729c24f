"""DenseNets of any widths in tf_keras (Huang et al. 2017, arXiv 1608.06993), layer by layer, block by block, net."""

from typing import Any, TypeAlias

import tf_keras as keras
from tf_keras import layers

from hemotk.models.shape import LAYER_KERNEL, STEM_KERNEL, DenseNetShape, LayerShape

Tensor: TypeAlias = Any  # tf_keras does not export the type of its symbolic tensors


def build_densenet(shape: DenseNetShape, bn_momentum: float = 0.99, dropout: float = 0.0) -> keras.Model:
    """A network from h float32 [n, N, N, 1] (any N) to the probability of hemorrhage float32 [n, 1].

    Layer names are those of the official Keras weight files; the last two layers are `logit` and `probability`.
    `dropout` is the share of pooled features dropped in training.
    """
    net = _Net(shape, bn_momentum)
    pixels = keras.Input((None, None, 1), name="pixels")
    x = net.stem(_three_channels(pixels, shape))
    for index, block in enumerate(shape.blocks):
        for number, layer in enumerate(block):
            x = net.layer(x, layer, f"conv{index + 2}_block{number + 1}")
        if index < len(shape.transitions):
            x = net.transition(x, shape.transitions[index], f"pool{index + 2}")
    return keras.Model(pixels, net.head(x, dropout), name="densenet")


def _three_channels(pixels: Tensor, shape: DenseNetShape) -> Tensor:
    if shape.channels == 1:
        return pixels
    x = layers.Concatenate(name="gray_to_channels")([pixels] * shape.channels)
    if shape.gray_mean is None or shape.gray_std is None:
        return x
    variance = [std**2 for std in shape.gray_std]
    return layers.Normalization(mean=shape.gray_mean, variance=variance, name="channel_normalization")(x)


class _Net:
    """The pieces of one network, which share BatchNorm settings."""

    def __init__(self, shape: DenseNetShape, bn_momentum: float) -> None:
        self._shape = shape
        self._momentum = bn_momentum

    def norm_relu(self, x: Tensor, norm: str, relu: str) -> Tensor:
        x = layers.BatchNormalization(epsilon=self._shape.bn_epsilon, momentum=self._momentum, name=norm)(x)
        return layers.ReLU(name=relu)(x)

    def stem(self, x: Tensor) -> Tensor:
        x = layers.ZeroPadding2D(STEM_KERNEL // 2, name="zero_padding2d")(x)
        x = layers.Conv2D(self._shape.stem, STEM_KERNEL, strides=2, use_bias=False, name="conv1/conv")(x)
        x = self.norm_relu(x, "conv1/bn", "conv1/relu")
        x = layers.ZeroPadding2D(1, name="zero_padding2d_1")(x)
        return layers.MaxPooling2D(3, strides=2, name="pool1")(x)

    def layer(self, x: Tensor, layer: LayerShape, name: str) -> Tensor:
        y = self.norm_relu(x, f"{name}_0_bn", f"{name}_0_relu")
        y = layers.Conv2D(layer.bottleneck, 1, use_bias=False, name=f"{name}_1_conv")(y)
        y = self.norm_relu(y, f"{name}_1_bn", f"{name}_1_relu")
        y = layers.Conv2D(layer.growth, LAYER_KERNEL, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
        return layers.Concatenate(name=f"{name}_concat")([x, y])

    def transition(self, x: Tensor, width: int, name: str) -> Tensor:
        x = self.norm_relu(x, f"{name}_bn", f"{name}_relu")
        x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_conv")(x)
        return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)

    def head(self, x: Tensor, dropout: float) -> Tensor:
        x = self.norm_relu(x, "bn", "relu")
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        for number, width in enumerate(self._shape.hidden, 1):
            x = layers.Dense(width, activation="relu", name=f"hidden{number}")(x)
        if dropout:
            x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Dense(1, dtype="float32", name="logit")(x)
        return layers.Activation("sigmoid", dtype="float32", name="probability")(x)
