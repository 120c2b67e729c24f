"""Whether probabilities are frequencies: Brier score, expected calibration error, and what chance alone would give."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Calibration, CalibrationBin, Estimate
from hemotk.benchmarks.statistics import DRAWS, LEVELS, SEED, share_bounds
from hemotk.metrics import wilson

BINS = 10
BRIER_METHOD = "Hoeffding 1963 theorem 1, for any distribution on 0 to 1, 95 %"
ERROR_METHOD = f"{BINS} bins of equally many images, bootstrap plus Wilson limit of what no image showed, 95 %"


def calibration(labels: ArrayLike, probabilities: ArrayLike) -> Calibration:
    """Judge `probabilities` (float [n], 0 to 1) against `labels` (0 or 1, [n]), n at least 1."""
    chance = np.asarray(probabilities, np.float64)
    order = np.argsort(chance, kind="stable")
    chance, truth = chance[order], np.asarray(labels, np.float64)[order]
    brier = float(np.mean((chance - truth) ** 2))
    starts = _starts(len(chance))
    return Calibration(
        brier=Estimate(brier, *share_bounds(brier, len(chance)), BRIER_METHOD),
        error=_error(chance, truth, starts),
        by_chance=_by_chance(chance, starts),
        bins=tuple(
            CalibrationBin(len(inside), float(inside.mean()), float(labelled.mean()))
            for inside, labelled in zip(np.split(chance, starts[1:]), np.split(truth, starts[1:]), strict=True)
        ),
    )


def _starts(count: int) -> NDArray[np.intp]:
    """Where each bin begins among `count` sorted images: up to `BINS` bins whose sizes differ by one at most."""
    bins = min(BINS, count)
    return np.arange(bins) * count // bins


def _error(chance: NDArray[np.float64], truth: NDArray[np.float64], starts: NDArray[np.intp]) -> Estimate:
    """The expected calibration error, images resampled within the bins as they are.

    Both ends leave room for what none of n images showed, which may be as frequent as the Wilson limit of 0 of n, and
    wholly wrong or wholly right: without it, a network sure of itself and right on every image would have an interval
    of a point.
    """
    gaps, count, random = chance - truth, len(chance), np.random.default_rng(SEED)
    value = _mean_gap(gaps, starts)
    drawn = [
        _mean_gap(gaps * np.bincount(random.integers(count, size=count), minlength=count), starts) for _ in range(DRAWS)
    ]
    low, high = np.quantile(drawn, LEVELS)
    unseen = wilson(0, count).high or 1.0
    low, high = min(float(low), value * (1 - unseen)), max(float(high), value + unseen * (1 - value))
    return Estimate(value, low, high, ERROR_METHOD)


def _by_chance(chance: NDArray[np.float64], starts: NDArray[np.intp]) -> float:
    """What 95 % of label sets drawn with these very probabilities have as their expected calibration error, at most."""
    random = np.random.default_rng(SEED)
    drawn = [_mean_gap(chance - (random.random(len(chance)) < chance), starts) for _ in range(DRAWS)]
    return float(np.quantile(drawn, 0.95))


def _mean_gap(gaps: NDArray[np.float64], starts: NDArray[np.intp]) -> float:
    """Σ over bins of |Σ (probability − label)| / n, which is |mean probability − share| weighted by count."""
    return float(np.abs(np.add.reduceat(gaps, starts)).sum() / len(gaps))
