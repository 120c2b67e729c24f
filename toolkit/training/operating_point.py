"""The operating point, where a score becomes a verdict: threshold and temperature, chosen on the validation part.

Nothing is chosen unless asked for: threshold 0.5 and temperature 1 stand. With balanced class weights in the loss 0.5
is where the likelihoods of both classes are equal, which is what Youden's index looks for; a validation part of a
couple of dozen images says less about the best place than that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Metrics, SeriesPoint, SplitManifest, require
from hemotk.errors import HemotkError
from hemotk.render.numbers import with_interval
from hemotk.stats.metrics import evaluate, log_loss, sigmoid

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.25, 8.0

# Thresholds lie between 1e-6 and 1 - 1e-6: beyond that a float32 cannot tell them from 0 and 1.
_FARTHEST = float(np.log(1e6 - 1))

Rule: TypeAlias = Literal["fixed", "youden", "sensitivity"]


@dataclass(frozen=True)
class OperatingConfig:
    """The settings for choosing threshold and temperature.

    `rule` 'fixed' takes `threshold`; 'youden' looks for the greatest sensitivity + specificity − 1 (Youden 1950);
    'sensitivity' for the greatest specificity with a sensitivity of at least `min_sensitivity`. `calibrate` fits the
    temperature before that.
    """

    rule: Rule = "fixed"
    threshold: float = 0.5
    min_sensitivity: float = 0.95
    calibrate: bool = False

    def __post_init__(self) -> None:
        require(0 < self.threshold < 1, "threshold", "above 0 and below 1")
        require(0 < self.min_sensitivity <= 1, "min_sensitivity", "above 0 and at most 1")

    @property
    def chooses(self) -> bool:
        """Whether validation images are needed."""
        return self.calibrate or self.rule != "fixed"


@dataclass(frozen=True)
class OperatingPoint:
    """A probability of `threshold` or more, after the logit was divided by `temperature`, is class 1.

    `series` is the point for a series of slices, None where it was not chosen.
    """

    threshold: float = 0.5
    temperature: float = 1.0
    notes: tuple[str, ...] = ()
    series: SeriesPoint | None = None


def check_choosable(split: SplitManifest, config: OperatingConfig) -> None:
    """Check that the validation part has what the choice needs.

    Raises:
        HemotkError: something is to be chosen, and one class is missing there.
    """
    labels = {item.label for item in split.part("validation")}
    if config.chooses and labels != {0, 1}:
        missing = split.classes[next(iter({0, 1} - labels))]
        raise HemotkError(
            f"validation part: has no image of class '{missing}', so that neither threshold nor temperature can be "
            "chosen on it; use a split that has, or leave ‹threshold› youden, ‹min_sensitivity› and ‹calibrate› out."
        )


def choose_operating_point(labels: ArrayLike, logits: ArrayLike, config: OperatingConfig) -> OperatingPoint:
    """Threshold and temperature for validation `labels` (0 or 1, [n]) and `logits` (float [n]).

    The notes state the choice, with the figures on these images.
    """
    truth, scores = np.asarray(labels, bool), np.asarray(logits, np.float64)
    temperature, notes = _temperature(truth, scores) if config.calibrate else (1.0, ())
    if config.rule == "fixed":
        return OperatingPoint(config.threshold, temperature, notes)
    least = None if config.rule == "youden" else config.min_sensitivity
    threshold = find_threshold(truth, scores / temperature, least)
    return OperatingPoint(
        threshold, temperature, (*notes, _threshold_note(evaluate(truth, scores, threshold, temperature), least))
    )


def fit_temperature(labels: ArrayLike, logits: ArrayLike) -> float:
    """The temperature in [0.25, 8] with the least log-loss of sigmoid(logit / temperature).

    Temperature scaling of Guo et al. 2017 (arXiv 1706.04599). In 1 / temperature the loss is convex, so its derivative
    is bisected. Logits that are all 0 say nothing: 1.
    """
    margins = np.where(np.asarray(labels, bool), 1.0, -1.0) * np.asarray(logits, np.float64)
    if not margins.any():
        return 1.0

    def rising(inverse: float) -> bool:
        return float(np.mean(-margins * sigmoid(-margins * inverse))) > 0

    low, high = 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE
    if rising(low):
        return HIGHEST_TEMPERATURE
    if not rising(high):
        return LOWEST_TEMPERATURE
    return 1 / _bisect(rising, low, high)


def find_threshold(labels: ArrayLike, logits: ArrayLike, min_sensitivity: float | None = None) -> float:
    """The threshold with the greatest Youden index, or with the greatest specificity at `min_sensitivity`.

    It is 0.5 or lies midway between two neighbouring `logits`; of thresholds that are as good it is the one nearest to
    0.5. Where no threshold from 1e-6 reaches `min_sensitivity`, it is one with the highest sensitivity.
    """
    truth, scores = np.asarray(labels, bool), np.asarray(logits, np.float64)
    cuts = _cuts(scores)
    below = np.searchsorted(np.sort(scores[truth]), cuts)  # positives below each cut
    called = int(truth.sum()) - below
    left = np.searchsorted(np.sort(scores[~truth]), cuts)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if min_sensitivity is None:
        worth = called * negatives + left * positives
        order = np.lexsort((cuts, np.abs(cuts), -worth))
    else:
        enough = np.minimum(called, np.ceil(min_sensitivity * positives - 1e-9))
        order = np.lexsort((cuts, np.abs(cuts), -called, -left, -enough))
    return float(sigmoid(cuts[order[0]]))


def _cuts(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """0, what lies midway between neighbours, and below and above all of them."""
    distinct = np.unique(scores)
    middles = (distinct[:-1] + distinct[1:]) / 2
    cuts = np.concatenate([[distinct[0] - 1, 0.0, distinct[-1] + 1], middles])
    return np.unique(np.clip(cuts, -_FARTHEST, _FARTHEST))


def _bisect(beyond: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (low + high) / 2


def _temperature(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[float, tuple[str, ...]]:
    count = len(truth)
    if (scores[truth] > 0).all() and (scores[~truth] < 0).all():
        return 1.0, (
            f"Temperature 1, not fitted: a threshold of 0.5 is right on all {count} validation images, so their "
            f"log-loss falls down to the lowest temperature allowed ({LOWEST_TEMPERATURE}) and below; that says "
            "nothing of how sure the network may be of other images.",
        )
    temperature = fit_temperature(truth, scores)
    before, after = log_loss(truth, scores), log_loss(truth, scores / temperature)
    at_bound = " (the end of the allowed range)" if temperature in (LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE) else ""
    return temperature, (
        f"Temperature {temperature:.4g}{at_bound}: the least log-loss on the {count} validation images, {after:.4f} "
        f"instead of {before:.4f}.",
    )


def _threshold_note(metrics: Metrics, least: float | None) -> str:
    goal = "greatest Youden index" if least is None else f"greatest specificity at a sensitivity of at least {least:g}"
    reached = metrics.sensitivity.value
    missed = (
        " No threshold reached that sensitivity." if least and reached is not None and reached < least - 1e-9 else ""
    )
    return (
        f"Threshold {metrics.threshold:.6g}: the {goal} on the {metrics.count} validation images ({metrics.positives} "
        f"of class 1), there sensitivity {with_interval(metrics.sensitivity)}, specificity "
        f"{with_interval(metrics.specificity)}."
        f"{missed} Figures of the images that it was chosen on flatter it."
    )
