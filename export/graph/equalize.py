"""Scale and shift channels where they are made, and undo it where they are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hemotk.errors import HemotkError
from hemotk.exporting.graph.channels import ChannelMap, remake_channels
from hemotk.exporting.graph.ir import (
    Affine,
    Array,
    Conv,
    Graph,
    Layer,
    Linear,
    Reader,
    Stem,
    affine,
    readers,
    with_readers,
)


@dataclass(frozen=True)
class BlockScaling:
    """What becomes of the channels of one block: x' = `factor` · x + `offset` [C], factors above 0.

    `bottlenecks` has a factor [bottleneck] per layer, for the channels between its two convolutions; `stem` one for the
    stem's own channels [stem], where a 1×1 convolution behind its pool makes those of the first block.
    """

    factor: Array
    offset: Array
    bottlenecks: tuple[Array, ...]
    stem: Array | None = None


def equalize(graph: Graph, scalings: Sequence[BlockScaling]) -> Graph:
    """The same network with other channels inside its blocks.

    Nothing but 1×1 convolutions, unpadded pools and pre-activations read a block, so its channels may be scaled and
    shifted: s · x + t = (s / a) · (a · x + b) + (t − s · b / a). Bottleneck channels lie between a ReLU and a
    zero-padded convolution and can only be scaled.

    Raises:
        HemotkError: a factor is not above 0, or the rewrites that must come before have not been done.
    """
    for block, scaling in enumerate(scalings):
        stem = () if scaling.stem is None else (scaling.stem,)
        if min(array.min() for array in (scaling.factor, *scaling.bottlenecks, *stem)) <= 0:
            raise HemotkError(f"equalize: block {block + 1} has a factor that is not above 0; check the calibration.")
        graph = _block(graph, block, scaling)
        if scaling.stem is not None:
            graph = replace(graph, stem=_stem(graph.stem, scaling.stem))
    return graph


def _block(graph: Graph, block: int, scaling: BlockScaling) -> Graph:
    old = readers(graph, block)
    ends = [reader.linear.weight.shape[0] for reader in old]
    factors, offsets = np.split(scaling.factor, ends[:-1]), np.split(scaling.offset, ends[:-1])
    maps = [ChannelMap(np.arange(f.size), f, o) for f, o in zip(factors, offsets, strict=True)]
    graph = with_readers(remake_channels(graph, block, maps), block, tuple(_read(reader, scaling) for reader in old))
    layers = tuple(map(_bottleneck, graph.blocks[block], scaling.bottlenecks))
    return replace(graph, blocks=(*graph.blocks[:block], layers, *graph.blocks[block + 1 :]))


def _stem(stem: Stem, factor: Array) -> Stem:
    if stem.norm is not None or stem.copy is None:
        raise HemotkError("equalize: the stem has no convolution behind its pool; change the order of the rewrites.")
    conv = Conv(stem.conv.kernel * factor, stem.conv.bias * factor)
    return replace(stem, conv=conv, copy=Linear(stem.copy.weight / factor[:, np.newaxis], stem.copy.bias))


def _read(reader: Reader, scaling: BlockScaling) -> Reader:
    before = affine(reader)
    factor, offset = scaling.factor[: before.scale.size], scaling.offset[: before.scale.size]
    scale = before.scale / factor
    return replace(reader, before=Affine(scale, before.shift - scale * offset))


def _bottleneck(layer: Layer, factor: Array) -> Layer:
    if layer.between is not None:
        raise HemotkError("equalize: comes after fold_batchnorm; change the order.")
    reduce = Linear(layer.reduce.weight * factor, layer.reduce.bias * factor)
    expand = Conv(layer.expand.kernel / factor[:, np.newaxis], layer.expand.bias)
    return replace(layer, reduce=reduce, expand=expand)
