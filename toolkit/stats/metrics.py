"""Metrics of scores against labels, with 95 % intervals; numpy and the standard library only."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts.metrics import Estimate, Metrics
from hemotk.errors import HemotkError

Z95 = 1.959963984540054
WILSON = "Wilson score, 95 %"
AUC_METHOD = "Newcombe 2006 method 5 (score-type Hanley-McNeil), 95 %"


def sigmoid(logit: ArrayLike) -> NDArray[np.float64]:
    """1 / (1 + exp(-logit)) in float64 without overflow, same shape as `logit`."""
    value = np.asarray(logit, np.float64)
    small = np.exp(-np.abs(value))
    return np.where(value >= 0, 1.0, small) / (1.0 + small)


def calibrated(logit: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """The probability that decisions are made on: sigmoid(logit / temperature), in [0, 1]."""
    return sigmoid(np.asarray(logit, np.float64) / temperature)


def decide(logit: ArrayLike, threshold: float, temperature: float = 1.0) -> NDArray[np.bool_]:
    """True where the calibrated probability reaches `threshold`: a hemorrhage is called."""
    return calibrated(logit, temperature) >= threshold


def evaluate(labels: ArrayLike, logits: ArrayLike, threshold: float, temperature: float = 1.0) -> Metrics:
    """Judge `logits` (float [n]) against `labels` (0 or 1, [n]) at one operating threshold.

    Loss and Brier score are those of the calibrated probability. With one class in `labels`, what needs both has no
    value and says why.

    Raises:
        HemotkError: no image, lengths differ, a label is not 0 or 1, or a logit is not finite.
    """
    truth, scores = _checked(labels, logits)
    called = decide(scores, threshold, temperature)
    positives = int(truth.sum())
    return Metrics(
        count=len(truth),
        positives=positives,
        threshold=threshold,
        accuracy=wilson(int((called == truth).sum()), len(truth)),
        sensitivity=wilson(int((called & truth).sum()), positives, "no image with label 1"),
        specificity=wilson(int((~called & ~truth).sum()), len(truth) - positives, "no image with label 0"),
        auc=auc_estimate(truth, scores),
        loss=log_loss(truth, scores / temperature),
        brier=float(np.mean((calibrated(scores, temperature) - truth) ** 2)),
    )


def log_loss(labels: ArrayLike, logits: ArrayLike) -> float:
    """Mean binary cross-entropy in nats of sigmoid(`logits`), exact for logits of any size."""
    truth, value = np.asarray(labels, bool), np.asarray(logits, np.float64)
    return float(np.mean(np.logaddexp(0.0, np.where(truth, -value, value))))


def wilson(successes: int, total: int, why: str = "no image") -> Estimate:
    """The share `successes` / `total` with its Wilson score interval (1927); no value, but `why`, if total is 0."""
    if total == 0:
        return Estimate(None, method=WILSON, why=why)
    share = successes / total
    spread = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2))
    middle = share + Z95**2 / (2 * total)
    scale = 1 + Z95**2 / total
    low = 0.0 if successes == 0 else (middle - spread) / scale
    high = 1.0 if successes == total else (middle + spread) / scale
    return Estimate(share, low, high, WILSON)


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, ties counting half (Mann-Whitney).

    Raises:
        HemotkError: `labels` has one class only.
    """
    truth, value = _checked(labels, scores)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        raise HemotkError("labels: the AUC needs images of both classes; use a test split that has both.")
    above = midranks(value)[truth].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def midranks(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks 1…n of `values` [n]; tied values share the mean of their ranks."""
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse.reshape(-1)]


def auc_estimate(labels: ArrayLike, scores: ArrayLike) -> Estimate:
    """The AUC with an interval that keeps its width at 0 and 1; no value, and says why, with one class only."""
    truth = np.asarray(labels, bool)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        missing = 1 if not positives else 0
        return Estimate(None, method=AUC_METHOD, why=f"no image with label {missing}: the AUC needs both classes")
    value = auc(truth, scores)
    low, high = auc_interval(value, positives, negatives)
    return Estimate(value, low, high, AUC_METHOD)


def auc_interval(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """Both θ in [0, 1] with (value − θ)² = z² · V(θ).

    V is the variance of Hanley and McNeil (1982) at θ, with the mean of both group sizes N in place of each inside the
    bracket: V(θ) = θ(1−θ) · [1 + (N−1)(1−θ)/(2−θ) + (N−1)θ/(1+θ)] / (positives · negatives). This is method 5 of
    Newcombe, Statistics in Medicine 25 (2006), 559–573.
    """
    size = (positives + negatives) / 2

    def excess(theta: float) -> float:
        bracket = 1 + (size - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (value - theta) ** 2 - Z95**2 * theta * (1 - theta) * bracket / (positives * negatives)

    low = 0.0 if value <= 0 else _root(excess, 0.0, value)
    high = 1.0 if value >= 1 else _root(excess, 1.0, value)
    return low, high


def _root(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Bisect to where `excess` turns from positive (at `outside`) to negative (towards `inside`)."""
    for _ in range(60):
        middle = (outside + inside) / 2
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return (outside + inside) / 2


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, value = np.asarray(labels), np.asarray(scores, np.float64)
    if truth.ndim != 1 or truth.shape != value.shape or not len(truth):
        raise HemotkError(
            f"scores: shapes {truth.shape} of the labels and {value.shape} of the scores must be equal, of one "
            "dimension and not empty; give one score per label."
        )
    if not np.isin(truth, (0, 1)).all():
        raise HemotkError("labels: each must be 0 or 1; map the classes to 0 (normal) and 1 (hemorrhage).")
    broken = int((~np.isfinite(value)).sum())
    if broken:
        raise HemotkError(f"scores: {broken} of {len(value)} are NaN or infinite; the model is broken, make it again.")
    return truth.astype(bool), value
