"""The layout of the RSNA 2019 hemorrhage set: `stage_2_train.csv`, six rows an image, beside a folder of DICOM files.

Some 750,000 files are listed here and none is opened: the table and the names in the folder say everything that a split
without patients needs.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from hemotk.data.scan.found import FoundFolder, FoundImage
from hemotk.errors import HemotkError

TABLE = "stage_2_train.csv"
IMAGES = "stage_2_train"
ROWS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
_SUFFIX = ".dcm"
_HEADER = b"id,label"
# The labels of an image's rows as one number: bit k is set by row k with label 0, bit k + 6 by row k with label 1.
_ONES = len(ROWS)
_ALL = (1 << _ONES) - 1
_ANY = 1 << ROWS.index("any")
_CELLS = {
    f"{row},{label}{end}".encode(): 1 << (place + label * _ONES)
    for place, row in enumerate(ROWS)
    for label in (0, 1)
    for end in ("\n", "\r\n", "")
}


def is_rsna(folder: Path) -> bool:
    """Whether `folder` has the table of this layout."""
    return (folder / TABLE).is_file()


def scan_rsna(folder: Path, classes: tuple[str, str]) -> FoundFolder:
    """List the images that both the table and the folder have, by name; the label is that of the row `any`.

    Raises:
        HemotkError: the table or the folder of images is missing, cannot be read, or they have nothing in common; rows
            that are no labels, or that contradict each other; an image without its row `any`; only one class.
    """
    labels, repeated = read_labels(folder / TABLE)
    there = _names(folder / IMAGES)
    named = sorted(name for name in labels if name in there)
    if not named:
        raise HemotkError(
            f"{folder / IMAGES}: holds no image that {TABLE} names, such as {next(iter(labels))}{_SUFFIX}; unpack the "
            "images there."
        )
    scanned = FoundFolder(
        folder,
        classes,
        tuple(FoundImage(f"{IMAGES}/{name}{_SUFFIX}", labels[name]) for name in named),
        unlabelled=len(there) - len(named),
        missing=len(labels) - len(named),
        repeated=repeated,
        unread=True,
        reading=(
            f"read       {TABLE}: label of the row 'any'; pictures in {IMAGES}/; negative values that had "
            "wrapped to large ones are put right as slices are read",
        ),
    )
    scanned.check_counts()
    return scanned


def image_id(path: str) -> str:
    """`stage_2_train/ID_000012eaf.dcm` → `ID_000012eaf`; an id stays as it is."""
    return path.rpartition("/")[2].removesuffix(_SUFFIX)


def read_labels(table: Path) -> tuple[dict[str, int], int]:
    """Label of the row `any` by image id, and how many rows stand in the table twice.

    Raises:
        HemotkError: as `scan_rsna`.
    """
    try:
        with table.open("rb") as stream:
            if stream.readline().removeprefix(b"\xef\xbb\xbf").strip().lower() != _HEADER:
                raise HemotkError(f"{table}: does not begin with the line 'ID,Label'; copy the file again.")
            rows, repeated = _read_rows(table, stream)
    except OSError as error:
        raise HemotkError(f"{table}: cannot be read; check the path and its rights.") from error
    _check_rows(table, rows)
    return {name.decode(): int(bool(code & (_ANY << _ONES))) for name, code in rows.items()}, repeated


def _read_rows(table: Path, lines: Iterable[bytes]) -> tuple[dict[bytes, int], int]:
    rows: dict[bytes, int] = {}
    repeated = 0
    for number, line in enumerate(lines, 2):
        name, _, cell = line.rpartition(b"_")
        bit = _CELLS.get(cell)
        if bit is None or not name or not name.isascii():
            if not line.strip():
                continue
            raise HemotkError(
                f"{table}, line {number}: is no row such as ID_000012eaf_any,0 (id, one of {', '.join(ROWS)}, label 0 "
                "or 1): it was cut short or edited; copy the file again."
            )
        before = rows.get(name, 0)
        if before & bit:
            repeated += 1
        rows[name] = before | bit
    return rows, repeated


def _check_rows(table: Path, rows: dict[bytes, int]) -> None:
    if not rows:
        raise HemotkError(f"{table}: holds no rows; copy the file again.")
    for code in set(rows.values()):
        problem = _problem(code)
        if problem:
            names = [name.decode() for name, other in rows.items() if other == code]
            more = f", as {len(names) - 1} more have" if len(names) > 1 else ""
            raise HemotkError(f"{table}: image {names[0]} {problem}{more}; copy the file again or correct it.")


def _problem(code: int) -> str:
    zeros, ones = code & _ALL, code >> _ONES
    for place, row in enumerate(ROWS):
        if zeros & ones & 1 << place:
            return f"has the label 0 and the label 1 in row '{row}'"
    if not (zeros | ones) & _ANY:
        return "has no row 'any'"
    if zeros & _ANY and ones:
        return "has the label 0 in row 'any' and 1 in another"
    if ones == _ANY and zeros == _ALL - _ANY:
        return "has the label 1 in row 'any' and 0 in every other"
    return ""


def _names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name.removesuffix(_SUFFIX) for entry in entries if entry.name.endswith(_SUFFIX)}
    except OSError as error:
        raise HemotkError(f"{folder}: cannot be read; unpack the images there.") from error
