"""What a reader of a report must know beside its figures, a sentence each without full stop."""

from collections.abc import Iterator, Sequence

from hemotk.artifacts import VariantResult, row_name
from hemotk.benchmarks import gate
from hemotk.benchmarks.scoring import Scored
from hemotk.benchmarks.testset import OpenBundle


def notes(
    bundles: Sequence[OpenBundle], scored: Scored, rows: Sequence[VariantResult], limits: gate.Limits
) -> tuple[str, ...]:
    """All that applies to this bench."""
    return (*_images(scored), *_groups(bundles[0]), *_same_models(rows), *gate.left_out(rows, limits))


def _images(scored: Scored) -> Iterator[str]:
    count, labels = len(scored.images), {image.label for image in scored.images}
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


def _groups(bundle: OpenBundle) -> Iterator[str]:
    groups = {item.group for item in bundle.items}
    if 0 < len(groups) < len(bundle.items):
        yield (
            f"the {len(bundle.items)} test images are of {len(groups)} groups (patients): intervals take images as "
            "independent and are too narrow"
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
                + (f"; {same.one_sided} give NaN or infinity in one of the two places only" if same.one_sided else "")
            )
