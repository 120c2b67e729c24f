"""A bench report as annotations of GitHub Actions: lines that the runner reads from a step's output.

The form is GitHub's "workflow commands": `::error title=…::message`, with %, line breaks and, in the title, : and ,
escaped.
"""

from collections.abc import Iterator

from hemotk.artifacts import BenchReport
from hemotk.benchmarks.report.figures import verdict
from hemotk.render.markup import printable


def render(report: BenchReport) -> str:
    """A line for each limit that failed or cannot be told, each caution, and the verdict; no line names an image."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: BenchReport) -> Iterator[str]:
    title = "hemotk bench " + ", ".join(bundle.name for bundle in report.bundles)
    for item in report.verdicts:
        if not item.passed:
            yield _line("error", title, item.sentence)
        elif item.told == "cannot tell":
            yield _line("warning", title, item.sentence)
    for caution in report.cautions:
        yield _line("warning", title, caution)
    yield _line("notice" if report.passed else "error", title, verdict(report))


def _line(kind: str, title: str, message: str) -> str:
    return f"::{kind} title={_escaped(title, ':,')}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(sign):02X}" if sign in f"%\r\n{also}" else sign for sign in printable(text))
