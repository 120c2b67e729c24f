"""A bench report as JUnit XML: one test case per check, for build servers."""

from hemotk.artifacts import HERE, BenchReport, Verdict
from hemotk.benchmarks.figures import what_is_wrong
from hemotk.benchmarks.markup import Markup, element


def render(report: BenchReport) -> str:
    """An XML document with one suite per bundle and machine, in the order of the report."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in report.verdicts:
        groups.setdefault((verdict.bundle, verdict.source), []).append(verdict)
    suites = [_suite(report, bundle, source, found) for (bundle, source), found in groups.items()]
    failed = sum(not verdict.passed for verdict in report.verdicts)
    root = element("testsuites", *suites, name="hemotk bench", tests=len(report.verdicts), failures=failed, errors=0)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'


def _suite(report: BenchReport, bundle: str, source: str, verdicts: list[Verdict]) -> Markup:
    name = bundle if source == HERE else f"{bundle} on {source}"
    cases = [_case(name, verdict) for verdict in verdicts]
    words = "\n".join((report.conclusion, *what_is_wrong(report)))
    return element(
        "testsuite",
        *cases,
        element("system-out", words),
        name=name,
        tests=len(verdicts),
        failures=sum(not verdict.passed for verdict in verdicts),
        errors=0,
        skipped=0,
        timestamp=report.created.partition("+")[0].removesuffix("Z"),
        time=f"{report.seconds:.3f}",
    )


def _case(suite: str, verdict: Verdict) -> Markup:
    failure = (
        () if verdict.passed else (element("failure", verdict.sentence, message=verdict.sentence, type=verdict.limit),)
    )
    return element(
        "testcase", *failure, classname=f"{suite}.{verdict.kind}", name=f"{verdict.kind}: {verdict.limit}", time="0"
    )
