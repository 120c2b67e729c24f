"""What DICOM files say about whom and where they are of: patients as keys, series, places along a series."""

import hmac
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from hemotk.data.dicom import is_dicom, read_tags
from hemotk.errors import HemotkError

_KEY_DIGITS = 16
_SAME_ORIENTATION = 1e-3


@dataclass(frozen=True)
class SliceHeader:
    """Whom a slice is of and where it lies; empty or None is what its file does not say.

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


def patient_keys(folder: Path, files: Sequence[str]) -> dict[str, str]:
    """A key for the patient of each DICOM file among `files`, paths relative to `folder`; others are left out.

    A key is an HMAC-SHA-256 of whom `owners` names, cut to 16 hexadecimal digits. The HMAC's key is made from the
    identifiers of all the slices, which no artefact holds: who has only the artefacts cannot try out patient ids, and
    the same files give the same keys. Other files give others: keys of two folders never compare.

    Raises:
        HemotkError: a file is no DICOM file, or names neither patient nor study.
    """
    files = sorted(file for file in files if is_dicom(folder / file))
    headers = read_headers([folder / file for file in files])
    secret = sha256("\n".join(sorted(header.instance for header in headers)).encode()).digest()
    for file, header in zip(files, headers, strict=True):
        if not header.patient and not header.study:
            raise HemotkError(
                f"{folder / file}: names neither patient nor study, so patients cannot be kept apart; add a column "
                "'patient' to a labels.csv."
            )
    whose = owners([(header.patient, header.study) for header in headers])
    keys = (hmac.new(secret, who.encode(), sha256).hexdigest()[:_KEY_DIGITS] for who in whose)
    return dict(zip(files, keys, strict=True))


def owners(slices: Sequence[tuple[str, str]]) -> list[str]:
    """Whom each slice is of, given the patient and the study that it names, one of them not empty.

    Without a patient it is the patient of the study's other slices, or where those name none or several, the study.
    """
    patients: dict[str, set[str]] = {}
    for patient, study in slices:
        if patient and study:
            patients.setdefault(study, set()).add(patient)
    alone = {study: next(iter(names)) for study, names in patients.items() if len(names) == 1}
    named = ((patient or alone.get(study), study) for patient, study in slices)
    return [f"patient {patient}" if patient else f"study {study}" for patient, study in named]


def places(headers: Sequence[SliceHeader]) -> list[float] | None:
    """Where each slice lies along its series, in mm, else its number there; None where neither tells them all apart.

    The place is the position's component along the normal of the slices' common plane.
    """
    for found in (_heights(headers), [header.number for header in headers]):
        if found and None not in found and len(set(found)) == len(found):
            return [float(place) for place in found if place is not None]
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
    found = tuple(float(value) for value in values)
    return found if np.isfinite(found).all() else None
