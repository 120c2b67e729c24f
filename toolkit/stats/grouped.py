"""Shares and AUC of images that come in groups, such as slices of patients: intervals that count groups, not images."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Estimate, GroupMetrics
from hemotk.stats.metrics import auc_estimate, wilson

DRAWS = 1000
SEED = 0
GROUPS = "bootstrap over groups, and Wilson limit of what no group showed, 95 %"


def evaluate_groups(labels: ArrayLike, called: ArrayLike, scores: ArrayLike, groups: ArrayLike) -> GroupMetrics:
    """Judge decisions `called` (bool [n]) and `scores` (float [n]) against `labels` (0 or 1, [n]).

    `groups` [n] names the group of each image. Where each image is a group of its own the intervals are Wilson's and
    Newcombe's, as of `hemotk.stats.metrics.evaluate`. Otherwise whole groups are drawn again (Field & Welsh 2007, the
    cluster bootstrap), and room is left for what none of so few groups showed: the bootstrap knows no others, and its
    interval would be a point at 0 and 1.
    """
    truth, decided = np.asarray(labels, bool), np.asarray(called, bool)
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    place = place.reshape(-1)
    right = decided == truth
    if len(names) == len(truth):
        place = np.arange(len(truth))
    return GroupMetrics(
        groups=len(names),
        accuracy=share(right, place),
        sensitivity=share(right[truth], place[truth], "no image with label 1"),
        specificity=share(right[~truth], place[~truth], "no image with label 0"),
        auc=_auc(truth, np.asarray(scores, np.float64), place),
        with_positive=len(np.unique(place[truth])),
        with_negative=len(np.unique(place[~truth])),
    )


def auc_by_group(labels: ArrayLike, scores: ArrayLike, groups: ArrayLike | None) -> Estimate:
    """The AUC of `scores` (float [n]) with an interval over `groups` [n], over images where `groups` is None.

    No value, and says why, with one class only or without an image.
    """
    truth, values = np.asarray(labels, bool), np.asarray(scores, np.float64)
    if groups is None or not len(truth):
        return auc_estimate(truth, values)
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    return _auc(truth, values, np.arange(len(truth)) if len(names) == len(truth) else place.reshape(-1))


def share(right: NDArray[np.bool_], groups: ArrayLike, why: str = "no image") -> Estimate:
    """The share of `right` images (bool [n]), a fraction; `groups` [n] and the interval as in `evaluate_groups`.

    No value, but `why`, if n is 0.
    """
    counts = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    total = np.bincount(counts)
    if len(total) == len(right):
        return wilson(int(right.sum()), len(right), why)
    good = np.bincount(counts, right)

    def draw(random: np.random.Generator) -> float:
        times = np.bincount(random.integers(len(total), size=len(total)), minlength=len(total))
        return float(times @ good / (times @ total))

    return _bootstrap(float(right.mean()), draw, len(total))


def _auc(truth: NDArray[np.bool_], scores: NDArray[np.float64], place: NDArray[np.intp]) -> Estimate:
    """Groups with and without a positive image are drawn apart, so that most draws have both classes."""
    plain = auc_estimate(truth, scores)
    count = int(place.max()) + 1
    if plain.value is None or count == len(truth):
        return plain
    with_positive, with_negative = (np.unique(place[chosen]) for chosen in (truth, ~truth))
    strata = with_positive, np.setdiff1d(np.arange(count), with_positive)
    rank = np.unique(scores, return_inverse=True)[1].reshape(-1)

    def draw(random: np.random.Generator) -> float:
        drawn = np.concatenate([random.choice(stratum, len(stratum)) for stratum in strata if len(stratum)])
        times = np.bincount(drawn, minlength=count)[place]
        positives, negatives = (np.bincount(rank, np.where(chosen, times, 0)) for chosen in (truth, ~truth))
        pairs = positives.sum() * negatives.sum()
        below = np.cumsum(negatives) - negatives / 2
        return float(positives @ below / pairs) if pairs else float("nan")

    return _bootstrap(plain.value, draw, min(len(with_positive), len(with_negative)))


def _bootstrap(value: float, draw: Callable[[np.random.Generator], float], witnesses: int) -> Estimate:
    """Percentile interval of the draws that have a value, with room for what none of the `witnesses` showed."""
    random = np.random.default_rng(SEED)
    drawn = np.array([draw(random) for _ in range(DRAWS)])
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (value, value)
    unseen = wilson(0, witnesses).high or 0.0
    return Estimate(
        value, min(float(low), value * (1 - unseen)), max(float(high), value + unseen * (1 - value)), GROUPS
    )
