"""The statistics of paired comparisons; numpy and the standard library only, repeatable to the last bit."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Estimate
from hemotk.stats.metrics import wilson

DRAWS = 1000
SEED = 0
LEVELS = (0.025, 0.975)
BOOTSTRAP_ROUNDS = "bootstrap over rounds, 95 %"
BOOTSTRAP_IMAGES = "paired bootstrap, stratified by label, and Wilson limit of what no pair of images showed, 95 %"
BOOTSTRAP_DROP = "paired bootstrap, and Wilson limit of what no image showed, 95 %"
BOOTSTRAP_GROUPS_DROP = "paired bootstrap over groups, and Wilson limit of what no group showed, 95 %"
BOOTSTRAP_GROUPS = "paired bootstrap over groups, and Wilson limit of what no pair of groups showed, 95 %"


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


def mcnemar_by_group(change: ArrayLike, groups: ArrayLike) -> float:
    """Exact two-sided p-value of McNemar's question over groups of images.

    `change` [n] is 1 for an image that was lost, -1 for one gained, else 0; `groups` [n] says of each image what group
    it is of. If parent and variant are as good as each other, all changes of one group may as well have the other sign:
    the p-value is the share of all such turns in which lost − gained is as far from 0 as it was found to be (Fisher's
    randomization test with whole-block sign flips, as in Winkler et al., NeuroImage 123 (2015), 253–268). Turns are
    counted, not drawn. With groups of one image it is `mcnemar`.
    """
    place = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    sums = np.rint(np.bincount(place, np.asarray(change, np.float64))).astype(np.intp)
    reach = int(np.abs(sums).sum())
    chances = np.ones(1)
    for size in np.abs(sums[sums != 0]).tolist():
        turned = np.zeros(len(chances) + 2 * size)
        turned[: len(chances)] += chances / 2
        turned[2 * size :] += chances / 2
        chances = turned
    far = np.abs(np.arange(-reach, reach + 1)) >= abs(int(sums.sum()))
    return min(1.0, float(chances[far].sum()))


def share_drop(parent: ArrayLike, variant: ArrayLike, groups: ArrayLike | None, why: str = "no image") -> Estimate:
    """The share of images that `parent` gets right − that of `variant`, both bool [n] on the same images.

    Whole `groups` [n] are drawn again, single images where they are None, and room is left for what no group showed, as
    in `auc_difference`: without a changed decision the interval is that wide. No value, but `why`, if n is 0.
    """
    change = np.asarray(parent, np.intp) - np.asarray(variant, np.intp)
    method = BOOTSTRAP_DROP if groups is None else BOOTSTRAP_GROUPS_DROP
    if not len(change):
        return Estimate(None, method=method, why=why)
    place = np.arange(len(change)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    images, changes = np.bincount(place), np.bincount(place, change)
    # Groups of the same images and changes are drawn as one kind: single images are of three.
    kinds, counts = np.unique(np.stack([images, changes]), axis=1, return_counts=True)

    def draw(random: np.random.Generator) -> float:
        times = random.multinomial(len(images), counts / len(images))
        return float(times @ kinds[1] / (times @ kinds[0]))

    return _widened(_bootstrap(float(change.mean()), draw, method), wilson(0, len(images)))


def median_of_rounds(rounds: Sequence[Sequence[int]]) -> Estimate:
    """Median of all samples of the `rounds`, in their unit; whole rounds are resampled, and one has no interval."""
    value = float(np.median(np.concatenate(rounds)))
    if len(rounds) < 2:
        return Estimate(value, method="one round has no interval")
    median = _MedianOfRounds(rounds)

    def draw(random: np.random.Generator) -> float:
        return median(np.bincount(random.integers(len(rounds), size=len(rounds)), minlength=len(rounds)))

    return _bootstrap(value, draw, BOOTSTRAP_ROUNDS)


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


def auc_difference(
    labels: ArrayLike, variant: ArrayLike, parent: ArrayLike, groups: ArrayLike | None = None
) -> Estimate:
    """AUC of `variant` − AUC of `parent`, scores of the same images; no value with one class only.

    The bootstrap knows the images that it draws from and no others: with both AUCs at 1 its interval would be a point.
    Disjoint pairs of a positive and a negative image are as many independent witnesses as the smaller class has images
    (Hoeffding 1963, section 5), and what none of k witnesses showed may be as frequent as the Wilson limit of 0 of k.
    In such pairs the difference may be anything from −1 to 1: the interval is at least that wide.

    `groups` [n] says of each image what group it is of. Then whole groups are drawn again (Field & Welsh 2007, the
    cluster bootstrap), those with and without a positive image apart, and pairs are of groups.
    """
    truth = np.asarray(labels, bool)
    method = BOOTSTRAP_IMAGES if groups is None else BOOTSTRAP_GROUPS
    place = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    positive, negative = (np.unique(place[chosen]) for chosen in (truth, ~truth))
    if not (len(positive) and len(negative)):
        return Estimate(None, method=method, why="the AUC needs images of both classes")
    strata = [stratum for stratum in (positive, np.setdiff1d(negative, positive)) if len(stratum)]
    ours, theirs = _WeightedAuc(truth, variant), _WeightedAuc(truth, parent)

    def draw(random: np.random.Generator) -> float:
        drawn = np.concatenate([random.choice(stratum, len(stratum)) for stratum in strata])
        times = np.bincount(drawn, minlength=len(truth))[place]
        return ours(times) - theirs(times)

    once = np.ones(len(truth), np.intp)
    difference = _bootstrap(ours(once) - theirs(once), draw, method)
    return _widened(difference, wilson(0, min(len(positive), len(negative))))


def _widened(estimate: Estimate, unseen: Estimate) -> Estimate:
    """Leave room for a share of `unseen` pairs whose difference may be anything from −1 to 1."""
    if estimate.value is None or estimate.low is None or estimate.high is None or unseen.high is None:
        return estimate
    low, high = estimate.value - unseen.high * (1 + estimate.value), estimate.value + unseen.high * (1 - estimate.value)
    return dataclasses.replace(estimate, low=min(estimate.low, low), high=max(estimate.high, high))


def share_bounds(mean: float, count: int) -> tuple[float, float]:
    """A 95 % interval of the expectation of any quantity in [0, 1] whose `count` independent values have that mean.

    All θ with count · KL(mean ‖ θ) ≤ ln(2 / 0.05), KL between two Bernoulli distributions: Hoeffding (1963), theorem
    1, both tails. It holds for every distribution on [0, 1] and keeps its width at 0 and 1.
    """
    limit = math.log(2 / 0.05) / count

    def beyond(theta: float) -> bool:
        return _divergence(mean, theta) > limit

    return _edge(beyond, 0.0, mean), _edge(beyond, 1.0, mean)


def _divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of Bernoulli(q) from Bernoulli(p), in nats."""
    terms = ((p, q), (1 - p, 1 - q))
    if any(a > 0 and b <= 0 for a, b in terms):
        return math.inf
    return sum(a * math.log(a / b) for a, b in terms if a > 0)


def _edge(beyond: Callable[[float], bool], outside: float, inside: float) -> float:
    """Bisect to where `beyond` begins to hold on the way from `inside` to `outside`; `outside` if it never does."""
    if not beyond(outside):
        return outside
    for _ in range(60):
        middle = (outside + inside) / 2
        if beyond(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _bootstrap(value: float, draw: Callable[[np.random.Generator], float], method: str) -> Estimate:
    """The percentile interval of those of `DRAWS` draws that have a value, widened to hold `value` itself."""
    random = np.random.default_rng(SEED)
    drawn = np.array([draw(random) for _ in range(DRAWS)])
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, LEVELS) if len(known) else (value, value)
    return Estimate(value, min(float(low), value), max(float(high), value), method)


class _WeightedAuc:
    """The AUC where each image counts so many times, NaN without one class; sorts once, not once per draw."""

    def __init__(self, truth: NDArray[np.bool_], scores: ArrayLike) -> None:
        self._truth = truth
        self._place = np.unique(np.asarray(scores, np.float64), return_inverse=True)[1].reshape(-1)

    def __call__(self, times: NDArray[np.intp]) -> float:
        positives, negatives = (
            np.bincount(self._place, np.where(chosen, times, 0)) for chosen in (self._truth, ~self._truth)
        )
        below = np.cumsum(negatives) - negatives / 2
        pairs = positives.sum() * negatives.sum()
        return float(positives @ below / pairs) if pairs else math.nan


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
