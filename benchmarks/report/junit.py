"""A bench report as JUnit XML: one test case per check, for build servers."""

from collections.abc import Iterable

from hemotk.artifacts import HERE, BenchReport, Verdict
from hemotk.benchmarks.report.figures import verdict, what_is_wrong
from hemotk.render.markup import Markup, element


def render(report: BenchReport) -> str:
    """An XML document with one suite per bundle and machine, in the order of the report."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for item in report.verdicts:
        groups.setdefault((item.bundle, item.source), []).append(item)
    suites = [_suite(report, bundle, source, verdicts) for (bundle, source), verdicts in groups.items()]
    failed = _failed(report.verdicts)
    root = element("testsuites", *suites, name="hemotk bench", tests=len(report.verdicts), failures=failed, errors=0)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'


def _suite(report: BenchReport, bundle: str, source: str, verdicts: list[Verdict]) -> Markup:
    name = bundle if source == HERE else f"{bundle} on {source}"
    cases = [_case(name, item) for item in verdicts]
    words = "\n".join((report.conclusion, verdict(report), *what_is_wrong(report)))
    warned = [element("system-err", "\n".join(f"{line}." for line in report.cautions))] if report.cautions else []
    return element(
        "testsuite",
        *cases,
        element("system-out", words),
        *warned,
        name=name,
        tests=len(verdicts),
        failures=_failed(verdicts),
        errors=0,
        skipped=sum(_skipped(item) for item in verdicts),
        timestamp=report.created.partition("+")[0].removesuffix("Z"),
        time=f"{report.seconds:.3f}",
    )


def _case(suite: str, item: Verdict) -> Markup:
    """A check that cannot be told is skipped, or a failure where that was asked for."""
    sentence = item.sentence
    inner = []
    if not item.passed:
        inner = [element("failure", sentence, message=sentence, type=item.limit)]
    elif _skipped(item):
        inner = [element("skipped", message=sentence)]
    return element("testcase", *inner, classname=f"{suite}.{item.kind}", name=f"{item.kind}: {item.limit}", time="0")


def _skipped(item: Verdict) -> bool:
    return item.passed and item.told == "cannot tell"


def _failed(verdicts: Iterable[Verdict]) -> int:
    return sum(not item.passed for item in verdicts)
