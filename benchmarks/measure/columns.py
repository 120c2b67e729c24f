"""Columns of a table of labels, whose cells divide the figures of a bench."""

from collections.abc import Mapping, Sequence

from hemotk.benchmarks.measure.pictures import FoundPictures
from hemotk.data.scan.folder import labelled, list_folder
from hemotk.data.scan.found import FoundImage
from hemotk.data.scan.rsna import is_rsna, scan_rsna
from hemotk.data.scan.words import PATIENT_COLUMNS, plain
from hemotk.errors import HemotkError

MOST_NAMES = 20
# Of fewer patients, a column may tell all apart by chance.
FEWEST_PATIENTS = 12

Cells = Mapping[str, str]


def read_cells(pictures: FoundPictures, columns: Sequence[str], classes: tuple[str, str]) -> dict[str, Cells]:
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


def _of_table(pictures: FoundPictures, classes: tuple[str, str]) -> Sequence[FoundImage]:
    if is_rsna(pictures.folder):
        return scan_rsna(pictures.folder, classes).images
    read = labelled(list_folder(pictures.folder), classes, lenient=True)
    return () if read is None else read.images


def _names_patients(column: str) -> bool:
    """Whether a column is called like one of patients: reports number groups and name nobody."""
    return plain(column) in PATIENT_COLUMNS


def _check_nobody_is_named(column: str, pictures: FoundPictures, cells: Mapping[str, Cells]) -> None:
    pairs = {(image.group, cells.get(image.id, {}).get(column, "")) for image in pictures.images}
    groups, values = {group for group, _ in pairs}, {value for _, value in pairs}
    if None not in groups and len(pairs) == len(groups) == len(values) > FEWEST_PATIENTS:
        raise HemotkError(
            f"{pictures.folder}: column '{column}' tells exactly the patients apart, whom no report names; choose "
            "another."
        )
