"""From what calibration saw of the plain graph to scalings of its channels, and ranges of the scaled graph's tensors.

The plain graph has every BatchNorm folded but the pre-activations, and no negative scales in these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hemotk.exporting.graph.equalize import BlockScaling
from hemotk.exporting.graph.ir import Affine, Array, Graph, Reader, affine, reader_names, readers, writer_names
from hemotk.exporting.integer.calibrate import ChannelRange
from hemotk.exporting.integer.quantize import Range

Measured = Mapping[str, ChannelRange]

# What comes before the stem's result and is on its grid; one of the two last is there.
STEM = ("stem_conv", "stem_pool_pad", "stem_pool_uncut")
# The narrowest channel that is told from a constant one, as a share of the widest of its block.
LEAST_WIDTH = 2.0**-20
# The narrowest range of a bottleneck, as a share of its block's: XNNPACK refuses steps that are 256 times finer than
# what they are made of.
LEAST_BOTTLENECK = 2.0**-10
# Of a block in which nothing changes: whatever it is, nothing is lost.
ANY_WIDTH = 1.0


@dataclass(frozen=True)
class Effective:
    """What matters of each channel [C] of a block: from the lowest threshold of any reader to the highest value."""

    low: Array
    high: Array


def effective_ranges(graph: Graph, block: int, measured: Measured) -> Effective:
    """What matters of the channels of one block; `low` is above `high` where no reader ever sees a channel change."""
    seen = [measured[name] for name in writer_names(graph, block)]
    low = np.concatenate([range_.low for range_ in seen])
    threshold = np.full(low.size, np.inf)
    for reader in readers(graph, block):
        found = _thresholds(reader)
        threshold[: found.size] = np.minimum(threshold[: found.size], found)
    return Effective(np.maximum(low, threshold), np.concatenate([range_.high for range_ in seen]))


def _thresholds(reader: Reader) -> Array:
    """T of each channel; infinite where the channel is not read."""
    before = affine(reader)
    live = before.scale > 0
    return np.where(live, -before.shift / np.where(live, before.scale, 1), np.inf)


def choose_scalings(graph: Graph, measured: Measured) -> tuple[BlockScaling, ...]:
    """Scalings that give every channel of a block one effective range, from 0 to the width of the widest.

    The stem's own channels cannot be shifted: theirs begins at 0 as it is.
    """
    return tuple(_block_scaling(graph, block, measured) for block in range(len(graph.blocks)))


def _block_scaling(graph: Graph, block: int, measured: Measured) -> BlockScaling:
    effective = effective_ranges(graph, block, measured)
    low = np.minimum(effective.low, effective.high)
    if block == 0 and graph.stem.copy is None:
        low[: graph.stem.conv.bias.size] = 0
    factor = _factors(effective.high - low)
    bottlenecks = tuple(_factors(measured[f"{layer.name}_reduce"].high) for layer in graph.blocks[block])
    copied = block == 0 and graph.stem.copy is not None
    stem = _factors(measured["stem_pool"].high) if copied else None
    return BlockScaling(factor, -factor * low, bottlenecks, stem)


def _factors(width: Array) -> Array:
    """What makes all channels as wide as the widest; constant ones stay as they are."""
    widest = width.max()
    return np.where(width > widest * LEAST_WIDTH, widest / np.where(width > 0, width, 1), 1)


def block_widths(graph: Graph, measured: Measured, scalings: Sequence[BlockScaling]) -> tuple[float, ...]:
    """The upper end of what matters in each block after scaling; the lower end is 0."""
    highs = [effective_ranges(graph, block, measured).high for block in range(len(scalings))]
    ends = [scaling.factor * high + scaling.offset for scaling, high in zip(scalings, highs, strict=True)]
    return tuple(float(end.max()) or ANY_WIDTH for end in ends)


def scaled_ranges(
    graph: Graph, scaled: Graph, measured: Measured, scalings: Sequence[BlockScaling]
) -> dict[str, Range]:
    """The range of every operation of the `scaled` form of the plain `graph`; the tensors of a block share one.

    Sharing it is what lets concat, threshold and pool copy bytes instead of converting them.
    """
    found = {name: range_.whole() for name, range_ in measured.items()}
    for block, width in enumerate(block_widths(graph, measured, scalings)):
        shared = [*writer_names(graph, block), *reader_names(graph, block)]
        shared += [f"{layer.name}_concat" for layer in graph.blocks[block]]
        if block == 0 and graph.stem.copy is None:
            shared += STEM
        found |= dict.fromkeys(shared, (0.0, width))
        if (factor := scalings[block].stem) is not None:
            whole = 0.0, float(np.max(measured["stem_pool"].high * factor))
            found |= dict.fromkeys((*STEM, "stem_pool"), whole)
        for layer, bottleneck in zip(graph.blocks[block], scalings[block].bottlenecks, strict=True):
            high = float(np.max(measured[f"{layer.name}_reduce"].high * bottleneck))
            found[f"{layer.name}_reduce"] = (0.0, max(high, width * LEAST_BOTTLENECK) if high > 0 else width)
        pooled = f"{graph.transitions[block].name}_pool" if block < len(graph.transitions) else "head_mean"
        if pooled in measured:  # a head that makes a class-activation map averages that instead
            found[pooled] = _pooled(affine(readers(scaled, block)[-1]), measured[pooled], width)
    return found


def scaled_means(graph: Graph, measured: Measured, scalings: Sequence[BlockScaling]) -> dict[str, Array]:
    """The mean output [C] of every convolution of the scaled form of the plain `graph`, before any ReLU."""
    found: dict[str, Array] = {}
    for block, scaling in enumerate(scalings):
        start = 0
        for name in writer_names(graph, block):
            mean = measured[name].mean
            part = slice(start, start := start + mean.size)
            found[name] = scaling.factor[part] * mean + scaling.offset[part]
        for layer, factor in zip(graph.blocks[block], scaling.bottlenecks, strict=True):
            found[f"{layer.name}_reduce"] = factor * measured[f"{layer.name}_reduce"].mean
    stem = measured["stem_conv"].mean
    found["stem_conv"] = stem * (scalings[0].factor[: stem.size] if scalings[0].stem is None else scalings[0].stem)
    return found


def _pooled(before: Affine, seen: ChannelRange, width: float) -> Range:
    """The range of a mean over max(x, T), where that of the mean over relu(s · x + t) = s · max(x, T) + t was seen."""
    live = before.scale > 0
    if not live.any():
        return 0.0, width
    low, high = ((values[live] - before.shift[live]) / before.scale[live] for values in (seen.low, seen.high))
    return float(np.clip(low.min(), 0, width)), float(np.clip(high.max(), 0, width))
