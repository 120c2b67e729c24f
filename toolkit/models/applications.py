"""Networks of `tf_keras.applications` with one gray channel and one logit: what one might embed instead of a DenseNet.

MobileNetV3-Small (Howard et al. 2019, arXiv 1905.02244), EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) and
ResNet-50 (He et al. 2015, arXiv 1512.03385). Each reads h itself, copied to three channels: the preprocessing that
Keras builds into some of them is left out or made to do nothing. EfficientNet keeps its stochastic depth in training.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import tf_keras as keras
from tf_keras import applications, layers

from hemotk.models.shape import Application

Tensor: TypeAlias = Any  # tf_keras does not export the type of its symbolic tensors

_NO_TOP: Mapping[str, Any] = {"include_top": False, "weights": None}
_BACKBONES: Mapping[Application, Callable[[Tensor], keras.Model]] = {
    "mobilenetv3small": lambda x: applications.MobileNetV3Small(**_NO_TOP, input_tensor=x, include_preprocessing=False),
    "efficientnetb0": lambda x: applications.EfficientNetB0(**_NO_TOP, input_tensor=x),
    "resnet50": lambda x: applications.ResNet50(**_NO_TOP, input_tensor=x),
}


def build_application(family: Application, size: int, bn_momentum: float = 0.99, dropout: float = 0.0) -> keras.Model:
    """A network from h float32 [n, size, size, 1] to the probability of hemorrhage float32 [n, 1].

    Layer names are those of Keras; the last two layers are `logit` and `probability`. `bn_momentum` replaces the
    family's own, and `dropout` is the share of pooled features dropped in training.
    """
    pixels = keras.Input((size, size, 1), name="pixels")
    backbone = _BACKBONES[family](layers.Concatenate(name="gray_to_channels")([pixels] * 3))
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = bn_momentum
        elif isinstance(layer, layers.Rescaling):
            layer.scale = 1.0  # the Normalization behind it has mean 0 and variance 1
    x = layers.GlobalAveragePooling2D(name="avg_pool")(backbone.output)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(1, dtype="float32", name="logit")(x)
    return keras.Model(pixels, layers.Activation("sigmoid", dtype="float32", name="probability")(x), name=family)
