"""The share of multiply-accumulates at which a network is as fast as asked for, by measuring or by a table."""

from collections.abc import Callable
from dataclasses import dataclass

from hemotk.artifacts import CostTable
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.budget import Allowed, choose, least_share
from hemotk.pruning.channels.cost import table_total
from hemotk.pruning.channels.importance import ChannelScores
from hemotk.pruning.channels.surgery import cut_shape

# The latency of a network as a share of that of the unpruned one; it depends on the shape alone.
LatencyRatio = Callable[[DenseNetShape], float]


@dataclass(frozen=True)
class CountedRatio:
    """A `LatencyRatio` by a table of counted instructions, of int8: what it was counted for cannot be timed here."""

    table: CostTable
    parent: DenseNetShape

    def __call__(self, shape: DenseNetShape) -> float:
        """The instructions of a network of `shape` as a share of the parent's."""
        return table_total(self.table, shape) / table_total(self.table, self.parent)


TRIALS = 8
# A ratio from CLOSE × target to the target ends the search. It aims at the middle: aimed at the target itself, a curve
# that bends one way would be approached from the slow side for ever.
CLOSE = 0.95
AIM = (1 + CLOSE) / 2


@dataclass(frozen=True)
class FoundShare:
    """A share of multiply-accumulates and the latency ratio that was measured there."""

    macs: float
    ratio: float


@dataclass(frozen=True)
class LatencySearch:
    """The network to cut, and what `choose` needs for it but the budget."""

    shape: DenseNetShape
    scores: ChannelScores
    size: int
    allowed: Allowed
    table: CostTable | None = None

    @property
    def least(self) -> float:
        """The smallest share that the widths allow."""
        return least_share(self.shape, self.size, self.allowed)

    def within(self, share: float) -> DenseNetShape | None:
        """The network that `share` of the multiply-accumulates leaves; None where the widths do not allow it."""
        try:
            keep = choose(self.shape, self.scores, self.size, share, self.allowed, self.table)
        except HemotkError:
            return None
        return cut_shape(self.shape, keep)


def find_share(choice: LatencySearch, target: float, measure: LatencyRatio) -> FoundShare:
    """The largest share of the network's multiply-accumulates found whose latency ratio is at most `target`.

    At most `TRIALS` shares are measured, each between one that is too slow and one that is fast enough; it ends
    within 5 % below the target. A share that widths do not allow counts as fast enough, but cannot be the result. If
    none is found, the smallest network that the widths allow is measured.

    Raises:
        HemotkError: nothing that the widths allow is fast enough.
    """
    low, high, at_low, at_high = 0.0, 1.0, 0.0, measure(choice.shape)
    if at_high <= target:
        return FoundShare(1.0, at_high)
    best: FoundShare | None = None
    fastest = at_high
    for _ in range(TRIALS):
        share = _between(low, high, at_low, at_high, AIM * target)
        candidate = choice.within(share)
        ratio = None if candidate is None else measure(candidate)
        if ratio is not None and ratio > target:
            high, at_high, fastest = share, ratio, min(fastest, ratio)
            continue
        low, at_low = share, 0.0 if ratio is None else ratio
        if ratio is not None:
            best = FoundShare(share, ratio)
            if ratio >= CLOSE * target:
                break
    if best is not None:
        return best
    smallest = choice.within(choice.least)
    if smallest is not None:
        ratio = measure(smallest)
        if ratio <= target:
            return FoundShare(choice.least, ratio)
        fastest = min(fastest, ratio)
    raise HemotkError(
        f"‹target_latency_ratio› {target:g}: no widths that are allowed reach it, the fastest measured takes "
        f"{fastest:.3f} of the latency; ask for more, or allow smaller widths with ‹multiple›."
    )


def _between(low: float, high: float, at_low: float, at_high: float, target: float) -> float:
    """The share where a straight line between both meets `target`, no nearer to either than a fifth of the way."""
    at = (target - at_low) / max(at_high - at_low, 1e-9)
    return low + (high - low) * min(max(at, 0.2), 0.8)
