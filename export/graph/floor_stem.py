"""Cut off what no reader of the stem's channels ever sees, so that bytes are spent on the rest."""

from dataclasses import replace

import numpy as np

from hemotk.errors import HemotkError
from hemotk.exporting.graph.ir import Affine, Array, Conv, Graph, Linear, Reader, affine, readers, with_readers, written


def floor_stem(graph: Graph) -> Graph:
    """Lower each stem channel by the lowest threshold F of its readers, where that is above 0.

    relu(x) becomes relu(x − F) = max(relu(x), F) − F; the readers add F back, to which every relu(s · x + t) with
    s ≥ 0 and −t/s ≥ F is blind below F. The max-pool's zero padding stays below or at everything. Comes after
    `positive_scales`.

    Raises:
        HemotkError: a reader has a negative scale, or the stem's BatchNorm is not folded.
    """
    stem = graph.stem
    if stem.norm is not None:
        raise HemotkError("floor_stem: comes after fold_batchnorm; change the order.")
    floor = _floor(graph)
    conv = Conv(stem.conv.kernel, stem.conv.bias - floor)
    if stem.copy is not None:
        copy = Linear(stem.copy.weight, stem.copy.bias + floor @ stem.copy.weight)
        return replace(graph, stem=replace(stem, conv=conv, copy=copy))
    graph = replace(graph, stem=replace(stem, conv=conv))
    return with_readers(graph, 0, tuple(_raised(reader, floor) for reader in readers(graph, 0)))


def _floor(graph: Graph) -> Array:
    """F of each channel of the stem's convolution; 0 where nobody reads it, or where a copy is negated or mixed."""
    lowest = np.full(written(graph, 0)[0], np.inf)
    for reader in readers(graph, 0):
        before = affine(reader)
        if (before.scale < 0).any():
            raise HemotkError("floor_stem: comes after positive_scales; change the order.")
        scale, shift = before.scale[: lowest.size], before.shift[: lowest.size]
        threshold = np.where(scale > 0, -shift / np.where(scale > 0, scale, 1), np.inf)
        lowest = np.minimum(lowest, threshold)
    copy = graph.stem.copy
    if copy is not None:
        # x' = w · x + b is blind to x below (F' − b) / w where w > 0; anything else needs all of x.
        weight = np.where(copy.weight > 0, copy.weight, 1)
        seen = np.where(copy.weight == 0, np.inf, np.where(copy.weight > 0, (lowest - copy.bias) / weight, 0))
        alone = np.count_nonzero(copy.weight, axis=0) == 1
        lowest = np.where(alone | (copy.weight == 0), seen, 0).min(axis=1)
    return np.where(np.isfinite(lowest), np.maximum(lowest, 0), 0)


def _raised(reader: Reader, floor: Array) -> Reader:
    before = affine(reader)
    shift = before.shift.copy()
    shift[: floor.size] += before.scale[: floor.size] * floor
    return replace(reader, before=Affine(before.scale, shift))
