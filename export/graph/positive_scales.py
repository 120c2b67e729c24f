"""Give every pre-activation BatchNorm a scale of 0 or more, by turning the signs of the channels it reads.

Behind this, one operator per pre-activation is enough: max(x, T) knows only one direction.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hemotk.exporting.graph.channels import ChannelMap, remake_channels
from hemotk.exporting.graph.ir import Affine, Array, Graph, Linear, Reader, affine, readers, with_readers, written


def positive_scales(graph: Graph) -> Graph:
    """The same network, where no reader of a block has a negative scale.

    A channel that all readers take with a negative scale is negated where it is made; one that is taken with both signs
    is made twice, as x and as −x. The stem's channels are made by a ReLU and a max-pool, which cannot be negated: a 1×1
    convolution behind the pool makes what is needed. Exact: s · x + t = (−s) · (−x) + t.
    """
    for block in range(len(graph.blocks)):
        graph = _block(_without_dead_stem(graph) if block == 0 else graph, block)
    return graph


def _without_dead_stem(graph: Graph) -> Graph:
    """The stem makes no negative values, so relu(s · x + t) with s < 0 and t ≤ 0 is 0 there."""
    width = written(graph, 0)[0]

    def without(reader: Reader) -> Reader:
        scale, shift = affine(reader).scale.copy(), affine(reader).shift.copy()
        dead = (scale[:width] < 0) & (shift[:width] <= 0)
        scale[:width][dead] = shift[:width][dead] = 0
        return replace(reader, before=Affine(scale, shift))

    return with_readers(graph, 0, tuple(without(reader) for reader in readers(graph, 0)))


def _block(graph: Graph, block: int) -> Graph:
    ends = np.cumsum(written(graph, block))
    plus, minus = _signs(readers(graph, block), int(ends[-1]))
    if not minus.any():
        return graph
    parts = [_signed(plus[start:end], minus[start:end]) for start, end in zip((0, *ends[:-1]), ends, strict=True)]
    new = []
    for count, reader in enumerate(readers(graph, block), 1):
        starts = (0, *ends[: count - 1])
        source = np.concatenate([part.source + start for part, start in zip(parts[:count], starts, strict=True)])
        sign = np.concatenate([part.factor for part in parts[:count]])
        new.append(_read(reader, source, sign))
    return with_readers(remake_channels(graph, block, parts), block, tuple(new))


def _signs(found: tuple[Reader, ...], count: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which channels of a block any reader takes with a positive, and with a negative scale."""
    plus, minus = np.zeros(count, bool), np.zeros(count, bool)
    for reader in found:
        scale = affine(reader).scale
        plus[: scale.size] |= scale > 0
        minus[: scale.size] |= scale < 0
    return plus, minus


def _signed(plus: npt.NDArray[np.bool_], minus: npt.NDArray[np.bool_]) -> ChannelMap:
    """What one writer makes: all its channels, negated or not, then, negated, those that are needed twice."""
    twice = np.flatnonzero(plus & minus)
    source = np.concatenate([np.arange(plus.size), twice])
    sign = np.concatenate([np.where(minus & ~plus, -1.0, 1.0), -np.ones(twice.size)])
    return ChannelMap(source, sign, np.zeros(source.size))


def _read(reader: Reader, source: npt.NDArray[np.intp], sign: Array) -> Reader:
    """Read each channel from the copy whose sign makes the scale positive; what is constant, from the first copy."""
    before = affine(reader)
    scale, shift = before.scale[source] * sign, before.shift[source]
    first = np.zeros(source.size, bool)
    first[np.unique(source, return_index=True)[1]] = True
    used = (scale > 0) | ((scale == 0) & first)
    taken = Affine(np.where(used, scale, 0), np.where(used, shift, 0))
    return Reader(taken, Linear(reader.linear.weight[source], reader.linear.bias))
