"""From a shape and its arrays to a tf_keras model, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import tf_keras as keras

from hemotk.models.applications import build_application
from hemotk.models.cnn import build_cnn
from hemotk.models.densenet import build_densenet
from hemotk.models.layer_list import build_layered
from hemotk.models.layered import LayeredShape
from hemotk.models.shape import ApplicationShape, DenseNetShape, Shape
from hemotk.models.weights import Weights

Precision: TypeAlias = Literal["float32", "bfloat16"]


def build_model(
    shape: Shape, bn_momentum: float = 0.99, dropout: float = 0.0, precision: Precision = "float32"
) -> keras.Model:
    """The tf_keras network of any shape, with fresh random weights.

    In 'bfloat16' all but the logit is computed in that type, while the weights stay float32 (mixed precision,
    Micikevicius et al. 2018, arXiv 1710.03740; bfloat16 has float32's range, so the loss needs no scaling).
    """
    with _computed_in(precision):
        return _built(shape, bn_momentum, dropout)


def _built(shape: Shape, bn_momentum: float, dropout: float) -> keras.Model:
    if isinstance(shape, DenseNetShape):
        return build_densenet(shape, bn_momentum, dropout)
    if isinstance(shape, ApplicationShape):
        return build_application(shape.family, shape.size, bn_momentum, dropout)
    if isinstance(shape, LayeredShape):
        return build_layered(shape, dropout)
    return build_cnn(shape, dropout)


@contextmanager
def _computed_in(precision: Precision) -> Iterator[None]:
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("float32" if precision == "float32" else "mixed_bfloat16")
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def with_logit(model: keras.Model) -> keras.Model:
    """The same network, sharing weights, with the outputs [logit, probability], each float32 [n, 1]."""
    return keras.Model(model.input, [model.get_layer("logit").output, model.get_layer("probability").output])


def named_variables(model: keras.Model) -> dict[str, Any]:
    """Every variable under the name that `shape.arrays()` gives it, such as 'conv1/conv/kernel'."""
    result = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):  # its constants are no weights
            continue
        for variable in layer.weights:
            result[f"{layer.name}/{variable.name.rpartition('/')[2].partition(':')[0]}"] = variable
    return result


def get_arrays(model: keras.Model) -> Weights:
    """The network's weights as float32 arrays."""
    return {name: variable.numpy() for name, variable in named_variables(model).items()}


def set_arrays(model: keras.Model, weights: Weights) -> None:
    """Put arrays back into the network; those it does not name stay as they are."""
    for name, variable in named_variables(model).items():
        if name in weights:
            variable.assign(weights[name])
