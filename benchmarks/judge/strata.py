"""Figures by what a table of labels says of each image: subtypes, scanners, anything that has a column."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import ImageRef, Stratum
from hemotk.data.scan.words import PATIENT_COLUMNS, plain
from hemotk.errors import HemotkError
from hemotk.stats.grouped import evaluate_groups

if TYPE_CHECKING:
    from hemotk.benchmarks.measure.pictures import FoundPictures
    from hemotk.data.scan.found import FoundImage

# More values of one column are no parts that anybody compares.
MOST_VALUES = 12
MOST_NAMES = 20
BLANK = "(blank)"
_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no"})

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """Some of the images: those `chosen` (bool [n]) by the `value` of a `column`, or by a `subtype` as in `Stratum`."""

    column: str
    value: str
    subtype: bool
    chosen: NDArray[np.bool_]


def read_cells(pictures: "FoundPictures", columns: Sequence[str], classes: tuple[str, str]) -> dict[str, Cells]:
    """The cells of `columns` (in lower case) by the path of each image that the folder's table of labels names.

    Raises:
        HemotkError: no labels, no table, a column that it does not have, or one that names patients,
            or tells exactly the groups of images apart, whatever it is called.
    """
    if any(image.label is None for image in pictures.images):
        raise HemotkError(
            f"{pictures.folder}: has no labels to give figures by {', '.join(columns)} of; add a table of them."
        )
    named = [column for column in columns if _names_patients(column)]
    if named:
        raise HemotkError(
            f"{pictures.folder}: column '{named[0]}' names patients, whom no report does; choose another."
        )
    images = _of_table(pictures, classes)
    there = {name for image in images for name in image.columns}
    missing = [column for column in columns if column not in there]
    if missing:
        listed = sorted(column for column in there if not _names_patients(column))
        more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
        has = f"it has {', '.join(listed[:MOST_NAMES])}{more}" if listed else "there is none"
        raise HemotkError(
            f"{pictures.folder}: its table of labels has no column {', '.join(map(repr, missing))}: {has}; choose one "
            "of its columns."
        )
    cells: dict[str, Cells] = {
        image.path: {column: image.columns.get(column, "") for column in columns} for image in images
    }
    for column in columns:
        _check_nobody_is_named(column, pictures, cells)
    return cells


def _of_table(pictures: "FoundPictures", classes: tuple[str, str]) -> "Sequence[FoundImage]":
    from hemotk.data.scan.folder import labelled, list_folder
    from hemotk.data.scan.rsna import is_rsna, scan_rsna

    if is_rsna(pictures.folder):
        return scan_rsna(pictures.folder, classes).images
    read = labelled(list_folder(pictures.folder), classes, lenient=True)
    return () if read is None else read.images


def _names_patients(column: str) -> bool:
    """Whether a column is called like one of patients: reports number groups and name nobody."""
    return plain(column) in PATIENT_COLUMNS


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


def _check_nobody_is_named(column: str, pictures: "FoundPictures", cells: Mapping[str, Cells]) -> None:
    pairs = {(image.group, cells.get(image.id, {}).get(column, "")) for image in pictures.images}
    groups, values = {group for group, _ in pairs}, {value for _, value in pairs}
    if None not in groups and len(pairs) == len(groups) == len(values) > MOST_VALUES:
        raise HemotkError(
            f"{pictures.folder}: column '{column}' tells exactly the patients apart, whom no report names; choose "
            "another."
        )


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
