"""Reduce each pre-activation BatchNorm and ReLU to one operator, the rest goes into the convolution behind it."""

from dataclasses import replace
from typing import Literal

import numpy as np

from hemotk.errors import HemotkError
from hemotk.exporting.graph.ir import Activation, Affine, Graph, Linear, Reader, Threshold, readers, with_readers

Form = Literal["maximum", "add"]


def preactivation(graph: Graph, form: Form = "maximum") -> Graph:
    """The same network with every `before` reduced to max(x, T) or to relu(x − T); no scale may be negative.

    With scale s > 0, shift t and T = −t / s: relu(s · x + t) = s · max(x, T) + t = s · relu(x − T). The factor s goes
    into the rows of the reader's weights, the constant t into its bias, which is exact since nothing pads in between.
    With s = 0 the activation is the constant relu(t), which goes into the bias as well.

    Raises:
        HemotkError: a scale is negative.
    """
    for block in range(len(graph.blocks)):
        graph = with_readers(graph, block, tuple(_reader(reader, form) for reader in readers(graph, block)))
    return graph


def _reader(reader: Reader, form: Form) -> Reader:
    before, linear = reader.before, reader.linear
    if not isinstance(before, Affine):
        return reader
    if (before.scale < 0).any():
        raise HemotkError("preactivation: a BatchNorm scale is negative; rewrite with positive_scales first.")
    live = before.scale > 0
    # Where the level of a dead channel lies does not matter: its weights are 0.
    level = np.where(live, -before.shift / np.where(live, before.scale, 1), 0)
    constant = np.where(live, before.shift if form == "maximum" else 0, np.maximum(before.shift, 0))
    new = Linear(linear.weight * before.scale[:, np.newaxis], linear.bias + constant @ linear.weight)
    activation: Activation = Threshold(level) if form == "maximum" else Affine(np.ones(level.size), -level)
    return replace(reader, before=activation, linear=new)
