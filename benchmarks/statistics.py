"""The statistics of paired comparisons; numpy and the standard library only, repeatable to the last bit."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Estimate
from hemotk.metrics import auc

DRAWS = 1000
SEED = 0
LEVELS = (0.025, 0.975)
BOOTSTRAP_ROUNDS = "bootstrap over rounds, 95 %"
BOOTSTRAP_IMAGES = "paired bootstrap, stratified by label, 95 %"


def percentile(samples: ArrayLike, share: float) -> float:
    """The value that `share` (0 to 1) of `samples` lie below, interpolated linearly."""
    return float(np.quantile(np.asarray(samples, np.float64), share))


def mcnemar(lost: int, gained: int) -> float:
    """Exact two-sided p-value of McNemar's test: `lost` and `gained` discordant pairs are as likely as each other.

    Twice the smaller binomial tail with share 1/2, at most 1 (McNemar 1947; exact form as in Agresti, Categorical
    Data Analysis).
    """
    total = lost + gained
    ways = tail = 1
    for k in range(min(lost, gained)):
        ways = ways * (total - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / 2**total)


def ratio_of_medians(variant: Sequence[Sequence[int]], parent: Sequence[Sequence[int]]) -> Estimate:
    """Median of all `variant` samples over that of all `parent` samples, both as lists of the same rounds.

    Whole rounds are resampled, the same ones for both: what slows a round down slows both in it, and samples of one
    round are no independent witnesses. One round has no interval.
    """
    value = float(np.median(np.concatenate(variant)) / np.median(np.concatenate(parent)))
    rounds = min(len(variant), len(parent))
    if rounds < 2:
        return Estimate(value, method="one round has no interval")
    tops, bottoms = _MedianOfRounds(variant[:rounds]), _MedianOfRounds(parent[:rounds])

    def draw(random: np.random.Generator) -> float:
        times = np.bincount(random.integers(rounds, size=rounds), minlength=rounds)
        return tops(times) / bottoms(times)

    return _bootstrap(value, draw, BOOTSTRAP_ROUNDS)


def auc_difference(labels: ArrayLike, variant: ArrayLike, parent: ArrayLike) -> Estimate:
    """AUC of `variant` − AUC of `parent`, scores of the same images; no value with one class only."""
    truth = np.asarray(labels, bool)
    ours, theirs = np.asarray(variant, np.float64), np.asarray(parent, np.float64)
    groups = np.flatnonzero(truth), np.flatnonzero(~truth)
    if not all(len(group) for group in groups):
        return Estimate(None, method=BOOTSTRAP_IMAGES, why="the AUC needs images of both classes")

    def difference(rows: NDArray[np.intp]) -> float:
        return auc(truth[rows], ours[rows]) - auc(truth[rows], theirs[rows])

    def draw(random: np.random.Generator) -> float:
        return difference(np.concatenate([random.choice(group, len(group)) for group in groups]))

    return _bootstrap(difference(np.arange(len(truth))), draw, BOOTSTRAP_IMAGES)


def _bootstrap(value: float, draw: Callable[[np.random.Generator], float], method: str) -> Estimate:
    """The percentile interval of `DRAWS` draws, widened to hold `value` itself where a small sample leaves it out."""
    random = np.random.default_rng(SEED)
    low, high = np.quantile([draw(random) for _ in range(DRAWS)], LEVELS)
    return Estimate(value, min(float(low), value), max(float(high), value), method)


class _MedianOfRounds:
    """Median of all samples of some rounds, each round counted so many times; sorts once, not once per draw."""

    def __init__(self, rounds: Sequence[Sequence[int]]) -> None:
        samples = np.concatenate(rounds).astype(np.float64)
        order = np.argsort(samples, kind="stable")
        self._samples = samples[order]
        self._round = np.repeat(np.arange(len(rounds)), [len(items) for items in rounds])[order]

    def __call__(self, times: NDArray[np.intp]) -> float:
        reached = np.cumsum(times[self._round])
        middle = reached[-1] / 2
        upper = self._samples[np.searchsorted(reached, middle, side="right")]
        lower = self._samples[np.searchsorted(reached, middle, side="left")]
        return float((lower + upper) / 2)
