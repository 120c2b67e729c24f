"""A bench report as one HTML file without scripts.

It shows no image; the ids of flipped images, which are file names, do appear.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hemotk.artifacts import HERE, BenchReport, Profile
from hemotk.benchmarks.report import plots
from hemotk.benchmarks.report.beside import (
    SLICE_HEADINGS,
    SLICE_LEVEL,
    STRATA,
    STRATA_HEADINGS,
    slice_rows,
    strata_rows,
)
from hemotk.benchmarks.report.figures import (
    GROUPED,
    NOTHING,
    PAIRED_HEADINGS,
    Cell,
    cells,
    comparisons,
    device_facts,
    grouped_headings,
    grouped_rows,
    headings,
    label_of,
    megabytes,
    milliseconds,
    not_held,
    paired_cells,
    verdict,
    what_is_wrong,
    what_was_scored,
)
from hemotk.render.markup import Markup, element
from hemotk.render.page import minute, page, section

FLIP_HEADINGS = ("image", "variant", "against", "label", "its probability", "the variant's", "the variant's threshold")
MOST_FLIPS = 200
MOST_OPERATORS = 12


def render(report: BenchReport) -> str:
    """The whole document; the same text for the same report."""
    names = ", ".join(bundle.name for bundle in report.bundles)
    return page(f"{names}: {verdict(report)}", *_sections(report, names))


def _sections(report: BenchReport, names: str) -> Iterator[Markup]:
    yield _opening(report, names)
    yield section("Results", _table(headings(report), (cells(report, row) for row in report.variants)), _intervals())
    yield from _beside("Intervals over groups of images", GROUPED, grouped_headings(report), grouped_rows(report))
    yield from _beside("Beside the slice level", SLICE_LEVEL, SLICE_HEADINGS, slice_rows(report))
    yield from _beside("By columns of the labels", STRATA, STRATA_HEADINGS, strata_rows(report))
    yield from _problems(report)
    yield _pictures(report)
    yield section("Against float32, image by image", *_comparisons(report))
    yield section("Time and memory", _table(*_times(report)))
    yield from _elsewhere(report)
    yield from _profiles(report)
    yield section("Checks", _table(*_checks(report)))
    yield from _environment(report)
    yield section("To repeat this", *_repeat(report))


def _opening(report: BenchReport, names: str) -> Markup:
    failed = [element("li", sentence) for sentence in not_held(report)]
    banner = element(
        "div",
        element("strong", verdict(report)),
        *([element("ul", *failed)] if failed else []),
        *(element("p", f"{line}.", class_="bad caution") for line in report.cautions),
        element("p", report.conclusion),
        class_=_banner(report),
    )
    about = f"{what_was_scored(report)}, measured {minute(report.created)} in {report.seconds:.0f} s."
    return element("header", element("h1", f"Bench of {names}"), element("p", about, class_="soft"), banner)


def _banner(report: BenchReport) -> str:
    if not report.passed:
        return "verdict failed"
    return "verdict undecided" if report.outcomes("cannot tell") else "verdict"


def _beside(title: str, words: str, names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[Markup]:
    if rows:
        yield section(title, element("p", words), _table(names, rows))


def _problems(report: BenchReport) -> Iterator[Markup]:
    lines = [element("li", line) for line in what_is_wrong(report)]
    if lines:
        yield section("What to know about these figures", element("ul", *lines, class_="wrong"))


def _pictures(report: BenchReport) -> Markup:
    """Every plot that the report has figures for."""
    captions: list[tuple[Markup | None, str]] = [
        (plots.latency(report), "Latency: the share of inferences that took so long or less, every sample."),
        (plots.roc(report), "ROC: sensitivity over 1 − specificity; a mark shows the operating threshold."),
        *(
            (
                plots.scatter(report, row),
                f"Scores of {report.name_of(row)} against float32, an image each: ▲ label 1, "
                "● label 0 or none. Red dashes are the threshold, a red ring is a flip.",
            )
            for row in report.variants
        ),
        (plots.reliability(report), "Reliability: on the diagonal probabilities are frequencies."),
        (plots.sizes(report), "File sizes."),
    ]
    figures = [
        element("figure", picture, element("figcaption", words)) for picture, words in captions if picture is not None
    ]
    missing = [] if plots.roc(report) is not None else [element("p", "No ROC curve: " + _why_no_roc(report))]
    return section(
        "Pictures",
        plots.legend(report, report.variants),
        *missing,
        element("div", *figures, class_="plots"),
        class_="pictures",
    )


def _why_no_roc(report: BenchReport) -> str:
    reasons = [row.metrics.auc.why for row in report.variants if row.metrics is not None and row.metrics.auc.why]
    return (reasons or ["no row has scores for labelled images"])[0] + "."


def _comparisons(report: BenchReport) -> Iterator[Markup]:
    rows = [paired_cells(report, *pair) for pair in comparisons(report)]
    yield _table(PAIRED_HEADINGS, rows) if rows else element("p", "There is nothing that could be compared.")
    yield element(
        "p",
        "Gained: images that only the variant gets right; lost: that only what it is held against gets right.",
        class_="soft",
    )
    flips = list(_flips(report))
    if flips:
        yield element("h3", "Flipped images")
        yield _table(FLIP_HEADINGS, flips[:MOST_FLIPS])
    if len(flips) > MOST_FLIPS:
        yield element("p", f"{len(flips) - MOST_FLIPS} more flips are in the JSON of this bench.")
    if rows and not any(row.paired.flips for row in report.variants if row.paired is not None):
        yield element("p", "No image flipped: every decision is that of the variant's own float32.")


def _flips(report: BenchReport) -> Iterator[tuple[Cell, ...]]:
    for row, parent, paired in comparisons(report):
        for flip in paired.flips:
            yield (
                Cell(flip.id),
                Cell(report.name_of(row)),
                Cell(parent),
                Cell(label_of(report, row, flip.label)),
                Cell(f"{flip.parent:.4f}"),
                Cell(f"{flip.variant:.4f}"),
                Cell(f"{report.bundle_of(row).threshold:g}"),
            )


def _times(report: BenchReport) -> tuple[Sequence[str], list[tuple[Cell, ...]]]:
    names = ("variant", "load", "first inference", "median", "p90", "p99", "samples", "peak memory", "before the model")
    rows = []
    for row in report.variants:
        found = [Cell(NOTHING)] * 6
        if row.latency is not None:
            times = row.latency
            found = [
                Cell(milliseconds(ns))
                for ns in (times.load_ns, times.first_ns, times.p50_ns, times.p90_ns, times.p99_ns)
            ]
            found.append(Cell(str(sum(map(len, times.rounds_ns))), f"in {len(times.rounds_ns)} rounds"))
        memory = (row.peak_memory_bytes, row.base_memory_bytes)
        rows.append((Cell(report.name_of(row)), *found, *(Cell(megabytes(count)) for count in memory)))
    return names, rows


def _elsewhere(report: BenchReport) -> Iterator[Markup]:
    """The same file on another machine."""
    rows = [
        (
            Cell(report.name_of(row)),
            Cell(str(row.same_model.images)),
            Cell(str(row.same_model.identical)),
            Cell(str(len(row.same_model.flips))),
            Cell(f"{row.same_model.max_drift:.6f}"),
        )
        for row in report.variants
        if row.same_model is not None
    ]
    if rows:
        names = ("variant", "images compared", "identical outputs", "other decisions", "largest |Δp|")
        yield section("The same files on other machines", _table(names, rows))


def _profiles(report: BenchReport) -> Iterator[Markup]:
    parts = [part for row in report.variants if row.profile for part in _profile(report.name_of(row), row.profile)]
    if parts:
        yield section("Where the time goes", *parts)


def _profile(name: str, profile: Profile) -> Iterator[Markup]:
    yield element("h3", name)
    if profile.why:
        yield element("p", f"No profile: {profile.why}.")
    else:
        yield element("p", f"{profile.method}, {profile.runs} inferences.", class_="soft")
        yield _table(
            ("operator", "calls", "time", "share"),
            [
                (
                    Cell(item.operator),
                    Cell(str(item.calls)),
                    Cell(milliseconds(item.total_ns)),
                    Cell(f"{item.share:.3f}"),
                )
                for item in profile.operators[:MOST_OPERATORS]
            ],
        )
        yield _table(
            ("slowest nodes", "operator", "time", "share"),
            [
                (
                    Cell(item.name or "without a name"),
                    Cell(item.operator),
                    Cell(milliseconds(item.total_ns)),
                    Cell(f"{item.share:.3f}"),
                )
                for item in profile.slowest[:MOST_OPERATORS]
            ],
        )
    if profile.why_left_out:
        yield element("p", f"Which nodes the delegate left out is not known: {profile.why_left_out}.")
    elif profile.left_out:
        counts = Counter(node.operator for node in profile.left_out).most_common()
        left = ", ".join(f"{count} × {operator}" for operator, count in counts)
        yield element("p", f"Left to the interpreter by the delegate: {left}.")
    else:
        yield element("p", "The delegate left no node out.")


def _checks(report: BenchReport) -> tuple[Sequence[str], list[tuple[Cell, ...]]]:
    return ("check", "result", "measured", "limit"), [
        (
            Cell(item.sentence),
            Cell(item.told, "counted as failed" if item.told == "cannot tell" and not item.passed else ""),
            Cell(_number(item.measured)),
            Cell(_number(item.allowed)),
        )
        for item in report.verdicts
    ]


def _environment(report: BenchReport) -> Iterator[Markup]:
    for source in report.sources:
        where = "this machine" if source.name == HERE else source.name
        device = {} if source.device is None else device_facts(source.device)
        yield section(f"Environment: {where}", _facts({**device, **source.environment}))
    yield section("Bundles and settings", *(part for part in _bundles(report)), _facts(report.settings))


def _bundles(report: BenchReport) -> Iterator[Markup]:
    for bundle in report.bundles:
        facts = {
            "bundle": bundle.name,
            "folder": bundle.folder,
            "SHA-256 of its card": bundle.sha256,
            "SHA-256 of its test split": bundle.testset_sha256,
            "input": f"{bundle.size}×{bundle.size}",
            "labels": ", ".join(bundle.labels),
            "threshold": f"{bundle.threshold:g}",
            "temperature": f"{bundle.temperature:g}",
        }
        files = {row.file: row.sha256 for row in report.variants if row.bundle == bundle.name}
        yield _facts({**facts, **{f"SHA-256 of {file}": sha256 for file, sha256 in files.items()}})


def _repeat(report: BenchReport) -> Iterator[Markup]:
    if report.command:
        yield element("pre", element("code", report.command))
    yield element(
        "p",
        "This page shows no image, but names the flipped ones by their file names. Scores decide nothing about a "
        "patient: what so many images can show stands at the top.",
        class_="soft",
    )


def _facts(facts: Mapping[str, Any]) -> Markup:
    """Name and value of every fact, nested ones by their path."""
    pairs = [element("dt", name) + element("dd", value) for name, value in _flat(facts, "")]
    return element("dl", *map(Markup, pairs))


def _flat(facts: Mapping[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}: ")
        elif value is None or value in ("", [], ()):
            yield name, NOTHING
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(map(str, value))
        else:
            yield name, f"{value:.6g}" if isinstance(value, float) else str(value)


def _intervals() -> Markup:
    return element("p", "In brackets 95 % intervals; shares and areas are fractions.", class_="soft")


def _table(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Markup:
    """A table whose first column names its rows; narrow screens show each row as a block of named values."""
    head = element(
        "thead",
        element("tr", *(element("th", name, scope="col", role="columnheader") for name in names), role="row"),
        role="rowgroup",
    )
    body = element("tbody", *(_row(names, row) for row in rows), role="rowgroup")
    return element("table", head, body, role="table")


def _row(names: Sequence[str], row: Sequence[Cell]) -> Markup:
    first, *others = row
    return element(
        "tr",
        element("th", _content(first), scope="row", role="rowheader", class_="name"),
        *(
            element(
                "td", _content(cell), role="cell", data_label=name, class_="nothing" if str(cell) == NOTHING else None
            )
            for name, cell in zip(names[1:], others, strict=True)
        ),
        role="row",
    )


def _content(cell: Cell) -> Markup:
    """Foreign words keep their own direction of writing."""
    more = [element("span", cell.more, class_="more")] if cell.more else []
    return element("span", element("bdi", cell.text), *more)


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4g}"
