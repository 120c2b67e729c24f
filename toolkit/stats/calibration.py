"""Calibration of probabilities: Brier score, expected calibration error, and the error by chance alone."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemotk.artifacts import Calibration, CalibrationBin, Estimate
from hemotk.stats.metrics import wilson
from hemotk.stats.paired import DRAWS, SEED, share_bounds

BINS = 10
BRIER_METHOD = "Hoeffding 1963 theorem 1, for any distribution on 0 to 1, 95 %"
ERROR_METHOD = (
    f"{BINS} bins of equally many images, triangle inequality with bootstrap of the centred bin sums, "
    "plus Wilson limit of what no image showed, 95 % at least"
)


def calibration(labels: ArrayLike, probabilities: ArrayLike) -> Calibration:
    """Judge `probabilities` (float [n], 0 to 1) against `labels` (0 or 1, [n]), n at least 1, in any order."""
    chance, truth = np.asarray(probabilities, np.float64), np.asarray(labels, np.float64)
    order = np.lexsort((truth, chance))
    chance, truth = chance[order], truth[order]
    brier = float(np.mean((chance - truth) ** 2))
    parts = _parts(chance)
    by_chance = _by_chance(chance, parts)
    counts = parts.sum(axis=0)
    means, shares = (np.clip(values @ parts / counts, 0, 1).tolist() for values in (chance, truth))
    return Calibration(
        brier=Estimate(brier, *share_bounds(brier, len(chance)), BRIER_METHOD),
        error=_error(chance - truth, parts, by_chance),
        by_chance=by_chance,
        bins=tuple(
            CalibrationBin(round(count), mean, share) for count, mean, share in zip(counts, means, shares, strict=True)
        ),
    )


def _parts(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of each image in each bin, [n, bins], for sorted probabilities [n].

    Up to `BINS` bins whose sizes differ by one at most. Where a bin ends among images of the same probability, each
    of these counts in both bins for the same part: which of them comes first means nothing.
    """
    count, bins = len(chance), min(BINS, len(chance))
    starts = np.arange(bins) * count // bins
    bin_of = np.searchsorted(starts, np.arange(count), side="right") - 1
    tied = np.unique(chance, return_inverse=True)[1].reshape(-1)
    held = np.zeros((tied[-1] + 1, bins))
    np.add.at(held, (tied, bin_of), 1)
    return (held / held.sum(axis=1, keepdims=True))[tied]


def _error(gaps: NDArray[np.float64], parts: NDArray[np.float64], by_chance: float) -> Estimate:
    """The expected calibration error of `gaps`, probability − label, with an interval that holds at least 95 %.

    With S_b = Σ over bin b of gap / n, the error found is v = Σ_b |S_b|, the true one t = Σ_b |E S_b|. The absolute
    value makes v too large on average, and resampled v larger still, so that their percentiles miss t. But
    |v − t| ≤ Σ_b |S_b − E S_b| (triangle inequality), and that noise has no such bias: its 95 % quantile q, estimated
    as that of Σ_b |S*_b − S_b| over resampled images (bins as they are), gives v ± q. The low end is 0 where v is no
    more than `by_chance`.

    Both ends leave room for what none of n images showed, which may be as frequent as the Wilson limit of 0 of n, and
    wholly wrong or wholly right: without it, a network sure of itself and right on every image would have an interval
    of a point.
    """
    count, random = len(gaps), np.random.default_rng(SEED)
    value = min(_mean_gap(gaps, parts), 1.0)
    # Σ over images of (times drawn − 1) · gap is S*_b − S_b, times n.
    drawn = [
        _mean_gap(gaps * (np.bincount(random.integers(count, size=count), minlength=count) - 1), parts)
        for _ in range(DRAWS)
    ]
    noise, unseen = float(np.quantile(drawn, 0.95)), wilson(0, count).high or 1.0
    low = 0.0 if value <= by_chance else max(0.0, min(value - noise, value * (1 - unseen)))
    high = min(1.0, max(value + noise, value + unseen * (1 - value)))
    return Estimate(value, low, high, ERROR_METHOD)


def _by_chance(chance: NDArray[np.float64], parts: NDArray[np.float64]) -> float:
    """The 95th percentile of the expected calibration error when labels are drawn with these very probabilities."""
    random = np.random.default_rng(SEED)
    drawn = [_mean_gap(chance - (random.random(len(chance)) < chance), parts) for _ in range(DRAWS)]
    return float(np.quantile(drawn, 0.95))


def _mean_gap(gaps: NDArray[np.float64], parts: NDArray[np.float64]) -> float:
    """Σ over bins of |Σ (probability − label)| / n, which is |mean probability − share| weighted by count."""
    return float(np.abs(gaps @ parts).sum() / len(gaps))
