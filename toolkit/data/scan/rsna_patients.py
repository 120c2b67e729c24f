"""Whose slices those of the RSNA 2019 layout are: from a table beside them, else from the files' headers.

Patients are numbered in the order of their first slice, so that no artefact holds what a file or a table calls them.
"""

import csv
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hemotk.data.read.dicom import read_tags
from hemotk.data.scan.found import FoundFolder
from hemotk.data.scan.patients import numbered, owners
from hemotk.data.scan.rsna import image_id
from hemotk.errors import HemotkError
from hemotk.progress import Tell, silent

PATIENTS_CSV = "patients.csv"
_HEADER = ("id", "patient")
_TAGS = ("PatientID", "StudyInstanceUID", "Rows", "Columns", "BitsAllocated")
_AT_ONCE = 1024


def known_patients(scanned: FoundFolder, table: Path | None) -> FoundFolder:
    """`scanned` with the patients that `table` says, or `patients.csv` in the folder; without either it stays as it is.

    Raises:
        HemotkError: as `read_table`.
    """
    if table is None:
        table = scanned.folder / PATIENTS_CSV
        if not table.is_file():
            return scanned
    patients = numbered(read_table(table, [image_id(image.path) for image in scanned.images]))
    images = (replace(image, patient=patient) for image, patient in zip(scanned.images, patients, strict=True))
    return replace(scanned, images=tuple(images))


def read_patients(scanned: FoundFolder, tell: Tell = silent) -> list[str]:
    """The number of the patient of each image, from PatientID in the header of each file (without one, as `owners`).

    Pixels are not decoded, but uncompressed files that are too short for theirs are found.

    Raises:
        HemotkError: pydicom is not installed, or files cannot be read, are cut short, or name neither patient nor
            study; all files are looked at before.
    """
    who: list[tuple[str, str]] = []
    errors: list[HemotkError] = []
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(scanned.images), _AT_ONCE):
            paths = [scanned.folder / image.path for image in scanned.images[start : start + _AT_ONCE]]
            for one in pool.map(_who_or_error, paths):
                who.append(("", "") if isinstance(one, HemotkError) else one)
                if isinstance(one, HemotkError):
                    errors.append(one)
                tell("reading headers", len(who), len(scanned.images))
    if errors:
        more = f" ({len(errors) - 1} more files cannot be used)" if len(errors) > 1 else ""
        raise HemotkError(f"{errors[0].sentence.rstrip('.')}{more}.")
    return numbered(owners(who))


def read_table(table: Path, ids: Sequence[str]) -> list[str]:
    """The patient of each of `ids` by `table`, whose header is `id,patient`; the table may name more images.

    Raises:
        HemotkError: it cannot be read, has another header or a row that does not fit it, or names no patient or two
            patients for one of `ids`.
    """
    patients: dict[str, str | None] = dict.fromkeys(ids)
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            if tuple(cell.strip().lower() for cell in next(reader, ())) != _HEADER:
                raise HemotkError(f"{table}: does not begin with the line 'id,patient'; write it so.")
            for row in reader:
                _take_row(table, reader.line_num, row, patients)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HemotkError(f"{table}: cannot be read as UTF-8 comma-separated text; save it again as such.") from error
    missing = [name for name, patient in patients.items() if patient is None]
    if missing:
        raise HemotkError(
            f"{table}: names no patient for {missing[0]} and {len(missing) - 1} other images; add them, or make the "
            "table anew with `hemotk data patients`."
        )
    return [str(patients[name]) for name in ids]


def table_of(scanned: FoundFolder, patients: Sequence[str]) -> bytes:
    """The table that `read_table` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows(zip((image_id(image.path) for image in scanned.images), patients, strict=True))
    return text.getvalue().encode()


def _take_row(table: Path, line: int, row: list[str], patients: dict[str, str | None]) -> None:
    if not row:
        return
    if len(row) != len(_HEADER) or not row[1].strip():
        raise HemotkError(f"{table}, line {line}: is no row of an id and a patient; mend the line.")
    name, patient = image_id(row[0].strip()), row[1].strip()
    if name in patients and patients[name] not in (None, patient):
        raise HemotkError(f"{table}, line {line}: gives {name} another patient than before; correct one of the lines.")
    if name in patients:
        patients[name] = patient


def _who_or_error(path: Path) -> tuple[str, str] | HemotkError:
    try:
        return _who(path)
    except HemotkError as error:
        return error


def _who(path: Path) -> tuple[str, str]:
    """PatientID and StudyInstanceUID, one of them not empty."""
    header = read_tags(path, _TAGS, pixels=False)
    syntax = getattr(header.file_meta, "TransferSyntaxUID", None)
    if syntax is not None and not (syntax.is_compressed or syntax.is_deflated):
        pixels = [header.get(name) for name in ("Rows", "Columns", "BitsAllocated")]
        if not all(isinstance(value, int) for value in pixels) or path.stat().st_size < _bytes(*pixels):
            raise HemotkError(f"{path}: is cut short or holds no pixels; copy the file again or remove it.")
    patient = str(header.get("PatientID") or "").strip()
    study = str(header.get("StudyInstanceUID") or "").strip()
    if not patient and not study:
        raise HemotkError(
            f"{path}: names neither patient nor study, so patients cannot be kept apart; give a table with ‹patients›."
        )
    return patient, study


def _bytes(rows: int, columns: int, bits: int) -> int:
    return rows * columns * bits // 8
