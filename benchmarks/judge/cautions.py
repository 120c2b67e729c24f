"""Cautions to show beside a PASS: a classifier that is no better than chance, or than always saying one class."""

from collections.abc import Iterator, Mapping, Sequence

from hemotk.artifacts import Estimate, VariantResult, row_name
from hemotk.render.numbers import with_interval

CHANCE = 0.5


def cautions(rows: Sequence[VariantResult], labels: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """A sentence without full stop for each row and reason; `labels` are each bundle's words for label 0 and 1.

    The AUC's interval counts patients where they are known. It needs to lie above 0.5. Accuracy is compared with the
    share of the commoner class on the same images, as measured. The caution also says whether the interval of the
    accuracy reaches that share.
    """
    several = len({row.bundle for row in rows}) > 1
    return tuple(line for row in rows for line in _of_row(row, row_name(row, several), labels[row.bundle]))


def _of_row(row: VariantResult, name: str, labels: tuple[str, str]) -> Iterator[str]:
    if row.metrics is None:
        return
    figures = row.grouped or row.metrics
    over = f" over {row.grouped.groups} groups of images" if row.grouped is not None else ""
    area = figures.auc
    if area.value is not None and area.low is not None and area.low <= CHANCE:
        yield f"{name}: {_chance(area)} on these images: AUC {with_interval(area)}{over}"
    positives, count = row.metrics.positives, row.metrics.count
    commoner = max(positives, count - positives) / count
    accuracy = figures.accuracy
    if accuracy.value is not None and accuracy.value < commoner:
        label = labels[1] if 2 * positives > count else labels[0]
        within = "which lies within" if accuracy.high is not None and accuracy.high >= commoner else "which is above"
        yield (
            f"{name}: this classifier is less often right than always saying '{label}' on these images: accuracy "
            f"{with_interval(accuracy)}{over} against {commoner:.3f}, {within} that interval"
        )


def _chance(area: Estimate) -> str:
    if area.high is not None and area.high < CHANCE:
        return "this classifier ranks worse than chance"
    return "this classifier cannot be told from chance"
