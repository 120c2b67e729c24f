"""A bench report as Markdown with pipe tables, for pull requests and wikis."""

import re
from collections.abc import Iterable, Iterator, Sequence

from hemotk.artifacts import BenchReport
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
    PAIRED_HEADINGS,
    Cell,
    cells,
    comparisons,
    device_facts,
    grouped_headings,
    grouped_rows,
    headings,
    label_of,
    not_held,
    paired_cells,
    verdict,
    what_is_wrong,
    what_was_scored,
)
from hemotk.render.markup import printable

MOST_FLIPS = 50
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&$])")


def render(report: BenchReport) -> str:
    """The verdict, the tables, the flips, what is wrong, and how to make it again."""
    names = ", ".join(bundle.name for bundle in report.bundles)
    facts = report.environment
    blocks = [
        [f"## {_text(names)}: {_text(verdict(report))}"],
        [f"> **{_text(line)}.**" for line in report.cautions],
        [f"- {_text(sentence)}" for sentence in not_held(report)],
        [_text(report.conclusion)],
        _table(headings(report), (map(str, cells(report, row)) for row in report.variants)),
        ["In brackets 95 % intervals."],
        *_grouped(report),
        *_beside(SLICE_LEVEL, SLICE_HEADINGS, slice_rows(report)),
        *_beside(STRATA, STRATA_HEADINGS, strata_rows(report)),
        _table(PAIRED_HEADINGS, (map(str, paired_cells(report, *pair)) for pair in comparisons(report))),
        list(_flips(report)),
        [f"- {_text(line)}" for line in what_is_wrong(report)],
        [_text(f"{what_was_scored(report)}, {facts.get('runtime')} {facts.get('runtime_version')}, {report.created}.")],
        [f"- {_text(line)}" for line in _devices(report)],
        ["```", printable(report.command).replace("\n", " ").replace("```", "` ` `"), "```"] if report.command else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _grouped(report: BenchReport) -> Iterator[list[str]]:
    """The table of intervals over groups of images, after a sentence on them; nothing without groups."""
    yield from _beside(GROUPED, grouped_headings(report), grouped_rows(report))


def _beside(words: str, names: Sequence[str], rows: Sequence[Iterable[Cell]]) -> Iterator[list[str]]:
    """A table under what to know of it; nothing without rows."""
    if rows:
        yield [words]
        yield _table(names, (map(str, row) for row in rows))


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A pipe table, or nothing without rows."""
    names = list(columns)
    lines = [_row(cells) for cells in rows]
    return [_row(names), "|" + "---|" * len(names), *lines] if lines else []


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_text, cells)) + " |"


def _flips(report: BenchReport) -> Iterator[str]:
    for row in report.variants:
        flips, bundle = () if row.paired is None else row.paired.flips, report.bundle_of(row)
        for flip in flips[:MOST_FLIPS]:
            yield _text(
                f"- flip: {flip.id} ({label_of(report, row, flip.label)}): float32 {flip.parent:.4f}, "
                f"{report.name_of(row)} {flip.variant:.4f}, threshold {bundle.threshold:g}"
            )
        if len(flips) > MOST_FLIPS:
            yield f"- {len(flips) - MOST_FLIPS} more flips of {_text(report.name_of(row))}; the JSON has them all"


def _devices(report: BenchReport) -> Iterator[str]:
    """Each device that measured something, in a line."""
    for source in report.sources:
        if source.device is not None:
            facts = {**device_facts(source.device), "threads": source.environment.get("threads", "")}
            yield f"{source.name}: " + ", ".join(f"{name} {value}" for name, value in facts.items() if value != "")


def _text(words: str) -> str:
    """Words as themselves on one line, whatever they hold."""
    return _SPECIAL.sub(r"\\\1", " ".join(printable(words).split()))
