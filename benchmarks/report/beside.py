"""Tables beside the figures of a report: the slice level's own AUC, and figures by columns of the labels."""

from collections.abc import Iterator

from hemotk.artifacts import BenchReport, Estimate, SliceLevel, Stratum, VariantResult
from hemotk.benchmarks.report.figures import Cell, estimate_cell
from hemotk.render.numbers import with_interval

SLICE_LEVEL = (
    "Slices in the middle of the head show most soft tissue, and bleeds lie there. The share of soft tissue alone, "
    "which sees no bleed, orders these images better than chance: a model's AUC over all of them says little unless it "
    "is held against that, or is taken within the slices that show brain."
)
SLICE_HEADINGS = ("variant", "AUC", "AUC of the soft tissue alone", "AUC within brain slices", "brain slices")
STRATA = (
    "Of a subtype, its images are held against all images without hemorrhage. Parts were not chosen beforehand and are "
    "small: among many, some look better or worse by chance."
)
STRATA_HEADINGS = ("variant", "part", "images", "sensitivity", "specificity", "AUC", "accuracy")


def slice_rows(report: BenchReport) -> list[tuple[Cell, ...]]:
    """A row for each variant on images that the slice level alone orders better than chance, else none."""
    return [_slice_row(report, row, level) for row in report.variants if (level := telling(row)) is not None]


def telling(row: VariantResult) -> SliceLevel | None:
    """The slice level of the row's images, if its AUC exceeds chance."""
    level = row.slice_level
    return level if level is not None and level.exceeds_chance else None


def _slice_row(report: BenchReport, row: VariantResult, level: SliceLevel) -> tuple[Cell, ...]:
    figures = row.grouped or row.metrics
    counts = Cell(str(level.brain_images), f"({level.brain_positives} with {report.bundle_of(row).labels[1]})")
    area = estimate_cell(None if figures is None else figures.auc)
    return Cell(report.name_of(row)), area, estimate_cell(level.baseline), estimate_cell(level.brain), counts


def slice_lines(report: BenchReport) -> Iterator[str]:
    """The same in sentences."""
    for row in report.variants:
        level, figures = telling(row), row.grouped or row.metrics
        if level is not None and figures is not None:
            yield (
                f"{report.name_of(row)}: AUC {with_interval(figures.auc)}; the share of soft tissue alone, which sees "
                f"no bleed, has {with_interval(level.baseline)}; within the {level.brain_images} brain slices the AUC "
                f"is {with_interval(level.brain)}."
            )


def strata_rows(report: BenchReport) -> list[tuple[Cell, ...]]:
    """A row for each variant and part, the parts of one column together."""
    pairs = [(row, part) for row in report.variants for part in row.strata]
    return [_part_row(report, row, part) for row, part in pairs]


def _part_row(report: BenchReport, row: VariantResult, part: Stratum) -> tuple[Cell, ...]:
    counts = Cell(str(part.images), f"({part.positives} with {report.bundle_of(row).labels[1]}{_groups(part)})")
    shares = map(estimate_cell, (part.sensitivity, part.specificity, part.auc, part.accuracy))
    return Cell(report.name_of(row)), Cell(part_name(part)), counts, *shares


def part_name(part: Stratum) -> str:
    """A subtype by its column, any other part by its column and value."""
    return part.column if part.subtype else f"{part.column} = {part.value}"


def strata_lines(report: BenchReport) -> Iterator[str]:
    """Each variant's figures on each part in a sentence."""
    for row in report.variants:
        label = report.bundle_of(row).labels[1]
        for part in row.strata:
            yield f"{report.name_of(row)} by {part_name(part)}: {_part_words(part, label)}."


def _part_words(part: Stratum, label: str) -> str:
    against = f" against all {part.images - part.positives} without" if part.subtype else ""
    counts = (
        f"{part.positives} with {label}{against}" if part.subtype else f"{part.images}, {part.positives} with {label}"
    )
    named: list[tuple[str, Estimate]] = [("sensitivity", part.sensitivity), ("AUC", part.auc)]
    if not part.subtype:
        named.insert(1, ("specificity", part.specificity))
    return f"{counts}{_groups(part)}: " + ", ".join(f"{name} {with_interval(estimate)}" for name, estimate in named)


def _groups(part: Stratum) -> str:
    """Sensitivity rests on the groups with such an image alone."""
    return "" if part.groups is None else f"; of {part.groups} groups {part.with_positive} with such"
