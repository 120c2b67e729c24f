"""What an audit found, in sentences and tables of words: the same on the terminal and in the page."""

from collections.abc import Iterator

from hemotk.artifacts import AuditReport, Probe, ProbeResult

PROBE_HEADINGS = ("property", "AUC, single images", "p", "AUC, groups apart", "p", "gives the label away")


def contents(report: AuditReport) -> Iterator[tuple[str, str]]:
    """Name and value of each fact about the folder's files."""
    (small, middle, large), classes = report.sizes, zip(report.counts, report.classes, strict=True)
    yield "images", ", ".join(f"{count} {name}" for count, name in classes)
    if report.unlabelled:
        yield "without label", f"{report.unlabelled}, left out"
    yield "patients", "not known" if report.patients is None else str(report.patients)
    yield "files", ", ".join(f"{count} {kind}" for kind, count in report.kinds.items())
    yield "on disk", f"{report.bytes / 1e6:.1f} MB"
    yield "width × height", f"{small[0]}×{small[1]} to {large[0]}×{large[1]}, median {middle[0]}×{middle[1]}"
    yield "unreadable", str(len(report.unreadable))


def findings(report: AuditReport) -> Iterator[str]:
    """What to act on, a sentence each."""
    for pair in report.contradictions():
        yield f"{pair.first} and {pair.second} are equal pictures with different labels: one label is wrong."
    exact = sum(pair.kind == "exact" for pair in report.pairs)
    if report.pairs:
        images = sum(map(len, report.groups))
        yield (
            f"{images} images form {len(report.groups)} groups of duplicates (pairs: {exact} equal, "
            f"{len(report.pairs) - exact} nearly equal or neighbouring): a split by single images would test on what "
            "it trained on; `hemotk data split` keeps them together."
        )
    crossing = sum(pair.same_patient is False for pair in report.pairs)
    if crossing:
        yield f"{crossing} pairs are of two patients by the table: look whether one person has two ids."
    for probe in report.shortcuts():
        yield f"{probe.name} alone predicts the label: {_how(probe)}."


def probe_rows(report: AuditReport) -> Iterator[tuple[str, ...]]:
    """A row under PROBE_HEADINGS for each probe."""
    for probe in report.probes:
        cells = [cell for result in (probe.images, probe.groups) for cell in _cells(result)]
        yield (probe.name, *cells, "yes" if probe.exceeds_chance else "not shown")


def _how(probe: Probe) -> str:
    auc = probe.images.auc.value
    if probe.groups.exceeds_chance:
        return f"AUC {probe.groups.auc.value:.2f} even with duplicates and patients kept apart"
    return f"AUC {auc:.2f} over single images; with duplicates and patients kept apart it is not shown to"


def _cells(result: ProbeResult) -> tuple[str, str]:
    estimate = result.auc
    if estimate.value is None or result.adjusted is None:
        return estimate.why or "no value", ""
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})", f"{result.adjusted:.3f}"
