"""The tables of `hemotk info` on accuracy and the like."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from hemotk.artifacts import GroupMetrics, Metrics, Part
from hemotk.render.columns import INDENT, columns
from hemotk.render.numbers import NOTHING, with_interval

if TYPE_CHECKING:
    from hemotk.describe.descriptions import PartFacts

Row = tuple[str, ...]


def metrics_table(metrics: Mapping[str, Metrics]) -> Iterator[str]:
    """A column per part or variant."""
    if not metrics:
        return
    yield "metrics (fractions, 95 % intervals)"
    all_metrics = metrics.values()
    rows = [
        ("", *metrics),
        ("images", *(str(one.count) for one in all_metrics)),
        ("with label 1", *(str(one.positives) for one in all_metrics)),
        ("threshold", *(f"{one.threshold:g}" for one in all_metrics)),
        *_shares(all_metrics),
        ("loss", *(f"{one.loss:.4f}" for one in all_metrics)),
        ("Brier score", *(f"{one.brier:.4f}" for one in all_metrics)),
    ]
    yield from columns(rows, INDENT)


def grouped_table(metrics: Mapping[str, GroupMetrics]) -> Iterator[str]:
    """A column per variant, with the intervals that count groups."""
    if not metrics:
        return
    yield "metrics over groups of images (fractions, 95 % intervals; the ones to quote)"
    all_metrics = metrics.values()
    rows = [
        ("", *metrics),
        ("groups", *(str(one.groups) for one in all_metrics)),
        ("with label 1", *(counted(one.with_positive) for one in all_metrics)),
        ("with label 0", *(counted(one.with_negative) for one in all_metrics)),
        *_shares(all_metrics),
    ]
    yield from columns(rows, INDENT)


def _shares(all_metrics: Collection[Metrics | GroupMetrics]) -> Iterator[Row]:
    yield "accuracy", *(with_interval(metrics.accuracy) for metrics in all_metrics)
    yield "sensitivity", *(with_interval(metrics.sensitivity) for metrics in all_metrics)
    yield "specificity", *(with_interval(metrics.specificity) for metrics in all_metrics)
    yield "AUC", *(with_interval(metrics.auc) for metrics in all_metrics)


def counted(count: int | None) -> str:
    """The count, or a dash where it is not known."""
    return NOTHING if count is None else str(count)


def dependent(metrics: Mapping[str, Metrics], parts: "Mapping[Part, PartFacts]") -> Iterator[str]:
    """That the intervals of `metrics` count images, where a scored one of the `parts` has groups of several.

    One line, which names the last such part; no line where each image is a group of its own.
    """
    grouped = [(part, facts) for part, facts in parts.items() if part in metrics and facts.groups < facts.images]
    for part, facts in grouped[-1:]:
        groups = f"{facts.groups} {'group' if facts.groups == 1 else 'groups'} (of one patient, or copies)"
        yield (
            f"intervals  take the images as independent; the {facts.images} {part} images are of {groups}: "
            "the true ones are wider"
        )
