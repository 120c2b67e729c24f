"""The origin of slices as DICOM headers give it: patients as numbers, series, places along a series."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemotk.data.read.dicom import is_dicom, read_tags
from hemotk.data.scan.patients import numbered, owners
from hemotk.errors import HemotkError

_SAME_ORIENTATION = 1e-3


@dataclass(frozen=True)
class SliceHeader:
    """The patient and the place of a slice; fields are empty or None where its file does not give them.

    `patient` is what the file calls the patient: it must not leave the memory. `position` [3] in mm and `orientation`
    [6], two unit vectors, are in the patient's coordinates.
    """

    patient: str
    study: str
    series: str
    instance: str
    number: int | None
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None


_TEXTS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_PLACES = ("InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient")


def read_header(path: Path) -> SliceHeader:
    """Read whom and where the DICOM file at `path` is of.

    Raises:
        HemotkError: pydicom is not installed, or the file is missing or no DICOM file.
    """
    dataset = read_tags(path, _TEXTS + _PLACES, pixels=False)
    try:
        number = dataset.get("InstanceNumber")
        return SliceHeader(
            patient=str(dataset.get("PatientID") or "").strip(),
            study=str(dataset.get("StudyInstanceUID") or ""),
            series=str(dataset.get("SeriesInstanceUID") or ""),
            instance=str(dataset.get("SOPInstanceUID") or ""),
            number=None if number is None else int(number),
            position=_floats(dataset.get("ImagePositionPatient"), 3),
            orientation=_floats(dataset.get("ImageOrientationPatient"), 6),
        )
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise HemotkError(f"{path}: has a broken header; mend or remove the file.") from error


def read_headers(paths: Sequence[Path]) -> tuple[SliceHeader, ...]:
    """`read_header` of each path, in order."""
    with ThreadPoolExecutor(4) as pool:
        return tuple(pool.map(read_header, paths))


def patient_numbers(folder: Path, files: Sequence[str], *, leave_out: bool = False) -> dict[str, str]:
    """A number for the patient (`owners`) of each DICOM file among `files`, paths relative to `folder`.

    Patients are numbered in the order of their first file by name, so the same files give the same numbers; those of
    other files never compare. Other pictures are left out, and with `leave_out` also DICOM files that name no patient.

    Raises:
        HemotkError: a DICOM file cannot be read, or names neither patient nor study.
    """
    files = sorted(file for file in files if is_dicom(folder / file))
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(_who_or_error, (folder / file for file in files)))
    if not leave_out:
        for who in said:
            if isinstance(who, HemotkError):
                raise who
    known = [(file, who) for file, who in zip(files, said, strict=True) if not isinstance(who, HemotkError)]
    numbers = numbered(owners([who for _, who in known]))
    return {file: number for (file, _), number in zip(known, numbers, strict=True)}


def _who_or_error(path: Path) -> tuple[str, str] | HemotkError:
    """Patient and study, one of them not empty."""
    try:
        header = read_header(path)
    except HemotkError as error:
        return error
    if header.patient or header.study:
        return header.patient, header.study
    return HemotkError(
        f"{path}: names neither patient nor study, so patients cannot be kept apart; add a column 'patient' to a "
        "labels.csv."
    )


def study_numbers(folder: Path, files: Sequence[str]) -> dict[str, str]:
    """A number for the study (StudyInstanceUID) of each DICOM file that names one, as `patient_numbers` gives."""
    files = sorted(file for file in files if is_dicom(folder / file))
    with ThreadPoolExecutor(4) as pool:
        studies = [header.study for header in pool.map(read_header, (folder / file for file in files))]
    known = [(file, study) for file, study in zip(files, studies, strict=True) if study]
    return dict(zip([file for file, _ in known], numbered([study for _, study in known]), strict=True))


def places(headers: Sequence[SliceHeader]) -> list[float] | None:
    """The place of each slice along its series, in mm, else its number there; None where neither tells them all apart.

    The place is the position's component along the normal of the slices' common plane.
    """
    for values in (_heights(headers), [header.number for header in headers]):
        if values and None not in values and len(set(values)) == len(values):
            return [float(place) for place in values if place is not None]
    return None


def _heights(headers: Sequence[SliceHeader]) -> list[float] | None:
    positions = [header.position for header in headers]
    orientations = [header.orientation for header in headers]
    if None in positions or None in orientations:
        return None
    planes = np.array(orientations, float)
    if np.abs(planes - planes[0]).max() > _SAME_ORIENTATION:
        return None
    heights: list[float] = (np.array(positions, float) @ np.cross(planes[0, :3], planes[0, 3:])).round(3).tolist()
    return heights


def _floats(values: object, count: int) -> tuple[float, ...] | None:
    if not isinstance(values, Sequence) or len(values) != count:
        return None
    numbers = tuple(float(value) for value in values)
    return numbers if np.isfinite(numbers).all() else None
