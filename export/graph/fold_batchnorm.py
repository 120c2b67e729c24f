"""Fold the BatchNorms that follow a convolution into it: the stem's, and the second one of each dense layer."""

from dataclasses import replace

from hemotk.exporting.graph.ir import Affine, Array, Conv, Graph, Layer, Linear, Stem


def fold_batchnorm(graph: Graph) -> Graph:
    """The same network with `stem.norm` and every `between` gone.

    s · (k ∗ x + b) + t = (s · k) ∗ x + (s · b + t), exact for scales of any sign.
    """
    blocks = tuple(tuple(_layer(layer) for layer in block) for block in graph.blocks)
    return replace(graph, stem=_stem(graph.stem), blocks=blocks)


def _stem(stem: Stem) -> Stem:
    if stem.norm is None:
        return stem
    kernel, bias = stem.conv.kernel * stem.norm.scale, _bias(stem.conv, stem.norm)
    return replace(stem, conv=Conv(kernel, bias), norm=None)


def _layer(layer: Layer) -> Layer:
    if layer.between is None:
        return layer
    reduce = Linear(layer.reduce.weight * layer.between.scale, _bias(layer.reduce, layer.between))
    return replace(layer, reduce=reduce, between=None)


def _bias(before: Conv | Linear, norm: Affine) -> Array:
    return before.bias * norm.scale + norm.shift
