"""The operating point of a series: how many slices count, and the threshold, both chosen on the validation part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Metrics, SeriesPoint, SplitManifest
from hemotk.data.series import choose_k, series_score
from hemotk.render.numbers import with_interval
from hemotk.stats.metrics import calibrated, evaluate
from hemotk.training.operating_point import OperatingConfig, OperatingPoint, find_threshold

# The least number of series of each kind. With fewer, the AUC has less than 25 pairs to rank, and one series moves a
# share by more than a fifth.
LEAST_SERIES = 5


@dataclass(frozen=True)
class _Slices:
    """The slices of the validation series: probabilities [n], labels [n] and the series of each."""

    probabilities: NDArray[np.float64]
    labels: Sequence[int]
    series: Sequence[str]


def with_series_point(
    point: OperatingPoint, split: SplitManifest, logits: ArrayLike, config: OperatingConfig
) -> OperatingPoint:
    """`point` with what is chosen on the series of the validation part, whose `logits` are float [n] in its order.

    A series is a patient's group of several slices, with hemorrhage where one of them has; a group that near duplicates
    joined is of more than a patient and left out. `k` is that of `choose_k`. The slices' threshold does not carry over,
    as the highest of many slices are high by chance as well: the series' own is chosen by the rule of `config`,
    Youden's where that is fixed. Nothing is chosen without series, or with fewer than `LEAST_SERIES` of a kind; in the
    second case a note says so.
    """
    slices = _slices(split, logits, point.temperature)
    positives = {name for name, label in zip(slices.series, slices.labels, strict=True) if label}
    count, positive = len(set(slices.series)), len(positives)
    if not count:
        return point
    if min(positive, count - positive) < LEAST_SERIES:
        note = (
            f"No number of slices chosen for the verdict on a series: the validation part has {positive} series with "
            f"'{split.classes[1]}' and {count - positive} without, {LEAST_SERIES} of each are needed."
        )
        return replace(point, notes=(*point.notes, note))
    series, reached = _choose(slices, config)
    return replace(point, series=series, notes=(*point.notes, _note(series, reached, config)))


def _slices(split: SplitManifest, logits: ArrayLike, temperature: float) -> _Slices:
    names = {group.name for group in split.groups if "patient" in group.reasons and "near" not in group.reasons}
    items = split.part("validation")
    kept = np.array([item.group in names for item in items], bool)
    chosen = [item for item, keep in zip(items, kept, strict=True) if keep]
    return _Slices(
        calibrated(np.asarray(logits)[kept], temperature),
        [item.label for item in chosen],
        [item.group for item in chosen],
    )


def _choose(slices: _Slices, config: OperatingConfig) -> tuple[SeriesPoint, Metrics]:
    """The point, and what it reaches on the series that it is chosen on."""
    k = choose_k(slices.probabilities.tolist(), slices.labels, slices.series)
    place = np.unique(slices.series, return_inverse=True)[1].reshape(-1)
    truth = np.bincount(place, slices.labels) > 0
    scores = np.array([series_score(slices.probabilities[place == one], k) for one in range(len(truth))])
    with np.errstate(divide="ignore"):
        log_odds = np.clip(np.log(scores) - np.log1p(-scores), -40, 40)
    threshold = find_threshold(truth, log_odds, config.min_sensitivity if config.rule == "sensitivity" else None)
    return SeriesPoint(k, threshold), evaluate(truth, log_odds, threshold)


def _note(series: SeriesPoint, reached: Metrics, config: OperatingConfig) -> str:
    rule, missed = "greatest Youden index", ""
    if config.rule == "sensitivity":
        rule = f"greatest specificity at a sensitivity of at least {config.min_sensitivity:g}"
        if (reached.sensitivity.value or 0.0) < config.min_sensitivity - 1e-9:
            missed = " No threshold reached that sensitivity."
    return (
        f"Series: the mean of the {series.k} highest slices (greatest AUC) at a threshold of {series.threshold:.6g} "
        f"({rule}), chosen on the {reached.count} validation series ({reached.positives} of class 1), there AUC "
        f"{with_interval(reached.auc)}, sensitivity {with_interval(reached.sensitivity)}, specificity "
        f"{with_interval(reached.specificity)}.{missed} Figures of the series that it was chosen on flatter it."
    )
