"""A bench report in words and as a table for the terminal."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from hemotk.artifacts import HERE, BenchReport, Estimate, GroupMetrics, Metrics, Profile, VariantResult
from hemotk.benchmarks.report.baseline import baseline_lines
from hemotk.benchmarks.report.beside import slice_lines, strata_lines
from hemotk.benchmarks.report.figures import first_name, group_counts, not_held, verdict
from hemotk.render.numbers import NOTHING, interval

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLUMNS = (
    "variant",
    "size\nMB",
    "accuracy",
    "sensi-\ntivity",
    "speci-\nficity",
    "AUC",
    "agree-\nment",
    "median\nms",
    "p90\nms",
    "ratio",
)
# Where several bundles are compared, in place of p90: a terminal has 80 columns.
TO_FIRST = "ratio\nto 1st"
P90 = COLUMNS.index("p90\nms")
MOST_FLIPS = 20
MOST_OPERATORS = 10


def show(report: BenchReport, console: "Console") -> None:
    """Print the report: table, intervals, failures, flips, warnings, verdicts and the conclusion."""

    def say(words: str, style: str = "") -> None:
        console.print(words, style=style, markup=False, highlight=False, soft_wrap=True)

    say(_title(report), "italic")
    for table in _tables(report):
        console.print(table)
    for row in report.variants:
        for line in _details(report, row):
            say(line, "dim")
    for row in report.variants:
        for wrong in (*filter(None, [row.failure]), *row.findings):
            say(f"{report.name_of(row)}: {wrong}.", "red")
    for row in report.variants:
        for line in (*_flips(report, row), *_profile(report.name_of(row), row.profile)):
            say(line)
    for line in strata_lines(report):
        say(line)
    for line in slice_lines(report):
        say(line, "yellow")
    for line in baseline_lines(report):
        say(f"{line}.")
    for warning in report.warnings:
        say(f"Times may not repeat: {warning}.", "yellow")
    for note in report.notes:
        say(f"Note: {note}.", "yellow")
    _show_verdicts(report, say)
    say(report.conclusion)


def _show_verdicts(report: BenchReport, say: Callable[..., None]) -> None:
    say("")
    color = "red" if not report.passed else "yellow" if report.outcomes("cannot tell") else "green"
    say(verdict(report), f"bold {color}")
    for sentence in not_held(report):
        say(f"  {sentence}")
    for line in report.cautions:
        say(f"{line}.", "bold red")


def _tables(report: BenchReport) -> "Iterator[Table]":
    """One table per bundle and source."""
    from rich.text import Text

    groups = list(dict.fromkeys((row.bundle, row.source) for row in report.variants))
    for bundle, source in groups:
        table = _empty_table(len(report.bundles) > 1)
        if len(groups) > 1:
            table.title = Text(bundle if source == HERE else f"{bundle} on {source}")
        for row in report.variants:
            if (row.bundle, row.source) == (bundle, source):
                table.add_row(*(Text(cell) for cell in _cells(report, row)))
        yield table


def _empty_table(several: bool) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title_justify="left")
    for column in (*COLUMNS[:P90], "ratio", TO_FIRST) if several else COLUMNS:
        table.add_column(column, justify="left" if column == "variant" else "right", no_wrap=True)
    return table


def _title(report: BenchReport) -> str:
    names = ", ".join(bundle.name for bundle in report.bundles)
    images = f"{len(report.images)} images of {report.folder}" if report.folder else f"{len(report.images)} test images"
    facts = report.environment
    return f"{names}: {images}, {facts.get('runtime')} {facts.get('runtime_version')}"


def _cells(report: BenchReport, row: VariantResult) -> list[str]:
    metrics, latency = row.metrics, row.latency
    shares = (
        [NOTHING] * 4
        if metrics is None
        else [_share(item) for item in (metrics.accuracy, metrics.sensitivity, metrics.specificity, metrics.auc)]
    )
    if row.failure:
        shares[0] = "failed"
    agreement = NOTHING if row.paired is None else _share(row.paired.agreement)
    if latency is None:
        times = [NOTHING] * 3
    else:
        times = [_milliseconds(latency.p50_ns), _milliseconds(latency.p90_ns), _share(latency.ratio, 2)]
        if len(report.bundles) > 1:
            times[1:] = [times[2], NOTHING if latency.ratio_to_first is None else _share(latency.ratio_to_first, 2)]
    return [row.kind, f"{row.bytes / 1e6:.2f}", *shares, agreement, *times]


def _details(report: BenchReport, row: VariantResult) -> Iterator[str]:
    """Every figure with its interval; then what pairing with the float parent gave."""
    name = report.name_of(row)
    if row.drawn is not None:
        yield f"{name}: {row.drawn.words}"
        return
    yield f"{name} 95 %: " + (", ".join(_intervals(row)) or "nothing measured")
    if row.grouped is not None:
        shares = _shares(row.grouped)
        if row.paired is not None and row.paired.grouped_agreement is not None:
            shares.append(("agreement", row.paired.grouped_agreement))
        found = ", ".join(f"{measure} {_interval(share)}" for measure, share in shares)
        counts = group_counts(row.grouped, report.bundle_of(row).labels)
        yield f"{name} 95 % over {row.grouped.groups} groups of images{counts and f' {counts}'}: {found}"
    for paired, parent in ((row.paired, "float32"), (row.paired_first, first_name(report))):
        if paired is None:
            continue
        words = [f"{len(paired.flips)} flipped"]
        if paired.mcnemar is not None:
            words.append(f"{paired.lost} lost and {paired.gained} gained (McNemar p {paired.mcnemar:.2g})")
        if paired.auc_difference.value is not None:
            found = _interval(paired.auc_difference, signed=True)
            if paired.grouped_auc_difference is not None:
                found += f", over groups {_interval(paired.grouped_auc_difference, signed=True)}"
            words.append(f"AUC difference {paired.auc_difference.value:+.3f} ({found})")
        words.append(f"score drift at most {paired.max_drift:.3g}, mean {paired.mean_drift:.2g}")
        if paired.logit_bias is not None:
            words.append(f"logit error {paired.logit_bias:+.3f} on average, standard deviation {paired.logit_sd:.3f}")
        yield f"{name} against {parent}: {', '.join(words)}"


def _intervals(row: VariantResult) -> Iterator[str]:
    named: list[tuple[str, Estimate]] = []
    if row.metrics is not None:
        named += _shares(row.metrics)
    if row.calibration is not None:
        named += [("Brier", row.calibration.brier), ("calibration error", row.calibration.error)]
    if row.paired is not None:
        named.append(("agreement", row.paired.agreement))
    if row.latency is not None and row.paired is not None:
        named.append(("ratio", row.latency.ratio))
    if row.latency is not None and row.latency.ratio_to_first is not None:
        named.append(("ratio to first", row.latency.ratio_to_first))
    for name, item in named:
        value = f" {item.value:.3f}" if name in ("Brier", "calibration error") else ""
        words = f" ({_interval(item)})" if value else f" {_interval(item)}"
        yield f"{name}{value}{words}" if item.low is not None else f"{name}: {item.why or item.method}"


def _shares(metrics: Metrics | GroupMetrics) -> list[tuple[str, Estimate]]:
    names = ("accuracy", "sensitivity", "specificity", "auc")
    return [(name.replace("auc", "AUC"), getattr(metrics, name)) for name in names]


def _interval(estimate: Estimate, *, signed: bool = False) -> str:
    return interval(estimate, signed=signed) or estimate.why or estimate.method


def _flips(report: BenchReport, row: VariantResult) -> Iterator[str]:
    flips = () if row.paired is None else row.paired.flips
    bundle, name = report.bundle_of(row), report.name_of(row)
    for flip in islice(flips, MOST_FLIPS):
        label = "" if flip.label is None else f" ({bundle.labels[flip.label]})"
        yield (
            f"flip: {flip.id}{label}: float32 {flip.parent:.4f}, {name} {flip.variant:.4f}, "
            f"threshold {bundle.threshold:g}"
        )
    if len(flips) > MOST_FLIPS:
        yield f"flip: {len(flips) - MOST_FLIPS} more of {name}; --json has them all"


def _profile(name: str, profile: Profile | None) -> Iterator[str]:
    if profile is None:
        return
    if profile.why:
        yield f"{name} has no profile: {profile.why}."
    else:
        yield f"{name}: where {sum(item.total_ns for item in profile.operators) / 1e6:.3g} ms go ({profile.method})"
    for item in profile.operators[:MOST_OPERATORS]:
        yield f"  {item.share:6.1%}  {item.total_ns / 1e6:8.3f} ms  {item.calls:4d} × {item.operator}"
    if profile.why_left_out:
        yield f"{name}: which nodes the delegate left out is not known: {profile.why_left_out}."
    left_out = Counter(node.operator for node in profile.left_out)
    if left_out:
        nodes = ", ".join(f"{count} × {operator}" for operator, count in left_out.most_common())
        yield f"{name}: left out by the delegate: {nodes}"


def _share(estimate: Estimate, digits: int = 3) -> str:
    return NOTHING if estimate.value is None else f"{estimate.value:.{digits}f}"


def _milliseconds(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.{1 if nanoseconds >= 1e7 else 3}f}"
