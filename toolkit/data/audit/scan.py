"""The images of an audit: every picture of a folder, also where no split could be made of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hemotk.artifacts import Part
from hemotk.data.read.dicom_headers import patient_numbers
from hemotk.data.scan.folder import NO_COLUMNS, PatientFrom, check_classes, labelled, list_folder, no_labels
from hemotk.data.scan.found import FoundFolder, left_out_lines
from hemotk.data.scan.label_table import Contradiction
from hemotk.data.scan.listing import Listing
from hemotk.errors import HemotkError


@dataclass(frozen=True, slots=True)
class AuditImage:
    """One image: path relative to the folder with '/'; label, patient and part where they are known."""

    path: str
    label: int | None = None
    patient: str | None = None
    part: Part | None = None


@dataclass(frozen=True)
class AuditFolder:
    """A folder to audit; `unlabelled` images were left out, `lines` say in sentences how the folder was read.

    `problems` say why no split could be made of it as it is. `hu_offset` is as in `FoundFolder`.
    """

    folder: Path
    classes: tuple[str, str]
    images: tuple[AuditImage, ...]
    unlabelled: int = 0
    lines: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    hu_offset: int | None = None


def scan_for_audit(
    folder: Path, classes: tuple[str, str], patient: PatientFrom = None, hu_offset: int | None = None
) -> AuditFolder:
    """As `scan`, but images need neither labels nor enough of each class; what stands in the way is said.

    Raises:
        HemotkError: no folder, no images, a folder that cannot be listed, or class names that cannot be told apart.
    """
    check_classes(classes)
    listing = list_folder(folder)
    if not listing.files:
        raise no_labels(listing, classes)
    problems: list[str] = []
    try:
        scanned = _labelled(listing, classes, patient, problems)
    except HemotkError as error:
        return _unlabelled(listing, classes, [*problems, _short(error, folder)], hu_offset)
    if scanned is None or not scanned.images:
        why = no_labels(listing, classes) if scanned is None else HemotkError("every label in the table is blank.")
        return _unlabelled(listing, classes, [*problems, _short(why, folder)], hu_offset)
    try:
        scanned.check_counts()
    except HemotkError as error:
        problems.append(_short(error, folder))
    return for_audit(scanned, problems, hu_offset)


def _labelled(
    listing: Listing, classes: tuple[str, str], patient: PatientFrom, problems: list[str]
) -> FoundFolder | None:
    """As `labelled`, but by the folders alone where the table contradicts them, which is added to `problems`."""
    try:
        return labelled(listing, classes, patient, lenient=True)
    except Contradiction as error:
        problems.append(f"{_short(error, listing.folder)} Its labels, patients and parts are not used.")
        return labelled(listing, classes, patient if patient in NO_COLUMNS else None, lenient=True, table=False)


def for_audit(scanned: FoundFolder, problems: Sequence[str] = (), hu_offset: int | None = None) -> AuditFolder:
    """The parts of a scanned folder that an audit needs."""
    images = tuple(AuditImage(image.path, image.label, image.patient, image.part) for image in scanned.images)
    offset = scanned.hu_offset if hu_offset is None else hu_offset
    return AuditFolder(
        scanned.folder, scanned.classes, images, scanned.unlabelled, scanned.lines(), tuple(problems), offset
    )


def _unlabelled(
    listing: Listing, classes: tuple[str, str], problems: Sequence[str], hu_offset: int | None
) -> AuditFolder:
    numbers = patient_numbers(listing.folder, listing.files, leave_out=True)
    images = tuple(AuditImage(path, None, numbers.get(path)) for path in listing.files)
    lines = ("read       labels are not known", *left_out_lines(listing.left_out))
    return AuditFolder(listing.folder, classes, images, 0, lines, tuple(problems), hu_offset)


def _short(error: HemotkError, folder: Path) -> str:
    """A sentence about the folder without the path to it: reports travel."""
    return str(error).replace(f"{folder}: ", "").replace(f"{folder}{os.sep}", "")
