"""Choose the channels to keep so that a network costs no more than it may."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hemotk.artifacts import CostTable
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.cost import Array, MacCosts, MeasuredCosts, Move, PricedNetwork, Widths
from hemotk.pruning.channels.groups import groups, with_widths
from hemotk.pruning.channels.importance import ChannelScores
from hemotk.pruning.channels.keep import KeepSet


@dataclass(frozen=True)
class Allowed:
    """The widths that a network may take: multiples of `multiple`, at least `smallest`, or those it has.

    With `drop` a dense layer may also vanish, as long as one of them all stays.
    """

    multiple: int = 8
    smallest: int = 8
    drop: bool = False

    def __post_init__(self) -> None:
        for name, value in (("multiple", self.multiple), ("smallest", self.smallest)):
            if value < 1:
                raise HemotkError(f"{name}: is {value}, but widths are counted in channels; give at least 1.")

    def below(self, width: int) -> int:
        """The next smaller width, or `width` if there is none."""
        below = (width - 1) // self.multiple * self.multiple
        return below if below >= self.smallest else width

    def least(self, width: int) -> int:
        """The width at which `below` ends."""
        return min(width, math.ceil(self.smallest / self.multiple) * self.multiple)


# Chunks that a group may give up at once where costs are measured: kernels work on so many channels together that one
# chunk alone may save nothing.
REACH = 2


def choose(  # noqa: PLR0917 - two settings with a default
    shape: DenseNetShape,
    scores: ChannelScores,
    size: int,
    macs_to_keep: float,
    allowed: Allowed = Allowed(),
    table: CostTable | None = None,
) -> KeepSet:
    """Remove the least important channels until at most `macs_to_keep` of the network's MACs at `size` are left.

    `macs_to_keep` is a share of `shape.macs(size)`, above 0 and below 1. Channels go in chunks, each of which brings a
    width down to the next multiple of `allowed.multiple`; the next chunk is always the one that loses least per
    multiply-accumulate that it saves as the network is by then. A chunk that takes a group's score from a to b, of s at
    first, loses s · ln(a / b): about its own score at first, more the less is left, so that no group is emptied only
    because its channels cost much. With `allowed.drop` a whole dense layer is a chunk, too: it loses the layer's score,
    however many of its channels are gone by then. With a `table`, that chunk goes, or those two chunks of one group,
    that lose least per nanosecond saved; the budget is still one of multiply-accumulates. The first network within the
    budget is returned, so what a smaller budget keeps is part of what a larger one keeps.

    A width stays at least `allowed.smallest`; one that is no multiple stays so unless a chunk is taken from it, and one
    with no multiple below it that is at least `smallest` is not touched. Ties go to the chunk that saves more, then to
    the earlier group, within a group to the higher channel.

    Raises:
        HemotkError: scores or numbers do not fit, the network is already within the budget, or it cannot be met.
    """
    scores.check(shape)
    budget = macs_budget(shape, size, macs_to_keep, allowed)
    costs = MacCosts(size, shape.hidden) if table is None else MeasuredCosts(table, len(shape.blocks))
    greedy = _Greedy(PricedNetwork(shape, costs), scores, allowed, 1 if table is None else REACH)
    widths = greedy.widths
    while with_widths(shape, widths.tolist()).macs(size) > budget:
        greedy.step()
    return _keep(widths, shape, scores)


def macs_budget(shape: DenseNetShape, size: int, macs_to_keep: float, allowed: Allowed = Allowed()) -> int:
    """The multiply-accumulates that `choose` may leave, whatever the scores.

    Raises:
        HemotkError: numbers do not fit, the network is already within the budget, or it cannot be met.
    """
    if size < shape.smallest_input():
        raise HemotkError(f"size: {size} is too small for this network; give at least {shape.smallest_input()}.")
    if not 0 < macs_to_keep < math.inf:
        raise HemotkError(f"macs: {macs_to_keep:g} is no share of the network to keep; give one above 0 and below 1.")
    now = shape.macs(size)
    if macs_to_keep >= 1:
        raise HemotkError(
            f"macs: the network has {now:,} multiply-accumulates and may have {macs_to_keep:.4g} times as many, so "
            "there is nothing to cut; ask for a smaller share."
        )
    budget = math.floor(macs_to_keep * now * (1 + 1e-12))  # a share that is a quotient of counts rounds to its count
    least = _least(shape, size, allowed)
    if least == now:
        raise HemotkError(
            f"macs: no width of this network can become a smaller multiple of {allowed.multiple} that is at least "
            f"{allowed.smallest}, so there is nothing to cut; allow smaller multiples or smaller widths."
        )
    if least > budget:
        rest = " and one dense layer" if allowed.drop else ""
        raise HemotkError(
            f"macs: a share of {macs_to_keep:.4g} cannot be reached with widths of at least {allowed.smallest} in "
            f"multiples of {allowed.multiple}{rest}: {math.ceil(least / now * 1e4) / 1e4:.4f} is the smallest; ask for "
            "that or more, or allow smaller widths."
        )
    return budget


def least_share(shape: DenseNetShape, size: int, allowed: Allowed = Allowed()) -> float:
    """The smallest `macs_to_keep` that `choose` can meet whatever the scores; 1 where there is nothing to cut."""
    return _least(shape, size, allowed) / shape.macs(size)


def _keep(widths: Widths, shape: DenseNetShape, scores: ChannelScores) -> KeepSet:
    """The channels of the highest scores, so many of each group."""
    orders = [np.lexsort((-np.arange(value.size), value)) for value in scores.values]
    return KeepSet.of(shape, [order[order.size - width :] for order, width in zip(orders, widths, strict=True)])


class _Greedy:
    """Takes away one chunk after the other, the cheapest first; `widths` are what is left."""

    def __init__(self, network: PricedNetwork, scores: ChannelScores, allowed: Allowed, reach: int) -> None:
        self._network, self._allowed, self._reach = network, allowed, reach
        self._kept = tuple(np.concatenate(([0.0], np.cumsum(np.sort(value)[::-1]))) for value in scores.values)
        whole = scores.layers if scores.layers.size else np.zeros(len(network.layers))
        self._layers = {
            bottleneck: max(float(score), float(self._kept[growth][-1]))
            for (bottleneck, growth), score in zip(network.layers, whole, strict=True)
        }
        self._saved: dict[int, dict[Move, float]] = {}  # by block, for a move changes one block or two
        self.widths = network.widths.copy()

    def step(self) -> None:
        """Take the cheapest chunk away; there must be one."""
        network, widths = self._network, self.widths
        moves = list(self._moves())
        for block in set(range(len(network.spans))) - self._saved.keys():
            self._saved[block] = network.saved(block, widths, moves)
        gain = np.array([sum(self._saved[block][move] for block in network.blocks_of(move)) for move in moves])
        lost = [self._layers[move.groups[0]] if move.drops else _lost(self._kept, widths, move) for move in moves]
        price = np.divide(lost, gain, out=np.full(len(moves), np.inf), where=gain > 0)
        best = moves[int(np.lexsort((-gain, price))[0])]
        for group, width in zip(best.groups, best.widths, strict=True):
            widths[group] = width
        for block in network.blocks_of(best):
            del self._saved[block]

    def _moves(self) -> Iterator[Move]:
        """Every chunk that may go: of each group in order, then every layer if they may vanish."""
        for group, width in enumerate(self.widths.tolist()):
            last = width
            for _ in range(self._reach):
                if (below := self._allowed.below(last)) < last:
                    yield Move((group,), (below,))
                last = below
        there = [layer for layer in self._network.layers if self.widths[layer[0]] > 0]
        if self._allowed.drop and len(there) > 1:
            for layer in there:
                yield Move(layer, (0, 0))


def _lost(kept: tuple[Array, ...], widths: Widths, move: Move) -> float:
    """s · ln(a / b), see `choose`; `kept` is the score that every group keeps at every width."""
    mine = kept[move.groups[0]]
    before, after = mine[widths[move.groups[0]]], mine[move.widths[0]]
    return float(mine[-1] * (math.log(before) - math.log(after))) if after > 0 else 0.0


def _least(shape: DenseNetShape, size: int, allowed: Allowed) -> int:
    """The multiply-accumulates of the smallest network that the widths allow; of the largest, if one layer stays."""
    widths = [allowed.least(group.width) for group in groups(shape)]
    if not allowed.drop:
        return with_widths(shape, widths).macs(size)
    layers = PricedNetwork(shape, MacCosts(size)).layers
    empty = [0 if any(place in layer for layer in layers) else width for place, width in enumerate(widths)]
    return max(
        with_widths(shape, [width if place in stays else empty[place] for place, width in enumerate(widths)]).macs(size)
        for stays in layers
    )
