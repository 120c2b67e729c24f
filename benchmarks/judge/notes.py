"""Notes that readers of a report need beside its figures, a sentence each without full stop."""

from collections.abc import Iterator, Sequence

import numpy as np

from hemotk.artifacts import ImageRef, SameModel, VariantResult, row_name
from hemotk.benchmarks.judge import gate
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.measure.scoring import Scored
from hemotk.stats.groups import groups_of
from hemotk.stats.strata import left_out


def notes(scored: Scored, rows: Sequence[VariantResult], limits: BenchLimits) -> tuple[str, ...]:
    """All that applies to this bench."""
    of_images = (*_images(scored), *_groups(scored.images), *left_out(scored.images, scored.cells))
    return (*of_images, *_same_models(rows), *gate.left_out(rows, limits))


def _images(scored: Scored) -> Iterator[str]:
    count, labels = len(scored.images), {image.label for image in scored.images}
    if scored.origin:
        yield scored.origin
    yield from (" ".join(line.split()) for line in scored.reading)
    if scored.skipped:
        yield f"{len(scored.skipped)} of {len(scored.skipped) + count} pictures could not be read and were left out"
    if scored.left_out:
        yield f"{scored.left_out} pictures are not in labels.csv and were left out"
    if labels == {None}:
        yield "the images have no labels: only the agreement with float was measured"
    elif len(labels) == 1:
        (label,) = labels
        missing = "specificity" if label == 1 else "sensitivity"
        yield f"every image has label {label}: {missing} and AUC cannot be measured"


def _groups(images: Sequence[ImageRef]) -> Iterator[str]:
    groups = groups_of(images)
    if groups is not None:
        labelled = all(image.label is not None for image in images)
        yield (
            f"the {len(images)} images are of {len(np.unique(groups))} groups (of one patient, or copies of one "
            "picture) and not independent of each other: intervals that take them as such are too narrow"
            + (
                ", and p-values that do (McNemar's) too small; intervals and p-values over groups stand beside them"
                if labelled
                else ""
            )
        )


def _same_models(rows: Sequence[VariantResult]) -> Iterator[str]:
    several = len({row.bundle for row in rows}) > 1
    for row in rows:
        same = row.same_model
        if same is None:
            continue
        name = row_name(row, several)
        if same.identical == same.images:
            yield f"{name}: the scores of all {same.images} images are exactly those found here"
        else:
            yield (
                f"{name}: {same.images - same.identical} of {same.images} images have other scores than here, "
                f"{len(same.flips)} flipped, largest difference {same.max_drift:.3g}"
                + _against_tolerance(same)
                + (f"; {same.one_sided} give NaN or infinity in one of the two places only" if same.one_sided else "")
            )


def _against_tolerance(same: SameModel) -> str:
    """How the differences compare with what the export saw between runtimes."""
    if same.beyond is None or same.tolerance is None:
        return ""
    if not same.beyond:
        return f"; none by more than runtimes differ (logits by up to {same.tolerance:.2g})"
    return f"; {same.beyond} of them by more than runtimes differ (logits by up to {same.tolerance:.2g}): look for why"
