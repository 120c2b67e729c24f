"""A bench report in words and as a table for the terminal."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hemotk.artifacts import BenchReport, Estimate, VariantResult

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NOTHING = "–"
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


def conclude(variants: Sequence[VariantResult]) -> str:
    """One sentence on what a test split of this size can show, said of the last variant with scores (int8 first)."""
    usable = [variant for variant in variants if variant.metrics is not None]
    if not usable:
        return "No variant gave usable scores: this bench shows nothing about accuracy."
    chosen = next((variant for variant in usable if variant.kind == "int8"), usable[-1])
    metrics = chosen.metrics
    if metrics is None or metrics.accuracy.value is None:
        return ""
    right = round(metrics.accuracy.value * metrics.count)
    words = (
        f"What {metrics.count} test images can show: {right} of {metrics.count} right ({chosen.kind}) is compatible "
        f"with a true accuracy of {_range(metrics.accuracy)}"
    )
    if chosen.paired is not None:
        flips = len(chosen.paired.flips)
        words += f", and {flips} of {metrics.count} flipped with {_range(chosen.paired.agreement)} agreement with float"
    return words + " (95 % intervals)."


def show(report: BenchReport, console: "Console") -> None:
    """Print the report: table, intervals, failures, flips, warnings, verdicts and the conclusion."""

    def say(words: str, style: str = "") -> None:
        console.print(words, style=style, markup=False, highlight=False, soft_wrap=True)

    console.print(_table(report))
    for variant in report.variants:
        say(_intervals(variant), "dim")
    for variant in report.variants:
        for wrong in (*filter(None, [variant.failure]), *variant.findings):
            say(f"{variant.kind}: {wrong}.", "red")
    for line in _flips(report):
        say(line)
    for warning in report.warnings:
        say(f"Times may not repeat: {warning}.", "yellow")
    failed = [verdict for verdict in report.verdicts if not verdict.passed]
    count = len(report.verdicts)
    say("")
    if failed:
        say(f"FAIL: {len(failed)} of {count} checks do not hold.", "bold red")
    else:
        say(f"PASS: all {count} checks hold.", "bold green")
    for verdict in failed:
        say(f"  {verdict.sentence}")
    say(report.conclusion)


def _table(report: BenchReport) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    facts = report.environment
    title = f"{report.bundles[0].name}: {len(report.images)} test images, {facts.get('runtime')} {facts.get('runtime_version')}"
    table = Table(title=Text(title), box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "variant" else "right", no_wrap=True)
    for variant in report.variants:
        table.add_row(*(Text(cell) for cell in _cells(variant)))
    return table


def _cells(variant: VariantResult) -> list[str]:
    metrics, paired, latency = variant.metrics, variant.paired, variant.latency
    shares = (
        [NOTHING] * 4
        if metrics is None
        else [_share(item) for item in (metrics.accuracy, metrics.sensitivity, metrics.specificity, metrics.auc)]
    )
    if variant.failure:
        shares[0] = "failed"
    times = (
        [NOTHING] * 3
        if latency is None
        else [_milliseconds(latency.p50_ns), _milliseconds(latency.p90_ns), _share(latency.ratio, 2)]
    )
    agreement = NOTHING if paired is None else _share(paired.agreement)
    return [variant.kind, f"{variant.bytes / 1e6:.2f}", *shares, agreement, *times]


def _intervals(variant: VariantResult) -> str:
    named: list[tuple[str, Estimate]] = []
    if variant.metrics is not None:
        names = ("accuracy", "sensitivity", "specificity", "auc")
        named += [(name.replace("auc", "AUC"), getattr(variant.metrics, name)) for name in names]
    if variant.paired is not None:
        named.append(("agreement", variant.paired.agreement))
    if variant.latency is not None and variant.paired is not None:
        named.append(("ratio", variant.latency.ratio))
    words = [
        f"{name} {item.low:.2f}–{item.high:.2f}" if item.low is not None else f"{name}: {item.why or item.method}"
        for name, item in named
    ]
    return f"{variant.kind} 95 %: " + (", ".join(words) or "nothing measured")


def _flips(report: BenchReport) -> Iterator[str]:
    for variant in report.variants:
        for flip in () if variant.paired is None else variant.paired.flips:
            yield (
                f"flip: {flip.id} ({report.bundles[0].labels[flip.label or 0]}): float32 {flip.parent:.4f}, "
                f"{variant.kind} {flip.variant:.4f}, threshold {report.bundles[0].threshold:g}"
            )


def _range(estimate: Estimate) -> str:
    """An interval in whole percent, rounded outwards."""
    low, high = estimate.low or 0.0, 1.0 if estimate.high is None else estimate.high
    return f"{math.floor(100 * low)}–{math.ceil(100 * high)} %"


def _share(estimate: Estimate, digits: int = 3) -> str:
    return NOTHING if estimate.value is None else f"{estimate.value:.{digits}f}"


def _milliseconds(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.{1 if nanoseconds >= 1e7 else 3}f}"
