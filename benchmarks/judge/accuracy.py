"""The accuracy protocol: every image's score is kept, and a variant is held against its float parent image by image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import (
    Calibration,
    Drops,
    Estimate,
    Flip,
    GroupMetrics,
    ImageRef,
    ImageScores,
    Metrics,
    Paired,
    SameModel,
    SliceLevel,
    Stratum,
    TensorSpec,
)
from hemotk.data.read.tissue import BRAIN
from hemotk.stats.calibration import calibration
from hemotk.stats.grouped import evaluate_groups, share
from hemotk.stats.groups import groups_of
from hemotk.stats.metrics import calibrated, decide, evaluate, wilson
from hemotk.stats.paired import auc_difference, mcnemar, mcnemar_by_group, share_drop
from hemotk.stats.shift import logit_shift
from hemotk.stats.slice_level import slice_level
from hemotk.stats.strata import Part, stratum
from hemotk.tflite.scorer import Scores

CONSTANT = "gives every image the same score"
UNLABELLED = "the images have no labels"
BOTH_BY_PARENT = "where its float parent calls both classes"
NO_SIGMOID = "its probability is not the sigmoid of its logit"
# The difference of an output from its logit's sigmoid by rounding in float16, the coarsest arithmetic of any device.
ROUNDING = 1e-3


def unusable(findings: Sequence[str]) -> bool:
    """Whether one of a row's `findings` makes its scores unusable, however accurate they are."""
    return any(finding == CONSTANT or BOTH_BY_PARENT in finding or NO_SIGMOID in finding for finding in findings)


def sigmoid_bound(outputs: Sequence[TensorSpec]) -> float:
    """The largest difference of a sound model's probability output from the sigmoid of its logit output.

    Two steps of the stored probability, and a quarter of a step of the logit, as a sigmoid is nowhere steeper.
    """
    step = {output.name: output.scale for output in outputs}
    return ROUNDING + 2 * step["probability"] + step["logit"] / 4


@dataclass(frozen=True)
class RowDecisions:
    """One row's scores on the images [n] in their order, with the decisions at its bundle's operating point."""

    logit: NDArray[np.float64]
    probability: NDArray[np.float64]
    output: NDArray[np.float64]
    called: NDArray[np.bool_]

    @property
    def finite(self) -> bool:
        """Whether every score is a number."""
        return bool(np.isfinite(self.logit).all() and np.isfinite(self.output).all())

    def scores(self) -> ImageScores:
        """The scores as the report keeps them."""
        return ImageScores(*map(_finite, (self.logit, self.probability, self.output)))


class RowJudge:
    """The images of a bench and the operating point of one bundle: turns scores into scores with a meaning."""

    def __init__(self, images: Sequence[ImageRef], threshold: float, temperature: float) -> None:
        self.images = images
        self.threshold = threshold
        self.temperature = temperature
        known = [image.label for image in images if image.label is not None]
        self.labels = np.array(known) if len(known) == len(images) else None
        self.groups = groups_of(images)

    def judged(self, scores: Sequence[Scores]) -> RowDecisions:
        """Probabilities and decisions for `scores`, one per image."""
        logits = np.array([item.logit for item in scores], np.float64)
        return RowDecisions(
            logit=logits,
            probability=calibrated(logits, self.temperature),
            output=np.array([item.probability for item in scores], np.float64),
            called=decide(logits, self.threshold, self.temperature),
        )

    def metrics(self, row: RowDecisions) -> Metrics | None:
        """Accuracy and the rest at the operating point; None without labels, or if a score is not finite."""
        if self.labels is None or not row.finite:
            return None
        return evaluate(self.labels, row.logit, self.threshold, self.temperature)

    def grouped(self, row: RowDecisions) -> GroupMetrics | None:
        """Accuracy and the rest with intervals over groups; None without labels or groups, or a score is not finite."""
        if self.labels is None or self.groups is None or not row.finite:
            return None
        return evaluate_groups(self.labels, row.called, row.logit, self.groups)

    def calibration(self, row: RowDecisions) -> Calibration | None:
        """Brier score and calibration error; None without labels, or if a score is not finite."""
        if self.labels is None or not row.finite:
            return None
        return calibration(self.labels, row.probability)

    def slice_level(self, row: RowDecisions, tissue: Sequence[float]) -> SliceLevel | None:
        """The AUC of the share of soft tissue [n] alone; None without labels, or if a score is not finite."""
        if self.labels is None or not row.finite or len(tissue) != len(self.labels):
            return None
        return slice_level(self.labels, row.logit, tissue, self.groups, BRAIN)

    def strata(self, row: RowDecisions, parts: Sequence[Part]) -> tuple[Stratum, ...]:
        """The row's figures on each of `parts`; none without labels, or if a score is not finite."""
        if self.labels is None or not row.finite:
            return ()
        return tuple(stratum(part, self.labels, row.called, row.logit, self.groups) for part in parts)

    def findings(
        self, row: RowDecisions, parent: RowDecisions | None = None, bound: float = ROUNDING
    ) -> tuple[str, ...]:
        """The faults of the scores, by name; empty if there are none.

        `bound` is how far the probability output may be from the sigmoid of the logit. One class only is wrong where
        the labels have both, or `parent` calls both.
        """
        count = len(row.logit)
        broken = count - int((np.isfinite(row.logit) & np.isfinite(row.output)).sum())
        if broken:
            return (f"gives NaN or infinity for {broken} of {count} images",)
        if count > 1 and np.ptp(row.logit) == 0:
            return (CONSTANT, *_no_sigmoid(row, bound))
        return (*self._one_class(row, parent), *_no_sigmoid(row, bound))

    def _one_class(self, row: RowDecisions, parent: RowDecisions | None) -> Iterator[str]:
        if row.called.any() and not row.called.all():
            return
        called = f"calls every image {'positive' if row.called.all() else 'negative'}"
        if parent is not None and parent.finite and parent.called.any() and not parent.called.all():
            yield f"{called} {BOTH_BY_PARENT}"
        elif self.labels is not None and len(np.unique(self.labels)) == 2:
            yield called

    def paired(self, row: RowDecisions, parent: RowDecisions) -> Paired | None:
        """A row against its parent on the same images; None if a score of either is not finite."""
        if not (row.finite and parent.finite):
            return None
        drift = np.abs(row.probability - parent.probability)
        flipped = row.called != parent.called
        lost, gained = self._changes(row, parent)
        return Paired(
            agreement=wilson(int((~flipped).sum()), len(flipped)),
            flips=self._flips(row, parent),
            lost=lost,
            gained=gained,
            mcnemar=None if lost is None or gained is None else mcnemar(lost, gained),
            max_drift=float(drift.max()),
            mean_drift=float(drift.mean()),
            logit_bias=float((row.logit - parent.logit).mean()),
            logit_sd=float((row.logit - parent.logit).std()),
            logit_shift=logit_shift(row.logit, parent.logit, self.groups),
            auc_difference=Estimate(None, why=UNLABELLED)
            if self.labels is None
            else auc_difference(self.labels, row.logit, parent.logit),
            grouped_auc_difference=None
            if self.labels is None or self.groups is None
            else auc_difference(self.labels, row.logit, parent.logit, self.groups),
            grouped_agreement=None if self.groups is None else share(~flipped, self.groups),
            grouped_mcnemar=self._grouped_mcnemar(row, parent),
            drops=self._drops(row, parent),
        )

    def same_model(self, elsewhere: RowDecisions, here: RowDecisions, tolerance: float | None = None) -> SameModel:
        """Compare what the same file gave elsewhere with what it gave here; NaN is identical to NaN.

        `tolerance` is how far apart the logits of one image may be, None where that is not known. The drift
        of an image whose score is finite on one side only is 1, the largest that there is.
        """
        same = [_identical(*pair) for pair in ((elsewhere.logit, here.logit), (elsewhere.output, here.output))]
        known, known_here = (np.isfinite(row.logit) & np.isfinite(row.output) for row in (elsewhere, here))
        drift = np.where(known & known_here, np.abs(elsewhere.probability - here.probability), known != known_here)
        return SameModel(
            images=len(drift),
            identical=int(np.logical_and(*same).sum()),
            flips=self._flips(elsewhere, here),
            max_drift=float(drift.max()),
            one_sided=int((known != known_here).sum()),
            beyond=None if tolerance is None else _beyond(elsewhere.logit, here.logit, tolerance),
            tolerance=tolerance,
        )

    def _changes(self, row: RowDecisions, parent: RowDecisions) -> tuple[int | None, int | None]:
        """The number of images that only the parent gets right, and of those that only the row gets right."""
        if self.labels is None:
            return None, None
        right, parent_right = row.called == self.labels, parent.called == self.labels
        return int((~right & parent_right).sum()), int((right & ~parent_right).sum())

    def _grouped_mcnemar(self, row: RowDecisions, parent: RowDecisions) -> float | None:
        if self.labels is None or self.groups is None:
            return None
        right, before = row.called == self.labels, parent.called == self.labels
        return mcnemar_by_group(before.astype(np.intp) - right, self.groups)

    def _drops(self, row: RowDecisions, parent: RowDecisions) -> Drops | None:
        """The drop of the row's shares below the parent's; None without labels."""
        if self.labels is None:
            return None
        truth, groups = self.labels == 1, self.groups
        right, before = row.called == truth, parent.called == truth

        def drop(chosen: NDArray[np.bool_], why: str) -> Estimate:
            return share_drop(before[chosen], right[chosen], None if groups is None else groups[chosen], why)

        places = np.arange(len(truth)) if groups is None else groups
        return Drops(
            accuracy=drop(np.ones(len(truth), bool), "no image"),
            sensitivity=drop(truth, "no image with label 1"),
            specificity=drop(~truth, "no image with label 0"),
            groups=None if groups is None else len(np.unique(groups)),
            with_positive=len(np.unique(places[truth])),
            with_negative=len(np.unique(places[~truth])),
        )

    def _flips(self, row: RowDecisions, parent: RowDecisions) -> tuple[Flip, ...]:
        known = np.isfinite(row.probability) & np.isfinite(parent.probability)
        return tuple(
            Flip(
                self.images[index].id,
                self.images[index].label,
                float(parent.probability[index]),
                float(row.probability[index]),
            )
            for index in np.flatnonzero(known & (row.called != parent.called)).tolist()
        )


def _no_sigmoid(row: RowDecisions, bound: float) -> Iterator[str]:
    # The output is as the model gives it, before temperature scaling.
    apart = float(np.abs(row.output - calibrated(row.logit, 1.0)).max())
    if apart > bound:
        yield f"{NO_SIGMOID}: they are up to {apart:.3g} apart, {bound:.3g} allowed"


def _beyond(elsewhere: NDArray[np.float64], here: NDArray[np.float64], tolerance: float) -> int:
    """The number of images whose finite logits are further apart than `tolerance`, or that are finite once only."""
    known, known_here = np.isfinite(elsewhere), np.isfinite(here)
    both = known & known_here
    apart = np.abs(elsewhere[both] - here[both]) > tolerance
    return int(apart.sum() + (known != known_here).sum())


def _identical(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))


def _finite(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(float(value) if np.isfinite(value) else None for value in values)
