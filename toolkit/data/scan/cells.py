"""Columns of a table of labels, whose cells divide the figures of a classifier."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hemotk.artifacts import ImageRef
from hemotk.data.scan.folder import labelled, list_folder
from hemotk.data.scan.found import FoundImage
from hemotk.data.scan.rsna import is_rsna, scan_rsna
from hemotk.data.scan.words import PATIENT_COLUMNS, plain
from hemotk.errors import HemotkError
from hemotk.stats.strata import Cells

MOST_NAMES = 20
# Of fewer patients, a column may tell all apart by chance.
FEWEST_PATIENTS = 12


def read_cells(
    folder: Path, images: Sequence[ImageRef], columns: Sequence[str], classes: tuple[str, str]
) -> dict[str, Cells]:
    """The cells of `columns` (in lower case) by the path of each image that the table of labels in `folder` names.

    Raises:
        HemotkError: `images` without labels, no table, a column that it does not have, or one that names patients,
            or tells exactly the groups of images apart, whatever it is called.
    """
    if any(image.label is None for image in images):
        raise HemotkError(f"{folder}: has no labels to give figures by {', '.join(columns)} of; add a table of them.")
    named = [column for column in columns if _names_patients(column)]
    if named:
        raise HemotkError(f"{folder}: column '{named[0]}' names patients, whom no report does; choose another.")
    rows = rows_of_table(folder, classes)
    there = {name for row in rows for name in row.columns}
    missing = [column for column in columns if column not in there]
    if missing:
        raise no_column(folder, missing, there)
    cells: dict[str, Cells] = {row.path: {column: row.columns.get(column, "") for column in columns} for row in rows}
    for column in columns:
        check_nobody_is_named(column, folder, images, cells)
    return cells


def rows_of_table(folder: Path, classes: tuple[str, str]) -> Sequence[FoundImage]:
    """The images that the table of labels in `folder` names, with their cells; none where there is no table.

    Raises:
        HemotkError: the table does not fit the files.
    """
    if is_rsna(folder):
        return scan_rsna(folder, classes).images
    read = labelled(list_folder(folder), classes, lenient=True)
    return () if read is None else read.images


def no_column(folder: Path, missing: Sequence[str], there: set[str]) -> HemotkError:
    """That the table in `folder` lacks the `missing` columns; names those that are `there` and may be chosen."""
    listed = sorted(column for column in there if not _names_patients(column))
    more = f" and {len(listed) - MOST_NAMES} more" if len(listed) > MOST_NAMES else ""
    asked = " or ".join(map(repr, missing))
    if not listed:
        return HemotkError(f"{folder}: there is no table of labels with a column {asked}; add one beside the images.")
    return HemotkError(
        f"{folder}: its table of labels has no column {asked}: it has {', '.join(listed[:MOST_NAMES])}{more}; choose "
        "one of its columns."
    )


def _names_patients(column: str) -> bool:
    """Whether a column is called like one of patients: reports number groups and name nobody."""
    return plain(column) in PATIENT_COLUMNS


def check_nobody_is_named(column: str, folder: Path, images: Sequence[ImageRef], cells: Mapping[str, Cells]) -> None:
    """Check that `column` does not tell the groups of `images` apart.

    Raises:
        HemotkError: it does.
    """
    pairs = {(image.group, cells.get(image.id, {}).get(column, "")) for image in images}
    groups, values = {group for group, _ in pairs}, {value for _, value in pairs}
    if None not in groups and len(pairs) == len(groups) == len(values) > FEWEST_PATIENTS:
        raise HemotkError(
            f"{folder}: column '{column}' tells exactly the patients apart, whom no report names; choose another."
        )
