"""Remaking the channels of a block where they are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hemotk.exporting.graph.ir import Array, Conv, Graph, Linear, Stem


@dataclass(frozen=True)
class ChannelMap:
    """New channels of one writer: channel j is `factor[j]` · (old channel `source[j]`) + `offset[j]`."""

    source: npt.NDArray[np.intp]
    factor: Array
    offset: Array

    @property
    def only_scales(self) -> bool:
        """Whether all channels stay in place and are multiplied by something positive."""
        in_place = np.array_equal(self.source, np.arange(self.source.size))
        return bool(in_place and (self.factor > 0).all() and not self.offset.any())


def remake_channels(graph: Graph, block: int, maps: Sequence[ChannelMap]) -> Graph:
    """Let the writers of a block make other channels; `maps` has one for what enters the block, then one per layer.

    The stem's ReLU and zero-padded max-pool let positive factors through; anything else is done by the 1×1 convolution
    behind the pool, which is added where it is missing.
    """
    entering, *inside = maps
    layers = tuple(
        replace(layer, expand=_conv(layer.expand, map_))
        for layer, map_ in zip(graph.blocks[block], inside, strict=True)
    )
    graph = replace(graph, blocks=(*graph.blocks[:block], layers, *graph.blocks[block + 1 :]))
    if block == 0:
        return replace(graph, stem=_stem(graph.stem, entering))
    changed = replace(graph.transitions[block - 1], conv=_linear(graph.transitions[block - 1].conv, entering))
    return replace(graph, transitions=(*graph.transitions[: block - 1], changed, *graph.transitions[block:]))


def _stem(stem: Stem, map_: ChannelMap) -> Stem:
    if stem.copy is not None:
        return replace(stem, copy=_linear(stem.copy, map_))
    if map_.only_scales:
        return replace(stem, conv=_conv(stem.conv, map_))
    width = stem.conv.bias.size
    return replace(stem, copy=_linear(Linear(np.eye(width), np.zeros(width)), map_))


def _conv(conv: Conv, map_: ChannelMap) -> Conv:
    return Conv(conv.kernel[..., map_.source] * map_.factor, conv.bias[map_.source] * map_.factor + map_.offset)


def _linear(linear: Linear, map_: ChannelMap) -> Linear:
    return Linear(linear.weight[:, map_.source] * map_.factor, linear.bias[map_.source] * map_.factor + map_.offset)
