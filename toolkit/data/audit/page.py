"""An audit as one HTML file without scripts; it shows pictures only where a contact sheet is handed in."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from hemotk.artifacts import AuditReport
from hemotk.data.audit.text import PROBE_HEADINGS, contents, findings, probe_rows
from hemotk.render.markup import Markup, element
from hemotk.render.page import EMBEDDED_PICTURES, minute, page, section

MOST_PAIRS = 200


def render(report: AuditReport, sheet: bytes | None = None) -> str:
    """The whole document; `sheet` is a PNG to embed, which shows pixels of patients."""
    title = f"Audit of {PurePath(report.folder).name}"
    opening = element("header", element("h1", title), element("p", f"Made {minute(report.created)}.", class_="soft"))
    return page(title, opening, *_sections(report, sheet), policy=EMBEDDED_PICTURES)


def _sections(report: AuditReport, sheet: bytes | None) -> Iterator[Markup]:
    sentences = list(findings(report))
    lines = element("ul", *(element("li", *_with_code(line)) for line in sentences), class_="wrong")
    yield section("What to act on", lines if sentences else element("p", "Nothing was found."))
    if report.unchecked:
        yield section("What was not checked", element("ul", *(element("li", line) for line in report.unchecked)))
    if report.reading:
        yield section("How the folder was read", element("ul", *(element("li", line) for line in report.reading)))
    yield section("Files", _table(("what", "value"), contents(report)))
    if report.unreadable:
        rows = ((one.path, one.why) for one in report.unreadable)
        yield section("Unreadable files", _table(("file", "why"), rows))
    if report.probes:
        yield section("What gives the label away", _table(PROBE_HEADINGS, probe_rows(report)), element("p", _PROBES))
    yield from _duplicates(report, sheet)


_PROBES = (
    "Each property is given to a tiny model without the picture. AUC: cross-validated, with 95 % interval. p: how "
    "often permuted labels do as well, adjusted for all probes (Holm). Groups apart: images of a patient and "
    "duplicates lie in one fold. Like slice level: over pairs of images with like shares of soft tissue alone, groups "
    "apart; what then says nothing follows the slice level. An AUC below 0.6 gives nothing away."
)


def _duplicates(report: AuditReport, sheet: bytes | None) -> Iterator[Markup]:
    if not report.pairs:
        return
    groups = ((f"{len(group)} images", ", ".join(group)) for group in report.groups)
    yield section("Groups of duplicates", _table(("group", "files"), groups))
    if sheet is not None:
        source = f"data:image/png;base64,{base64.b64encode(sheet).decode()}"
        picture = element("img", src=source, alt="The groups as small pictures", style="max-width: 100%")
        yield section(
            "Contact sheet", element("p", "Shows pixels of patients: handle this file as you do the images."), picture
        )
    rows = (
        (pair.first, pair.second, pair.kind, f"{pair.similarity:.3f}", "yes" if pair.mirrored else "no")
        for pair in report.pairs[:MOST_PAIRS]
    )
    more = len(report.pairs) - MOST_PAIRS
    note = [element("p", f"{more} weaker pairs are in the JSON alone.")] if more > 0 else []
    yield section("Pairs", _table(("first", "second", "kind", "similarity", "mirrored"), rows), *note)


def _with_code(line: str) -> Iterator[Markup]:
    """`line` with what stands between backticks as code."""
    for number, words in enumerate(line.split("`")):
        yield element("code" if number % 2 else "span", words)


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table whose first column names its rows; narrow screens show each row as a block of named values.

    If rows have a single value, the block does not name it.
    """
    columns = (element("th", name, scope="col", role="columnheader") for name in names)
    head = element("thead", element("tr", *columns, role="row"), role="rowgroup")
    body = element("tbody", *(_row(names, row) for row in rows), role="rowgroup")
    return element("table", head, body, role="table", class_="pairs" if len(names) == 2 else None)


def _row(names: Sequence[str], row: Sequence[str]) -> Markup:
    first, *others = row
    # The text is one element: narrow screens lay name and value side by side.
    cells = (
        element("td", element("span", cell), role="cell", data_label=name)
        for name, cell in zip(names[1:], others, strict=True)
    )
    return element("tr", element("th", first, scope="row", role="rowheader", class_="name"), *cells, role="row")
