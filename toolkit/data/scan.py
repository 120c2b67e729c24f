"""What lies in an image folder: class subfolders, images with a `labels.csv`, or the layout of RSNA 2019."""

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from hemotk.data.dicom import DICOM_SUFFIXES, is_dicom
from hemotk.data.dicom_series import patient_numbers
from hemotk.data.found import FoundFolder, FoundImage
from hemotk.data.rsna import TABLE, is_rsna, scan_rsna
from hemotk.data.rsna_patients import known_patients
from hemotk.errors import HemotkError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"}) | DICOM_SUFFIXES
LABELS_CSV = "labels.csv"
DEFAULT_CLASSES = ("normal", "hemorrhage")
_ID_COLUMNS = ("path", "file", "filename", "id", "image")
_LABEL_COLUMNS = ("hemorrhage", "label")
_PATIENT_COLUMN = "patient"


def scan(folder: Path, classes: tuple[str, str] = DEFAULT_CLASSES, patients: Path | None = None) -> FoundFolder:
    """List the labelled images below `folder`, sorted by path; `classes` are the words for label 0 and 1.

    Patients are those of `labels.csv`, else those that DICOM files name, as numbers. In the layout
    of RSNA 2019 no image is opened, and patients are known only from the table `patients`, or one in the folder.

    Raises:
        HemotkError: no folder, no images, only one class, or a `labels.csv` that does not fit the files; as
            `scan_rsna` and `known_patients`; `patients` given for another layout.
    """
    if not folder.is_dir():
        raise HemotkError(f"{folder}: no such folder; check the path.")
    check_classes(classes)
    if is_rsna(folder):
        return known_patients(scan_rsna(folder, classes), patients)
    if patients is not None:
        raise HemotkError(
            f"--patients {patients}: is for a folder with {TABLE}; put a column 'patient' into {LABELS_CSV} instead."
        )
    files = sorted(relative_images(folder))
    if not files:
        raise HemotkError(
            f"{folder}: holds no images ({', '.join(sorted(SUFFIXES))}); give a folder with the subfolders "
            f"{classes[0]}/ and {classes[1]}/, or with a {LABELS_CSV}."
        )
    images = _with_patients(folder, labelled_images(folder, files, classes))
    found = FoundFolder(folder, classes, images, len(files) - len(images))
    found.check_counts()
    return found


def check_classes(classes: tuple[str, str]) -> None:
    """Two class names that can be told apart.

    Raises:
        HemotkError: they cannot.
    """
    if classes[0] == classes[1] or not all(classes):
        raise HemotkError("--classes: the two class names must be different and not empty.")
    if set(classes) & {"0", "1"} and classes != ("0", "1"):
        raise HemotkError("--classes: 0 and 1 are what labels are written as; name the classes in words.")


def labelled_images(folder: Path, files: list[str], classes: tuple[str, str]) -> tuple[FoundImage, ...]:
    """Labels for `files`, paths relative to `folder`: by its `labels.csv`, which may leave some out, or by subfolder.

    Raises:
        HemotkError: the table does not fit the files, or a file lies in no class's subfolder.
    """
    table = folder / LABELS_CSV
    return _from_table(table, files, classes) if table.is_file() else _from_subfolders(folder, files, classes)


def relative_images(folder: Path) -> Iterator[str]:
    """Every picture below `folder`, hidden ones left out: paths relative to it with '/', in no order.

    DICOM files count whatever they are called.

    Raises:
        HemotkError: a folder cannot be listed or is a link, or a picture is a link to nothing: none may go missing.
    """
    for place, folders, files in os.walk(folder, onerror=_refuse_unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if Path(place, name).is_symlink():
                raise HemotkError(
                    f"{Path(place, name)}: is a link to a folder, which is not followed; put the pictures there, or "
                    "name the folder that it leads to."
                )
        for path in (Path(place, name) for name in files if not name.startswith(".")):
            if path.suffix.lower() in SUFFIXES and path.is_symlink() and not path.exists():
                raise HemotkError(f"{path}: is a link to nothing; fetch the file that it stands for, or remove it.")
            if path.is_file() and (path.suffix.lower() in SUFFIXES or is_dicom(path)):
                yield path.relative_to(folder).as_posix()


def _refuse_unlisted(error: OSError) -> None:
    raise HemotkError(f"{error.filename}: cannot be listed; ask for the right to read it, or move it away.") from error


def _with_patients(folder: Path, images: tuple[FoundImage, ...]) -> tuple[FoundImage, ...]:
    numbers = patient_numbers(folder, [image.path for image in images if image.patient is None])
    return tuple(replace(image, patient=numbers.get(image.path, image.patient)) for image in images)


def _from_subfolders(folder: Path, files: list[str], classes: tuple[str, str]) -> tuple[FoundImage, ...]:
    images = []
    for file in files:
        top = file.partition("/")[0]
        if top not in classes or "/" not in file:
            raise HemotkError(
                f"{folder / file}: lies in neither {classes[0]}/ nor {classes[1]}/; move it, name the two subfolders "
                f"with --classes, or add a {LABELS_CSV}."
            )
        images.append(FoundImage(file, classes.index(top)))
    return tuple(images)


def _from_table(table: Path, files: list[str], classes: tuple[str, str]) -> tuple[FoundImage, ...]:
    header, rows = _read_table(table)
    key = _column(table, header, _ID_COLUMNS)
    label = _column(table, header, _LABEL_COLUMNS)
    if len(set(_LABEL_COLUMNS) & set(header)) > 1:
        raise HemotkError(f"{table}: has columns {' and '.join(map(repr, _LABEL_COLUMNS))}; keep one of them.")
    patient = _column(table, header, (_PATIENT_COLUMN,)) if _PATIENT_COLUMN in header else None
    names = _Names(table, files)
    images: dict[str, FoundImage] = {}
    for line, row in rows:
        path = names.resolve(row[key], line)
        if path in images:
            raise HemotkError(f"{table}, line {line}: '{row[key]}' stands there twice; remove one of the lines.")
        who = row[patient] if patient is not None else ""
        if patient is not None and not who:
            raise HemotkError(f"{table}, line {line}: column 'patient' is blank; fill it in or remove the column.")
        images[path] = FoundImage(path, _label(table, line, row[label], classes), who or None)
    return tuple(images[path] for path in sorted(images))


def _read_table(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HemotkError(f"{table}: cannot be read as UTF-8 comma-separated text; save it again as such.") from error
    lines = [(number, row) for number, row in lines if any(row)]
    if not lines:
        raise HemotkError(f"{table}: is empty; it needs a header such as 'id,hemorrhage' and a line per image.")
    header = [cell.lower() for cell in lines[0][1]]
    for number, row in lines[1:]:
        if len(row) != len(header):
            raise HemotkError(
                f"{table}, line {number}: has {len(row)} cells, the header has {len(header)}; mend the line."
            )
    return header, lines[1:]


def _column(table: Path, header: list[str], names: tuple[str, ...]) -> int:
    for name in names:
        if header.count(name) > 1:
            raise HemotkError(f"{table}: has {header.count(name)} columns '{name}'; keep one of them.")
    for name in names:
        if name in header:
            return header.index(name)
    raise HemotkError(f"{table}: has no column {' or '.join(repr(name) for name in names)}; add one to its header.")


def _label(table: Path, line: int, cell: str, classes: tuple[str, str]) -> int:
    if cell in ("0", "1"):
        return int(cell)
    if cell in classes:
        return classes.index(cell)
    raise HemotkError(
        f"{table}, line {line}: label '{cell}' is unknown; write 0 or 1, '{classes[0]}' or '{classes[1]}', "
        "or name the two words with --classes."
    )


class _Names:
    """Finds the file a table means: by path, or by an id without folder, leading zeros or extension."""

    def __init__(self, table: Path, files: list[str]) -> None:
        self._table = table
        self._paths = set(files)
        self._short: dict[str, list[str]] = {}
        for file in files:
            name = file.rpartition("/")[2]
            stem = PurePosixPath(name).stem
            for short in {name, stem, _without_zeros(stem)}:
                self._short.setdefault(short, []).append(file)

    def resolve(self, cell: str, line: int) -> str:
        if cell in self._paths:
            return cell
        found = self._short.get(cell) or self._short.get(_without_zeros(cell)) or []
        if not found:
            raise HemotkError(
                f"{self._table}, line {line}: no image for '{cell}' below {self._table.parent}; add the file or remove "
                "the line."
            )
        if len(found) > 1:
            raise HemotkError(
                f"{self._table}, line {line}: '{cell}' may be {found[0]} or {found[1]}; write the path instead."
            )
        return found[0]


def _without_zeros(name: str) -> str:
    return name.lstrip("0") or "0" if name.isdigit() else name
