"""What a network costs, part by part, and what each way of making it smaller saves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hemotk.artifacts import CostTable, PartCost, PartKind
from hemotk.models.shape import LAYER_KERNEL, STEM_KERNEL, DenseNetShape
from hemotk.pruning.channels.groups import groups

Array = npt.NDArray[np.float64]
Widths = npt.NDArray[np.int64]


class Costs(Protocol):
    """The cost of each part of a network, in one unit; arguments are arrays that broadcast, and so is the result."""

    def stem(self, width: Widths) -> Array:
        """The convolution that makes `width` channels of the picture."""

    def layer(self, block: int, entering: Widths, bottleneck: Widths, growth: Widths) -> Array:
        """A dense layer of `block`; 0 where there is none, of widths 0."""

    def transition(self, block: int, entering: Widths, leaving: Widths) -> Array:
        """What comes between `block` and the next."""

    def head(self, entering: Widths) -> Array:
        """What comes behind the last block."""


@dataclass(frozen=True)
class MacCosts:
    """Multiply-accumulates for pictures of `size`: together just `shape.macs(size)`, since they are below 2^53."""

    size: int
    hidden: tuple[int, ...] = ()

    def stem(self, width: Widths) -> Array:
        """See `Costs`."""
        return np.asarray(STEM_KERNEL**2 * self._area(-1) * width, np.float64)

    def layer(self, block: int, entering: Widths, bottleneck: Widths, growth: Widths) -> Array:
        """See `Costs`."""
        macs = self._area(block) * bottleneck * (entering + LAYER_KERNEL**2 * growth)
        return np.asarray(macs, np.float64)

    def transition(self, block: int, entering: Widths, leaving: Widths) -> Array:
        """See `Costs`."""
        return np.asarray(self._area(block) * entering * leaving, np.float64)

    def head(self, entering: Widths) -> Array:
        """See `Costs`."""
        widths = (*self.hidden, 1)
        behind = sum(before * after for before, after in pairwise(widths))
        return np.asarray(entering * widths[0] + behind, np.float64)

    def _area(self, block: int) -> int:
        """The pixels of one channel of a block, counted from 0; -1 is what the stem's convolution makes."""
        side = (self.size + 1) // 2
        return (side if block < 0 else (side + 1) // 2 // 2**block) ** 2


@dataclass(frozen=True)
class MeasuredCosts:
    """Nanoseconds or instructions of int8 parts, from a table; widths between those of the table are interpolated.

    Raises:
        KeyError: the table lacks the part that is asked for, which the message names.
    """

    table: CostTable
    blocks: int

    def stem(self, width: Widths) -> Array:
        """See `Costs`."""
        return self._of("stem", self.table.size, 0, width)

    def layer(self, block: int, entering: Widths, bottleneck: Widths, growth: Widths) -> Array:
        """See `Costs`."""
        side = self._side(block)
        time = self._of("handover", side, 0) + self._of("act", side, entering)
        time = time + self._of("reduce", side, entering, bottleneck) + self._of("expand", side, bottleneck, growth)
        return np.where(growth > 0, time + self._of("copy", side, entering + growth), 0.0)

    def transition(self, block: int, entering: Widths, leaving: Widths) -> Array:
        """See `Costs`."""
        side = self._side(block)
        before = self._of("handover", side, 0) + self._of("act", side, entering) + self._of("pool", side, entering)
        return np.asarray(before + self._of("reduce", self._side(block + 1), entering, leaving))

    def head(self, entering: Widths) -> Array:
        """See `Costs`."""
        side = self._side(self.blocks - 1)
        time = self._of("handover", side, 0) + self._of("act", side, entering) + self._of("head", side, entering)
        return np.asarray(time)

    def _side(self, block: int) -> int:
        """Height and width of a block, counted from 0."""
        return ((self.table.size + 1) // 2 + 1) // 2 // 2**block

    def _of(self, part: PartKind, side: int, channels: Widths | int, out: Widths | int = 0) -> Array:
        """What a part takes; it grows beyond the widest of the table as it did before."""
        if (part, side) not in self._rows:
            raise KeyError(f"a '{part}' of {side}×{side}")
        outs, fixed, slope = self._rows[part, side]
        return _line(outs, fixed, out) + _line(outs, slope, out) * channels

    @cached_property
    def _rows(self) -> dict[tuple[PartKind, int], tuple[Array, Array, Array]]:
        """By kind and side: the widths, and the fixed and the other time at each."""
        found: dict[tuple[PartKind, int], list[PartCost]] = {}
        for part in sorted(self.table.parts, key=lambda part: part.out):
            found.setdefault((part.part, part.side), []).append(part)
        return {
            place: (
                np.array([part.out for part in parts], float),
                np.array([part.fixed for part in parts]),
                np.array([part.per_channel for part in parts]),
            )
            for place, parts in found.items()
        }


def _line(places: Array, values: Array, at: Widths | int) -> Array:
    """Linear between the places, and beyond the last as between the last two; below the first as there."""
    inside = np.interp(at, places, values)
    if places.size < 2:
        return np.asarray(inside)
    slope = max(float(values[-1] - values[-2]) / float(places[-1] - places[-2]), 0.0)
    return np.asarray(inside + slope * np.maximum(np.asarray(at) - places[-1], 0))


@dataclass(frozen=True)
class Move:
    """One way to make a network smaller: the `groups` that change, by their place in `groups(shape)`, get `widths`."""

    groups: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def drops(self) -> bool:
        """Whether a whole layer goes."""
        return self.widths[0] == 0


class PricedNetwork:
    """The groups of a network by blocks, and what it costs at any widths: an array in the order of `groups(shape)`.

    A layer of widths 0 is not there.
    """

    def __init__(self, shape: DenseNetShape, costs: Costs) -> None:
        self._costs = costs
        self._last = len(shape.blocks) - 1
        self.widths = np.array([group.width for group in groups(shape)], np.int64)
        # The groups of a block: what enters it, two of each layer, the transition behind it.
        self.spans: list[slice] = []
        start = 0
        for block, layers in enumerate(shape.blocks):
            stop = start + 1 + 2 * len(layers)
            self.spans.append(slice(start, stop + (block < self._last)))
            start = stop
        kinds = [group.kind for group in groups(shape)]
        self.layers = tuple((place, place + 1) for place, kind in enumerate(kinds) if kind == "bottleneck")

    def total(self, widths: Widths) -> float:
        """The cost of the whole network."""
        blocks = sum(float(self._block(block, widths[None, span])[0]) for block, span in enumerate(self.spans))
        return float(self._costs.stem(widths[:1])[0]) + blocks

    def blocks_of(self, move: Move) -> list[int]:
        """The blocks whose cost a move changes."""
        return [block for block, span in enumerate(self.spans) if _touches(move, span)]

    def saved(self, block: int, widths: Widths, moves: Sequence[Move]) -> dict[Move, float]:
        """How much less a block costs, the stem counted with the first, after each move that changes it."""
        span = self.spans[block]
        touching = [move for move in moves if _touches(move, span)]
        rows = np.repeat(widths[None, span], len(touching) + 1, axis=0)
        for row, move in zip(rows[1:], touching, strict=True):
            for group, width in zip(move.groups, move.widths, strict=True):
                if group < span.stop:
                    row[group - span.start] = width
        costs = self._block(block, rows)
        if block == 0:
            costs = costs + self._costs.stem(rows[:, 0])
        return dict(zip(touching, (costs[0] - costs[1:]).tolist(), strict=True))

    def _block(self, block: int, rows: Widths) -> Array:
        """The cost of a block and of what follows it, for widths [n, groups of the block]."""
        inside = rows[:, 1:] if block == self._last else rows[:, 1:-1]
        bottleneck, growth = inside[:, ::2], inside[:, 1::2]
        made = rows[:, :1] + np.cumsum(growth, axis=1)
        cost = self._costs.layer(block, made - growth, bottleneck, growth).sum(axis=1)
        leaving = rows[:, 0] + growth.sum(axis=1)
        behind = (
            self._costs.head(leaving) if block == self._last else self._costs.transition(block, leaving, rows[:, -1])
        )
        return np.asarray(cost + behind)


def _touches(move: Move, span: slice) -> bool:
    """Whether it changes the block; the two groups of a layer lie in the same one."""
    return bool(span.start <= move.groups[0] < span.stop)


def table_total(table: CostTable, shape: DenseNetShape) -> float:
    """What the whole network takes by the table, in its unit.

    Raises:
        KeyError: the table lacks a part of the network, which the message names.
    """
    network = PricedNetwork(shape, MeasuredCosts(table, len(shape.blocks)))
    return network.total(network.widths)
