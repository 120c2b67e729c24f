"""What an audit looks at: every picture of a folder, also where no split could be made of it."""

from dataclasses import dataclass
from pathlib import Path

from hemotk.artifacts import Part
from hemotk.data.dicom_series import patient_numbers
from hemotk.data.found import FoundFolder
from hemotk.data.scan import check_classes, labelled_images, relative_images, scan
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
    """A folder to audit; `unlabelled` images were left out, `lines` say in sentences how the folder was read."""

    folder: Path
    classes: tuple[str, str]
    images: tuple[AuditImage, ...]
    unlabelled: int = 0
    lines: tuple[str, ...] = ()


def scan_for_audit(folder: Path, classes: tuple[str, str]) -> AuditFolder:
    """As `scan`, but images need neither labels nor enough of each class; what is missing is said in `lines`.

    Raises:
        HemotkError: no folder, no images, a folder that cannot be listed, or class names that cannot be told apart.
    """
    check_classes(classes)
    try:
        return for_audit(scan(folder, classes))
    except HemotkError as error:
        files = sorted(relative_images(folder)) if folder.is_dir() else []
        if not files:
            raise
        reason = str(error)
    try:
        # One class, or few images of one: labels are known, though no split can be made.
        labelled = labelled_images(folder, files, classes)
    except HemotkError:
        return _unlabelled(folder, classes, files, reason)
    numbers = patient_numbers(folder, [image.path for image in labelled if image.patient is None])
    images = (AuditImage(one.path, one.label, numbers.get(one.path, one.patient)) for one in labelled)
    why = f"no split can be made: {_short(reason, folder)}"
    return AuditFolder(folder, classes, tuple(images), len(files) - len(labelled), (why,))


def for_audit(found: FoundFolder) -> AuditFolder:
    """What an audit needs of a scanned folder."""
    images = (
        AuditImage(image.path, image.label, image.patient, getattr(image, "part", None)) for image in found.images
    )
    return AuditFolder(
        found.folder, found.classes, tuple(images), found.unlabelled, (*_left_out(found), *found.lines())
    )


def _unlabelled(folder: Path, classes: tuple[str, str], files: list[str], reason: str) -> AuditFolder:
    numbers = patient_numbers(folder, files)
    images = tuple(AuditImage(path, None, numbers.get(path)) for path in files)
    return AuditFolder(folder, classes, images, 0, (f"labels are not known: {_short(reason, folder)}",))


def _left_out(found: FoundFolder) -> tuple[str, ...]:
    lines = []
    if found.missing:
        lines.append(f"{found.missing} images that the table of labels names are not there.")
    if found.repeated:
        lines.append(f"{found.repeated} rows of the table of labels stand there twice, with the same labels.")
    return tuple(lines)


def _short(reason: str, folder: Path) -> str:
    """A sentence about the folder without the path to it: reports travel."""
    return reason.replace(f"{folder}: ", "").replace(f"{folder}/", "")
