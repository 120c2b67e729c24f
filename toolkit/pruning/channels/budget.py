"""Choose the channels to keep so that a network costs no more than it may."""

import math
from dataclasses import dataclass

import numpy as np

from hemotk.errors import HemotkError
from hemotk.models.shape import LAYER_KERNEL, STEM_KERNEL, DenseNetShape
from hemotk.pruning.channels.groups import groups, with_widths
from hemotk.pruning.channels.importance import Array, ChannelScores
from hemotk.pruning.channels.keep import KeepSet


@dataclass(frozen=True)
class _Steps:
    """The widths that a network may take: multiples of `multiple`, at least `smallest`, or those it has."""

    multiple: int
    smallest: int

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


def choose(  # noqa: PLR0917 - two numbers with a default, asked for in the order of their options
    shape: DenseNetShape, scores: ChannelScores, size: int, macs_to_keep: float, multiple: int = 8, smallest: int = 8
) -> KeepSet:
    """Remove the least important channels until at most `macs_to_keep` of the network's MACs at `size` are left.

    `macs_to_keep` is a share of `shape.macs(size)`, above 0 and below 1. Channels go in chunks, each of which brings a
    width down to the next multiple of `multiple`; the next chunk is always the one that loses least per
    multiply-accumulate that it saves as the network is by then. A chunk that takes a group's score from a to b, of s at
    first, loses s · ln(a / b): about its own score at first, more the less is left, so that no group is emptied only
    because its channels cost much. The first network within the budget is returned, so what a smaller budget keeps is
    part of what a larger one keeps.

    A width stays at least `smallest`; one that is no multiple stays so unless a chunk is taken from it, and one with no
    multiple below it that is at least `smallest` is not touched. Ties go to the chunk that saves more, then to the
    earlier group, within a group to the higher channel.

    Raises:
        HemotkError: scores or numbers do not fit, the network is already within the budget, or it cannot be met.
    """
    scores.check(shape)
    budget = macs_budget(shape, size, macs_to_keep, multiple, smallest)
    widths = _widths_within(shape, scores, size, budget, _Steps(multiple, smallest))
    orders = [np.lexsort((-np.arange(value.size), value)) for value in scores.values]
    return KeepSet.of(shape, [order[order.size - width :] for order, width in zip(orders, widths, strict=True)])


def macs_budget(shape: DenseNetShape, size: int, macs_to_keep: float, multiple: int = 8, smallest: int = 8) -> int:
    """The multiply-accumulates that `choose` may leave, whatever the scores.

    Raises:
        HemotkError: numbers do not fit, the network is already within the budget, or it cannot be met.
    """
    steps = _Steps(multiple, smallest)
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
    least = _least(shape, size, steps)
    if least == now:
        raise HemotkError(
            f"macs: no width of this network can become a smaller multiple of {steps.multiple} that is at least "
            f"{steps.smallest}, so there is nothing to cut; allow smaller multiples or smaller widths."
        )
    if least > budget:
        raise HemotkError(
            f"macs: a share of {macs_to_keep:.4g} cannot be reached with widths of at least {steps.smallest} in "
            f"multiples of {steps.multiple}: {math.ceil(least / now * 1e4) / 1e4:.4f} is the smallest; ask for that or "
            "more, or allow smaller widths."
        )
    return budget


def least_share(shape: DenseNetShape, size: int, multiple: int = 8, smallest: int = 8) -> float:
    """The smallest `macs_to_keep` that `choose` can meet; 1 where there is nothing to cut."""
    return _least(shape, size, _Steps(multiple, smallest)) / shape.macs(size)


def macs_per_channel(shape: DenseNetShape, size: int) -> tuple[int, ...]:
    """The multiply-accumulates of one channel of each group, in the order of `groups(shape)`.

    The cost counts the producer and every consumer: `shape.macs(size)` falls by just that without the channel.
    """
    side = (size + 1) // 2
    written = STEM_KERNEL**2 * side**2
    side = (side + 1) // 2
    costs = []
    for b, (block, widths) in enumerate(zip(shape.blocks, shape.widths(), strict=True)):
        area, last = side**2, b == len(shape.transitions)
        after = (*shape.hidden, 1)[0] if last else area * shape.transitions[b]
        read = [after]  # by the layers from the i-th on, and what follows the block
        for layer in reversed(block):
            read.insert(0, read[0] + area * layer.bottleneck)
        costs.append(written + read[0])
        for i, layer in enumerate(block):
            costs.append(area * (widths[i] + LAYER_KERNEL**2 * layer.growth))
            costs.append(area * LAYER_KERNEL**2 * layer.bottleneck + read[i + 1])
        written = area * widths[-1]
        side //= 2
    return tuple(costs)


def _widths_within(shape: DenseNetShape, scores: ChannelScores, size: int, budget: int, steps: _Steps) -> list[int]:
    """The widths of all groups once the cheapest chunks are gone; `budget` must be reachable."""
    kept = [np.concatenate(([0.0], np.cumsum(np.sort(value)[::-1]))) for value in scores.values]  # by width
    widths = [value.size for value in scores.values]
    left = shape.macs(size)
    while left > budget:
        below = [steps.below(width) for width in widths]
        saved = np.subtract(widths, below) * np.array(macs_per_channel(with_widths(shape, widths), size), np.int64)
        lost = [_lost(sums, width, next_) for sums, width, next_ in zip(kept, widths, below, strict=True)]
        price = np.divide(lost, saved, out=np.full(len(widths), np.inf), where=saved > 0)
        best = int(np.lexsort((-saved, price))[0])
        widths[best] = below[best]
        left -= int(saved[best])
    return widths


def _lost(kept: Array, width: int, next_: int) -> float:
    """s · ln(a / b), see `choose`; `kept` is the score that a group keeps at every width."""
    return kept[-1] * (math.log(kept[width]) - math.log(kept[next_])) if kept[next_] > 0 else 0.0


def _least(shape: DenseNetShape, size: int, steps: _Steps) -> int:
    """The multiply-accumulates of the smallest network that the widths allow."""
    return with_widths(shape, [steps.least(group.width) for group in groups(shape)]).macs(size)
