"""Figures by what a table of labels says of each image: subtypes, scanners, anything that has a column."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import ImageRef, Stratum
from hemotk.stats.grouped import evaluate_groups

# The cells of an image's row in a table of labels, by the name of the column in lower case.
Cells: TypeAlias = Mapping[str, str]

# More values of one column are no parts that anybody compares.
MOST_VALUES = 12
BLANK = "(blank)"
_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})


@dataclass(frozen=True)
class Part:
    """Some of the images: those `chosen` (bool [n]) by the `value` of a `column`, or by a `subtype` as in `Stratum`."""

    column: str
    value: str
    subtype: bool
    chosen: NDArray[np.bool_]


def divide(images: Sequence[ImageRef], cells: Mapping[str, Cells]) -> list[Part]:
    """The parts of `images` by every column of `cells`, in the columns' order, the largest part first.

    A column of yes and no whose yes stands on images with label 1 only is a subtype; any other is divided by its
    values, of which the `MOST_VALUES` commonest are kept.
    """
    columns = next(iter(cells.values()), {})
    return [part for column in columns for part in _by(column, images, cells)]


def left_out(images: Sequence[ImageRef], cells: Mapping[str, Cells]) -> tuple[str, ...]:
    """The columns with values that have no figures, and those values; a sentence each without full stop."""
    sentences = []
    for column in next(iter(cells.values()), {}):
        values = Counter(cells.get(image.id, {}).get(column, "") for image in images)
        parts = [part for part in _by(column, images, cells) if not part.subtype]
        if parts and len(values) > MOST_VALUES:
            rest = len(images) - sum(int(part.chosen.sum()) for part in parts)
            sentences.append(
                f"column '{column}' has {len(values)} values: figures are of the {MOST_VALUES} commonest, and {rest} "
                "images are of others"
            )
    return tuple(sentences)


def _by(column: str, images: Sequence[ImageRef], cells: Mapping[str, Cells]) -> Iterator[Part]:
    values = np.array([cells.get(image.id, {}).get(column, "") for image in images], dtype=object)
    marked = np.array([value.lower() in _YES for value in values], bool)
    positive = np.array([image.label == 1 for image in images], bool)
    binary = all(value == "" or value.lower() in _YES | _NO for value in values)
    if binary and marked.any() and not (marked & ~positive).any():
        yield Part(column, "1", True, marked | ~positive)
        return
    for value, _ in Counter(values.tolist()).most_common(MOST_VALUES):
        yield Part(column, value or BLANK, False, values == value)


def stratum(
    part: Part,
    labels: NDArray[np.int_],
    called: NDArray[np.bool_],
    scores: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
) -> Stratum:
    """The figures of decisions `called` and `scores` [n] against `labels` on the images of `part`, over `groups`."""
    chosen = part.chosen
    count = int(chosen.sum())
    places = np.arange(count) if groups is None else groups[chosen]
    metrics = evaluate_groups(labels[chosen], called[chosen], scores[chosen], places)
    return Stratum(
        column=part.column,
        value=part.value,
        subtype=part.subtype,
        images=count,
        positives=int(labels[chosen].sum()),
        groups=None if groups is None else metrics.groups,
        with_positive=None if groups is None else metrics.with_positive,
        accuracy=metrics.accuracy,
        sensitivity=metrics.sensitivity,
        specificity=metrics.specificity,
        auc=metrics.auc,
    )
