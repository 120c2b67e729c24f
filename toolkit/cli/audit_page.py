"""An audit as one HTML file without scripts; it shows pictures only where a contact sheet is handed in."""

import base64
from collections.abc import Iterable, Iterator

from hemotk.artifacts import AuditReport
from hemotk.benchmarks.markup import Markup, element
from hemotk.benchmarks.page import EMBEDDED_PICTURES, page, section
from hemotk.cli.audit_text import PROBE_HEADINGS, contents, findings, probe_rows

MOST_PAIRS = 200


def render(report: AuditReport, sheet: bytes | None = None) -> str:
    """The whole document; `sheet` is a PNG to embed, which shows pixels of patients."""
    title = f"Audit of {report.folder}"
    opening = element("header", element("h1", title), element("p", f"Made {report.created}.", class_="soft"))
    return page(title, opening, *_sections(report, sheet), policy=EMBEDDED_PICTURES)


def _sections(report: AuditReport, sheet: bytes | None) -> Iterator[Markup]:
    found = list(findings(report))
    lines = element("ul", *(element("li", line) for line in found), class_="wrong")
    yield section("What to act on", lines if found else element("p", "Nothing was found."))
    yield section("Files", _table(("", ""), contents(report)))
    if report.unreadable:
        rows = ((one.path, one.why) for one in report.unreadable)
        yield section("Unreadable files", _table(("file", "why"), rows))
    yield section("What gives the label away", _table(PROBE_HEADINGS, probe_rows(report)), element("p", _PROBES))
    yield from _duplicates(report, sheet)


_PROBES = (
    "Each property is given to a tiny model without the picture. AUC: cross-validated, with 95 % interval. p: how "
    "often permuted labels do as well, adjusted for all probes (Holm). Groups apart: images of a patient and "
    "duplicates lie in one fold."
)


def _duplicates(report: AuditReport, sheet: bytes | None) -> Iterator[Markup]:
    if not report.pairs:
        return
    groups = ((str(len(group)), ", ".join(group)) for group in report.groups)
    yield section("Groups of duplicates", _table(("images", "files"), groups))
    if sheet is not None:
        source = f"data:image/png;base64,{base64.b64encode(sheet).decode()}"
        picture = element("img", src=source, alt="The groups as small pictures", style="max-width: 100%")
        yield section(
            "Contact sheet", element("p", "Shows pixels of patients: handle this file as you do the images."), picture
        )
    rows = (
        (pair.first, pair.second, pair.kind, f"{pair.similarity:.3f}", "mirrored" if pair.mirrored else "")
        for pair in report.pairs[:MOST_PAIRS]
    )
    more = len(report.pairs) - MOST_PAIRS
    note = [element("p", f"{more} weaker pairs are in the JSON alone.")] if more > 0 else []
    yield section("Pairs", _table(("first", "second", "kind", "similarity", ""), rows), *note)


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Markup:
    head = element("thead", element("tr", *(element("th", name) for name in headings)))
    body = element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows))
    return element("table", head, body)
