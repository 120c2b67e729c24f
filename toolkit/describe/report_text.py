"""The lines of `hemotk info` on a bench report's verdicts, and on the slice level beside its figures."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hemotk.render.columns import columns
from hemotk.render.numbers import with_interval

if TYPE_CHECKING:
    from hemotk.describe.descriptions import ReportDescription, ReportRow


def result(report: "ReportDescription") -> str:
    """Passed or failed, and how many limits could not be told."""
    untold = sum(verdict.told == "cannot tell" for verdict in report.verdicts)
    count = f", {untold} of {len(report.verdicts)} limits cannot be told" if untold else ""
    return f"{'passed' if report.passed else 'failed'}{count}"


def slice_level(rows: Iterable["ReportRow"], indent: int) -> Iterator[str]:
    """A column per variant, where the share of soft tissue alone orders the images better than chance."""
    levels_by_kind = {row.kind: row.slice_level for row in rows if row.slice_level and row.slice_level.exceeds_chance}
    if not levels_by_kind:
        return
    yield "AUC beside the slice level (the share of soft tissue alone, which sees no bleed)"
    levels = levels_by_kind.values()
    table = [
        ("", *levels_by_kind),
        ("soft tissue alone", *(with_interval(level.baseline) for level in levels)),
        ("in brain slices", *(with_interval(level.brain) for level in levels)),
        ("brain slices", *(str(level.brain_images) for level in levels)),
    ]
    yield from columns(table, indent)
