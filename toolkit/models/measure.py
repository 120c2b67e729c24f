"""The shape of a network of `tf_keras.applications`, noted from the built network."""

import math

import tf_keras as keras
from tf_keras import layers

from hemotk.models.applications import build_application
from hemotk.models.build import named_variables
from hemotk.models.shape import Application, ApplicationShape


def application_shape(family: Application, size: int) -> ApplicationShape:
    """Build the network for `size`×`size` pictures and note its arrays and multiply-accumulates."""
    model = build_application(family, size)
    table = {name: tuple(variable.shape) for name, variable in named_variables(model).items()}
    return ApplicationShape(family, size, sum(map(layer_macs, model.layers)), table)


def layer_macs(layer: keras.layers.Layer) -> int:
    """Multiply-accumulates of one layer: every weight of its kernel once for every pixel that it makes."""
    if isinstance(layer, layers.DepthwiseConv2D):
        return math.prod(layer.depthwise_kernel.shape) * math.prod(layer.output_shape[1:3])
    if isinstance(layer, layers.Conv2D):
        return math.prod(layer.kernel.shape) * math.prod(layer.output_shape[1:3])
    return math.prod(layer.kernel.shape) if isinstance(layer, layers.Dense) else 0
