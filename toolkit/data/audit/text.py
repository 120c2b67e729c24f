"""The findings of an audit in sentences and tables of words: the same on the terminal and in the page."""

from collections.abc import Iterator, Sequence

from hemotk.artifacts import AuditPair, AuditReport, Probe, ProbeResult
from hemotk.artifacts.audit import FEW_GRAYS, SLICE_LEVEL
from hemotk.render.columns import columns

PROBE_HEADINGS = (
    "property",
    "AUC, single images",
    "p",
    "AUC, groups apart",
    "p",
    "AUC, like slice level",
    "gives the label away",
)
# A terminal has 80 columns. Page and JSON also have the p-values of single images.
_SHORT_HEADINGS = ("property", "AUC of images", "groups apart", "p", "level", "telling")
_MOST_CONTRADICTIONS = 20
_NAMED = 3


def text(report: AuditReport) -> Iterator[str]:
    """The whole report line by line, for a terminal."""
    yield from report.reading or ()
    yield from columns(list(contents(report)))
    for file in report.unreadable:
        yield f"  {file.path}: {file.why}"
    yield ""
    if report.probes:
        yield from columns([_SHORT_HEADINGS, *_short_rows(report)])
        yield (
            "telling: whether this alone gives the label away; level: the AUC among images of like slice level; p: of "
            "groups apart, for all properties together"
        )
        yield ""
    yield from (f"- {line}" for line in findings(report))
    yield from (f"not checked: {line}" for line in report.unchecked or ())


def contents(report: AuditReport) -> Iterator[tuple[str, str]]:
    """Name and value of each fact about the folder's files."""
    (small, middle, large), classes = report.sizes, zip(report.counts, report.classes, strict=True)
    if sum(report.counts):
        yield "images", ", ".join(f"{count} {name}" for count, name in classes)
    unknown = sum(report.kinds.values()) - sum(report.counts)
    if unknown:
        yield "images", f"{unknown} whose label is not known"
    if report.unlabelled:
        yield "without label", f"{report.unlabelled}, left out"
    yield "patients", "not known" if report.patients is None else str(report.patients)
    yield "files", ", ".join(f"{count} {kind}" for kind, count in report.kinds.items())
    yield "on disk", f"{report.bytes / 1e6:.1f} MB"
    yield "width × height", f"{small[0]}×{small[1]} to {large[0]}×{large[1]}, median {middle[0]}×{middle[1]}"
    yield "unreadable", str(len(report.unreadable))
    if report.blank is not None:
        yield "blank", str(len(report.blank))
    if report.few_grays is not None:
        yield f"{FEW_GRAYS} grays or fewer", str(len(report.few_grays))


def findings(report: AuditReport) -> Iterator[str]:
    """The findings to act on, a sentence each."""
    yield from (f"no split can be made: {problem}" for problem in report.problems or ())
    yield from _contradictions(report.contradictions())
    yield from _pictures(report)
    exact = sum(pair.kind == "exact" for pair in report.pairs)
    if report.pairs:
        images = sum(map(len, report.groups))
        yield (
            f"{images} images form {len(report.groups)} groups of duplicates (pairs: {exact} equal, "
            f"{len(report.pairs) - exact} nearly equal or neighbouring): a split by single images would test on what "
            "it trained on; `hemotk data split` keeps them together."
        )
    leaks = report.leaks()
    if leaks:
        yield (
            f"{len(leaks)} pairs lie in two parts, such as {leaks[0].first} and {leaks[0].second}: these parts would "
            "test on what was trained on."
        )
    if report.shared_patients:
        yield f"{report.shared_patients} patients lie in several parts: these parts would test on whom was trained on."
    crossing = sum(pair.same_patient is False for pair in report.pairs)
    if crossing:
        yield f"{crossing} pairs are of two patients by the table: look whether one person has two ids."
    yield from _shortcuts(report)


def probe_rows(report: AuditReport) -> Iterator[tuple[str, ...]]:
    """A row under PROBE_HEADINGS for each probe."""
    explained = report.explained()
    for probe in report.probes:
        cells = [cell for result in (probe.images, probe.groups) for cell in _cells(result)]
        alike = probe.alike
        among = "" if alike is None else alike.why if alike.value is None else f"{alike.value:.2f}"
        if probe in explained:
            verdict = "by slice level"
        else:
            verdict = "yes" if probe.telling(report.patients is not None) else "not shown"
        yield (probe.name, *cells, among, verdict)


def _short_rows(report: AuditReport) -> Iterator[tuple[str, ...]]:
    """The same rows under _SHORT_HEADINGS."""
    for name, images, _, apart, p, among, verdict in probe_rows(report):
        yield (name, images.replace(" to ", "–"), apart.replace(" to ", "–"), p, among, verdict)


def _contradictions(pairs: Sequence[AuditPair]) -> Iterator[str]:
    for pair in pairs[:_MOST_CONTRADICTIONS]:
        yield f"{pair.first} and {pair.second} are equal pictures with different labels: one label is wrong."
    if len(pairs) > _MOST_CONTRADICTIONS:
        yield f"{len(pairs) - _MOST_CONTRADICTIONS} more pairs of equal pictures have different labels."


def _pictures(report: AuditReport) -> Iterator[str]:
    if report.blank:
        yield f"{_some(report.blank)}: nothing can be seen, all is one gray or black and white; leave such slices out."
    if report.few_grays:
        yield (
            f"{_some(report.few_grays)}: {FEW_GRAYS} gray levels or fewer; CT values that were saved in 16 bits "
            "without a window lose all contrast."
        )


def _some(paths: Sequence[str]) -> str:
    named = ", ".join(paths[:_NAMED])
    return named if len(paths) <= _NAMED else f"{named} and {len(paths) - _NAMED} more"


def _shortcuts(report: AuditReport) -> Iterator[str]:
    for probe in report.shortcuts():
        yield f"{probe.name} alone predicts the label: {_how(probe, report)}."
    for probe in report.explained():
        yield (
            f"{probe.name} predicts the label ({_how(probe, report)}) as it follows the slice level: among images of "
            f"like slice level it is not shown to{_among(probe)}."
        )
    level = report.slice_level()
    if level is not None:
        yield (
            f"the {SLICE_LEVEL} alone, told by the share of soft tissue, predicts the label: {_how(level, report)}. No "
            "AUC of these images says anything unless this one stands beside it."
        )


def _among(probe: Probe) -> str:
    if probe.alike is None or probe.alike.value is None:
        return ""
    return f" (AUC {probe.alike.value:.2f})"


def _how(probe: Probe, report: AuditReport) -> str:
    if probe.groups.telling:
        apart = "duplicates and patients" if report.patients is not None else "duplicates"
        return f"AUC {probe.groups.auc.value:.2f} even with {apart} kept apart"
    return f"AUC {probe.images.auc.value:.2f} over single images; with duplicates kept apart it is not shown to"


def _cells(result: ProbeResult) -> tuple[str, str]:
    estimate = result.auc
    if estimate.value is None or result.adjusted is None:
        return estimate.why or "no value", ""
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})", f"{result.adjusted:.3f}"
