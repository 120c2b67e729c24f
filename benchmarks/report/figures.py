"""Measured figures as words, and the rows of the tables that every document shows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hemotk.artifacts import (
    OUTCOMES,
    PARENTS,
    THERMAL,
    BenchReport,
    Device,
    Estimate,
    GroupMetrics,
    Paired,
    VariantResult,
)
from hemotk.benchmarks.report.baseline import baseline_lines
from hemotk.render.numbers import NOTHING, interval


@dataclass(frozen=True)
class Cell:
    """One figure of a table: its words, and its interval or unit in smaller print."""

    text: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.more}".rstrip()


def headings(report: BenchReport) -> tuple[str, ...]:
    """The columns of `cells`."""
    first = ("ratio to the first",) if len(report.bundles) > 1 else ()
    shares = ("accuracy", "sensitivity", "specificity", "AUC", "calibration error")
    return ("variant", "size", *shares, "agreement", "median", "p90", "ratio", *first)


def cells(report: BenchReport, row: VariantResult) -> tuple[Cell, ...]:
    """The figures of one row, its name first."""
    metrics, latency = row.metrics, row.latency
    shares = (
        (None,) * 4 if metrics is None else (metrics.accuracy, metrics.sensitivity, metrics.specificity, metrics.auc)
    )
    row_cells = [Cell(report.name_of(row), "failed" if row.failure else ""), Cell(f"{row.bytes / 1e6:.2f} MB")]
    row_cells += [estimate_cell(share) for share in shares]
    row_cells.append(estimate_cell(None if row.calibration is None else row.calibration.error))
    row_cells.append(estimate_cell(None if row.paired is None else row.paired.agreement))
    row_cells += [
        Cell(NOTHING if latency is None else milliseconds(latency.p50_ns)),
        Cell(NOTHING if latency is None else milliseconds(latency.p90_ns)),
        estimate_cell(None if latency is None else latency.ratio),
    ]
    if len(report.bundles) > 1:
        row_cells.append(estimate_cell(None if latency is None else latency.ratio_to_first))
    return tuple(row_cells)


def estimate_cell(estimate: Estimate | None) -> Cell:
    """A value with its interval, or why there is none."""
    if estimate is None:
        return Cell(NOTHING)
    if estimate.value is None:
        return Cell(NOTHING, estimate.why)
    return Cell(f"{estimate.value:.3f}", interval(estimate))


def milliseconds(nanoseconds: float) -> str:
    """A time with three digits or more."""
    return f"{nanoseconds / 1e6:.{1 if nanoseconds >= 1e7 else 3}f} ms"


def megabytes(count: int | None) -> str:
    """A size, or nothing."""
    return NOTHING if count is None else f"{count / 1e6:.1f} MB"


def verdict(report: BenchReport) -> str:
    """PASS or FAIL in one sentence that names what is claimed."""
    held, failed, open_ = (len(report.outcomes(outcome)) for outcome in OUTCOMES)
    count = len(report.verdicts)
    if not count:
        return "No check was asked for."
    if failed:
        return f"FAIL: {failed} of {count} checks do not hold{f', {open_} cannot be decided' if open_ else ''}."
    if not report.passed:
        return f"FAIL, as was asked for: {open_} of {count} checks cannot be decided."
    if open_:
        counts = f"{held} of {count} checks hold, {open_} cannot be decided"
        return f"PASS, as far as this bench can tell: {claim(report)}; {counts}."
    return f"PASS: {claim(report)}; all {count} checks hold."


def claim(report: BenchReport) -> str:
    """The sentence on what the checks prove: they say nothing about whether the classifier is any good."""
    judged = [row for row in report.variants if row.kind not in PARENTS and row.drawn is None]
    names = list(dict.fromkeys(map(report.name_of, judged)))
    if not names:
        ran = list(dict.fromkeys(report.name_of(row) for row in report.variants))
        return f"{', '.join(ran)} {'runs' if len(ran) == 1 else 'run'}, and nothing was compared with a float parent"
    several = "decides" if len(names) == 1 else "decide"
    said = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{said} {several} as float32 does, within the limits"


def not_held(report: BenchReport) -> Iterator[str]:
    """The checks that fail, then those that cannot be decided; a sentence each, without full stop."""
    for outcome in ("fails", "cannot tell"):
        yield from (item.sentence for item in report.verdicts if item.told == outcome)


def what_was_scored(report: BenchReport) -> str:
    """The number of pictures, and their source."""
    count = len(report.images)
    return f"{count} images of {report.folder}" if report.folder else f"{count} images of the test split"


def device_facts(device: Device) -> dict[str, Any]:
    """The device, how warm it was and what else slows it; the thermal status in Android's words."""
    facts: dict[str, Any] = {
        field: getattr(device, field) for field in ("maker", "model", "soc", "system", "abi", "cores")
    }
    for moment, status in (("before", device.thermal_before), ("after", device.thermal_after)):
        facts[f"thermal status {moment}"] = "not known" if status is None else THERMAL[status]
    for name, held in (
        ("in front", device.foreground),
        ("power saving", device.power_save),
        ("charging", device.charging),
    ):
        if held is not None:
            facts[name] = "yes" if held else "no"
    return facts


def first_name(report: BenchReport) -> str:
    """The name of the model that the other bundles are compared with."""
    first = report.variants[0]
    return first.bundle if first.kind == "given" else f"float32 of {first.bundle}"


def comparisons(report: BenchReport) -> Iterator[tuple[VariantResult, str, Paired]]:
    """Row, name of what it is held against, and the comparison, for every row that has one."""
    for row in report.variants:
        if row.paired is not None:
            yield row, "its float32", row.paired
        if row.paired_first is not None:
            yield row, first_name(report), row.paired_first


PAIRED_HEADINGS = (
    "variant",
    "against",
    "flips",
    "gained",
    "lost",
    "McNemar p",
    "AUC difference",
    "largest |Δp|",
    "mean |Δp|",
    "logit error",
)


def paired_cells(report: BenchReport, row: VariantResult, parent: str, paired: Paired) -> tuple[Cell, ...]:
    """The figures of one comparison, in the order of `PAIRED_HEADINGS`."""
    return (
        Cell(report.name_of(row)),
        Cell(parent),
        Cell(str(len(paired.flips))),
        Cell(NOTHING if paired.gained is None else str(paired.gained)),
        Cell(NOTHING if paired.lost is None else str(paired.lost)),
        Cell(NOTHING if paired.mcnemar is None else f"{paired.mcnemar:.3g}"),
        estimate_cell(paired.auc_difference),
        Cell(f"{paired.max_drift:.4f}"),
        Cell(f"{paired.mean_drift:.4f}"),
        _logit_error(paired),
    )


def _logit_error(paired: Paired) -> Cell:
    """Its mean, and its standard deviation over the images."""
    if paired.logit_bias is None or paired.logit_sd is None:
        return Cell(NOTHING)
    return Cell(f"{paired.logit_bias:+.3f}", f"± {paired.logit_sd:.3f}")


GROUPED = (
    "Slices of one patient, and copies of one picture, are no independent images. These intervals come from drawing "
    "whole groups of such images again; they are the ones to quote."
)


def grouped_headings(report: BenchReport) -> tuple[str, ...]:
    """The columns of `grouped_rows`."""
    against = ["its float32", *([first_name(report)] if len(report.bundles) > 1 else [])]
    shares = ("accuracy", "sensitivity", "specificity", "AUC")
    paired = (f"{measure} {parent}" for measure in ("agreement with", "AUC difference to") for parent in against)
    return ("variant", "groups", *shares, *paired)


def grouped_rows(report: BenchReport) -> list[tuple[Cell, ...]]:
    """The figures of each row with intervals over groups; no rows where each image is a group of its own."""
    return [_grouped_cells(report, row, row.grouped) for row in report.variants if row.grouped is not None]


def _grouped_cells(report: BenchReport, row: VariantResult, metrics: GroupMetrics) -> tuple[Cell, ...]:
    shares = (metrics.accuracy, metrics.sensitivity, metrics.specificity, metrics.auc)
    pairs = (row.paired, row.paired_first) if len(report.bundles) > 1 else (row.paired,)
    agreements = (None if paired is None else paired.grouped_agreement for paired in pairs)
    differences = (None if paired is None else paired.grouped_auc_difference for paired in pairs)
    estimates = (*shares, *agreements, *differences)
    groups = Cell(str(metrics.groups), group_counts(metrics, report.bundle_of(row).labels))
    return (Cell(report.name_of(row)), groups, *map(estimate_cell, estimates))


def group_counts(metrics: GroupMetrics, labels: tuple[str, str]) -> str:
    """The number of groups with an image of each label, in brackets; '' where that was not counted."""
    if metrics.with_positive is None or metrics.with_negative is None:
        return ""
    return f"({metrics.with_positive} with {labels[1]}, {metrics.with_negative} with {labels[0]})"


def what_is_wrong(report: BenchReport) -> Iterator[str]:
    """Failures and findings of the rows, then warnings and notes; a sentence each."""
    for row in report.variants:
        for wrong in (*filter(None, [row.failure]), *row.findings):
            yield f"{report.name_of(row)}: {wrong}."
    for warning in report.warnings:
        yield f"Times may not repeat: {warning}."
    for note in report.notes:
        yield f"Note: {note}."
    for line in baseline_lines(report):
        yield f"{line}."
    for picture in report.skipped:
        yield f"Left out: {picture}."


def label_of(report: BenchReport, row: VariantResult, label: int | None) -> str:
    """The name of a label, or that nobody gave one."""
    return "not given" if label is None else report.bundle_of(row).labels[label]
