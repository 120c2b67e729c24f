"""The accuracy protocol: every image's score is kept, and a variant is held against its float parent image by image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import Flip, ImageScores, Metrics, Paired, TestItem
from hemotk.benchmarks.statistics import auc_difference, mcnemar
from hemotk.metrics import calibrated, decide, evaluate, wilson
from hemotk.runtime import Scores

CONSTANT = "gives every image the same score"


class Judge:
    """One test split and one operating point: turns scores into scores with a meaning."""

    def __init__(self, items: Sequence[TestItem], threshold: float, temperature: float) -> None:
        self.items = items
        self.labels = np.array([item.label for item in items])
        self.threshold = threshold
        self.temperature = temperature

    def scores(self, found: Sequence[Scores]) -> ImageScores:
        """The scores as the report keeps them."""
        logits = _logits(found)
        return ImageScores(
            logit=_finite(logits),
            probability=_finite(calibrated(logits, self.temperature)),
            output=_finite(np.array([item.probability for item in found], np.float64)),
        )

    def metrics(self, found: Sequence[Scores]) -> Metrics | None:
        """Accuracy and the rest at the operating point; None if a score is not finite."""
        logits = _logits(found)
        if not np.isfinite(logits).all():
            return None
        return evaluate(self.labels, logits, self.threshold, self.temperature)

    def findings(self, found: Sequence[Scores]) -> tuple[str, ...]:
        """What is wrong with the scores whatever the labels say, by name; empty if nothing is."""
        logits = _logits(found)
        broken = int((~np.isfinite(logits)).sum())
        if broken:
            return (f"gives NaN or infinity for {broken} of {len(logits)} images",)
        if len(logits) > 1 and np.ptp(logits) == 0:
            return (CONSTANT,)
        called = decide(logits, self.threshold, self.temperature)
        if len(set(self.labels.tolist())) == 2 and len(set(called.tolist())) == 1:
            return (f"calls every image {'positive' if called[0] else 'negative'}",)
        return ()

    def paired(self, found: Sequence[Scores], parent: Sequence[Scores]) -> Paired | None:
        """A variant against its parent on the same images; None if a score of either is not finite."""
        ours, theirs = _logits(found), _logits(parent)
        if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            return None
        p, q = calibrated(ours, self.temperature), calibrated(theirs, self.temperature)
        called, parent_called = (decide(logits, self.threshold, self.temperature) for logits in (ours, theirs))
        flipped = called != parent_called
        parent_right = parent_called == self.labels
        lost = int((flipped & parent_right).sum())
        gained = int((flipped & ~parent_right).sum())
        drift = np.abs(p - q)
        return Paired(
            agreement=wilson(int((~flipped).sum()), len(flipped)),
            flips=tuple(
                Flip(self.items[row].id, self.items[row].label, float(q[row]), float(p[row]))
                for row in np.flatnonzero(flipped).tolist()
            ),
            lost=lost,
            gained=gained,
            mcnemar=mcnemar(lost, gained),
            max_drift=float(drift.max()),
            mean_drift=float(drift.mean()),
            auc_difference=auc_difference(self.labels, ours, theirs),
        )


def _logits(found: Sequence[Scores]) -> NDArray[np.float64]:
    return np.array([item.logit for item in found], np.float64)


def _finite(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(float(value) if np.isfinite(value) else None for value in values)
