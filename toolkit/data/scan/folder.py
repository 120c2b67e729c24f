"""The contents of an image folder: class subfolders, images with a table of labels, or the layout of RSNA 2019."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from hemotk.artifacts import Part
from hemotk.data.read.dicom import is_dicom, was_wrapped
from hemotk.data.read.dicom_headers import patient_numbers, study_numbers
from hemotk.data.read.nifti import volume_of
from hemotk.data.scan import layout as folder_layout
from hemotk.data.scan.found import FoundFolder, FoundImage
from hemotk.data.scan.label_table import Contradiction, TableReader
from hemotk.data.scan.listing import SUFFIXES, Listing, list_folder
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.scan.rsna import IMAGES, TABLE, is_rsna, scan_rsna
from hemotk.data.scan.rsna_patients import known_patients
from hemotk.data.scan.table_place import LABELS_CSV, find_table, tables_in
from hemotk.data.scan.words import DEFAULT_CLASSES
from hemotk.errors import HemotkError

__all__ = [
    "DEFAULT_CLASSES",
    "LABELS_CSV",
    "SUFFIXES",
    "FoundFolder",
    "FoundImage",
    "PatientFrom",
    "labelled",
    "list_folder",
    "scan",
]

FOLDER, FILE_NAME, STUDY = "folder", "file-name", "study"  # what may name patients beside a column
NO_COLUMNS = (FOLDER, FILE_NAME, STUDY)
PatientFrom = str | None


def scan(
    folder: Path,
    classes: tuple[str, str] = DEFAULT_CLASSES,
    patients: Path | None = None,
    patient: PatientFrom = None,
    hu_offset: int | None = None,
) -> FoundFolder:
    """List the labelled images below `folder`, sorted by path; `classes` are the words for label 0 and 1.

    Patients are those of the table of labels, else those that DICOM files name, as numbers, else folders that plainly
    are patients; `patient` says which column instead, or 'folder', 'file-name' or 'study' (of DICOM files). In the
    layout of RSNA 2019 no image is opened, and patients are known only from the table `patients`, or one in the folder.
    `hu_offset` says that 16-bit gray pictures hold Hounsfield units plus that number.

    Raises:
        HemotkError: no folder, no images, only one class, or a table that does not fit the files; as `scan_rsna` and
            `known_patients`; `patients` given for another layout.
    """
    check_classes(classes)
    if folder.is_dir() and is_rsna(folder) and not _rsna_of_pictures(folder):
        return replace(known_patients(scan_rsna(folder, classes), patients), hu_offset=hu_offset)
    if patients is not None:
        raise HemotkError(
            f"‹patients› {patients}: is for a folder with {TABLE}; put a column 'patient' into {LABELS_CSV} instead."
        )
    listing = list_folder(folder)
    scanned = labelled(listing, classes, patient) if listing.files else None
    if scanned is None:
        raise no_labels(listing, classes)
    scanned.check_counts()
    return replace(scanned, hu_offset=hu_offset, reading=(*scanned.reading, *_corrected(scanned)))


def _corrected(scanned: FoundFolder) -> Iterator[str]:
    paths = [scanned.folder / image.path for image in scanned.images]
    with ThreadPoolExecutor(4) as pool:
        count = sum(pool.map(lambda path: is_dicom(path) and was_wrapped(path), paths))
    if count:
        yield f"corrected  {count:6} slices whose negative Hounsfield units had wrapped to large values"


def no_labels(listing: Listing, classes: tuple[str, str]) -> HemotkError:
    """The sentence for a folder in which nothing says what the pictures show."""
    remedy = f"the subfolders {classes[0]}/ and {classes[1]}/"
    if not listing.files:
        return HemotkError(
            f"{listing.folder}: holds no images (PNG, JPEG, TIFF, DICOM and the like){_left_out(listing)}; give a "
            f"folder with {remedy}, or with a {LABELS_CSV}."
        )
    return _stray(listing.folder, listing.files, classes)


def _stray(folder: Path, files: Sequence[str], classes: tuple[str, str]) -> HemotkError:
    """The sentence for `files` of which no folder says the class."""
    more = f", as {len(files) - 1} more pictures do ({listed(files[1:])})" if len(files) > 1 else ""
    tables = tables_in(folder)
    table = f"make one {LABELS_CSV} of {listed([each.name for each in tables])}" if tables else f"add a {LABELS_CSV}"
    return HemotkError(
        f"{folder / files[0]}: lies in neither {classes[0]}/ nor {classes[1]}/{more}; move it, name the two subfolders "
        f"with ‹classes›, or {table}."
    )


def _several_tables(tables: Sequence[Path]) -> str:
    names = listed([table.name for table in tables])
    return f"{names}: several tables; make one {LABELS_CSV} of them, with a column 'split' if each is a part"


def check_classes(classes: tuple[str, str]) -> None:
    """The words for label 0 and 1 can be told apart.

    Raises:
        HemotkError: they cannot.
    """
    if classes[0] == classes[1] or not all(classes):
        raise HemotkError("‹classes›: the two class names must be different and not empty.")
    if set(classes) & {"0", "1"} and classes != ("0", "1"):
        raise HemotkError("‹classes›: 0 and 1 are what labels are written as; name the classes in words.")


def labelled(
    listing: Listing,
    classes: tuple[str, str],
    patient: PatientFrom = None,
    *,
    lenient: bool = False,
    table: bool = True,
) -> FoundFolder | None:
    """The pictures of a folder with labels, patients and parts, by its table, which may leave some out, or by folders.

    None if neither gives labels. Unless `lenient`, DICOM files that name no patient are refused, and so are rows with a
    blank label. Without `table` the table is ignored.

    Raises:
        HemotkError: the table does not fit the files or contradicts the folders; a file lies in no class's folder or in
            those of both.
    """
    by_folder = folder_layout.class_labels(listing.files, classes)
    scanned = _from_any_table(listing, _Ask(classes, patient, lenient), by_folder) if table else ()
    if isinstance(scanned, FoundFolder):
        return _with_patients(_with_parts(scanned), patient, lenient)
    if not by_folder:
        return None
    scanned = replace(
        _from_folders(listing, classes, by_folder), reading=(*_by_folders_lines(listing, by_folder), *scanned)
    )
    return _with_patients(_with_parts(scanned), patient, lenient)


def _from_any_table(listing: Listing, ask: "_Ask", by_folder: dict[str, int]) -> FoundFolder | tuple[str, ...]:
    """Read the folder by its table; if a table that may be of labels does not fit, return a line on that.

    Raises:
        HemotkError: the table is plainly meant and does not fit, or it contradicts the folders.
    """
    table, meant = find_table(listing)
    if table is None:
        several = tables_in(listing.folder)
        return (f"not used   {_several_tables(several)}",) if several else ()
    folders_tell = len(by_folder) == len(listing.files)
    try:
        return _from_table(table, listing, ask, by_folder)
    except Contradiction:
        raise
    except HemotkError as error:
        named = table.name == LABELS_CSV and table.parent == listing.folder
        if named or not by_folder or (meant and not folders_tell):
            raise
        return (f"not used   {table.name}: {str(error).removeprefix(f'{table}')[:200].lstrip(':, ')}",)


@dataclass(frozen=True)
class _Ask:
    """The arguments for reading a folder: those of `labelled`."""

    classes: tuple[str, str]
    patient: PatientFrom
    lenient: bool


def _from_table(table: Path, listing: Listing, ask: _Ask, by_folder: dict[str, int]) -> FoundFolder:
    reader = TableReader(table, listing.files, SUFFIXES, ask.classes)
    said = reader.read(None if ask.patient in NO_COLUMNS else ask.patient, by_folder, ask.lenient)
    images = said.images if ask.patient not in NO_COLUMNS else tuple(replace(one, patient=None) for one in said.images)
    return FoundFolder(
        listing.folder,
        ask.classes,
        images,
        unlabelled=len(listing.files) - len(images) - said.blank,
        missing=said.missing,
        repeated=said.repeated,
        reading=(*said.how, *([f"left out   {said.blank:6} images whose label is blank"] if said.blank else [])),
        left_out=_without(listing.left_out, table),
    )


def _from_folders(listing: Listing, classes: tuple[str, str], labels: Mapping[str, int]) -> FoundFolder:
    stray = [file for file in listing.files if file not in labels]
    if stray:
        raise _stray(listing.folder, stray, classes)
    both = folder_layout.two_classes_at_once(listing.files, classes)
    if both:
        raise HemotkError(
            f"{listing.folder / both[0]}: lies below folders of both classes, as {len(both)} pictures do "
            f"({listed(both)}); move them."
        )
    return FoundFolder(
        listing.folder,
        classes,
        tuple(FoundImage(file, labels[file]) for file in listing.files),
        left_out=listing.left_out,
    )


def _by_folders_lines(listing: Listing, labels: Mapping[str, int]) -> Iterator[str]:
    names = [listed(sorted(folder_layout.names_of(listing.files, labels, label))) for label in (0, 1)]
    told = " and ".join(f"{name}/ ({label})" for label, name in enumerate(names) if name)
    yield f"read       label by the folders {told}"
    volumes = {volume for file in listing.files if (volume := volume_of(file))}
    if volumes:
        yield (
            f"labels     of {counted(len(volumes), 'volume')} are of the whole scan: slices without a bleed have "
            "the label of their scan, too"
        )


def _with_parts(scanned: FoundFolder) -> FoundFolder:
    """The parts that folders such as train/ and test/ give, where no table does."""
    if scanned.given:
        return _said(scanned, _parts_line(scanned.images, "by the table"))
    files = [image.path for image in scanned.images]
    parts = folder_layout.given_parts(files)
    if not parts:
        like = folder_layout.folders_like_parts(scanned.folder, files, scanned.classes)
        names = "" if like is None else like.example()
        return _said(scanned, names and f"not used   folders {names}, which may name parts: images are dealt anew")
    images = tuple(replace(image, part=parts[image.path]) for image in scanned.images)
    return _said(replace(scanned, images=images), _parts_line(images, "by folders"))


def _parts_line(images: Sequence[FoundImage], how: str) -> str:
    counts: Counter[Part | None] = Counter(image.part for image in images)
    return f"parts      {how}: " + ", ".join(f"{part} {count}" for part, count in counts.most_common())


@dataclass(frozen=True)
class _Who:
    """The patient of each image by its path, and how that is known."""

    of: Mapping[str, str]
    line: str


def _with_patients(scanned: FoundFolder, patient: PatientFrom, lenient: bool) -> FoundFolder:
    """Patients from the files' headers or the folders, where the table names none."""
    if all(image.patient is not None for image in scanned.images):
        return scanned
    who = _wanted(scanned, patient) if patient in NO_COLUMNS else _told(scanned, patient, lenient)
    images = tuple(replace(image, patient=who.of.get(image.path, image.patient)) for image in scanned.images)
    return _volumes_as_patients(_said(replace(scanned, images=images), who.line))


def _volumes_as_patients(scanned: FoundFolder) -> FoundFolder:
    """The slices of a volume whose patient is not known are one patient."""
    alone = {
        image.path: volume for image in scanned.images if image.patient is None and (volume := volume_of(image.path))
    }
    if not alone:
        return scanned
    images = tuple(replace(image, patient=image.patient or alone.get(image.path)) for image in scanned.images)
    count = counted(len(set(alone.values())), "volume")
    return _said(replace(scanned, images=images), f"patients   {count} of unknown patients: each counts as one patient")


def _told(scanned: FoundFolder, patient: PatientFrom, lenient: bool) -> _Who:
    """Patients that DICOM headers name, else those of folders that plainly are patients."""
    paths = [image.path for image in scanned.images]
    unknown = [image.path for image in scanned.images if image.patient is None]
    numbers = patient_numbers(scanned.folder, unknown, leave_out=lenient)
    if numbers:
        some = "" if len(numbers) == len(paths) else f" of {len(numbers)} of {len(paths)} files"
        line = f"patients   {len(set(numbers.values()))}, by the DICOM headers{some}"
        return _Who(numbers, line + _placeholder(scanned.folder, numbers))
    if patient is not None:
        raise HemotkError(
            f"‹patient› {patient}: {scanned.folder} has no table with such a column; add one, or take folder or "
            "file-name."
        )
    level, plainly = folder_layout.patient_level(
        paths, {one.path: one.label for one in scanned.images}, scanned.classes
    )
    if level is not None and plainly:
        return _Who(level.names, f"patients   {len(set(level.names.values()))}, by folders ({level.example()})")
    if level is not None:
        return _Who({}, f"patients   not known; the folders {level.example()} may be: --patient folder")
    named = folder_layout.file_name_patients(paths)
    if named is not None:
        return _Who(
            {},
            f"patients   not known; the files' names may begin with them ({named.example()}): --patient file-name",
        )
    return _Who({}, "patients   not known")


def _placeholder(folder: Path, numbers: Mapping[str, str]) -> str:
    """A hint for the case that all files name one patient but several studies, or that a study names several."""
    if len(numbers) < 2:
        return ""
    study_of = study_numbers(folder, list(numbers))
    if len(set(numbers.values())) > 1:
        return _parted_studies(numbers, study_of)
    studies = len(set(study_of.values()))
    if studies < 2:
        return ""
    return (
        f": PatientID is the same in all {len(numbers)} files, though they are of {studies} studies, and may be a "
        "placeholder: --patient study keeps the slices of a study together"
    )


def _parted_studies(numbers: Mapping[str, str], study_of: Mapping[str, str]) -> str:
    """A hint for studies whose files name several patients, as where each file was given an id of its own."""
    named: dict[str, set[str]] = {}
    for file, study in study_of.items():
        named.setdefault(study, set()).add(numbers[file])
    parted = sum(len(patients) > 1 for patients in named.values())
    if not parted or len(named) < 2:  # one study for all files is a placeholder itself
        return ""
    return (
        f": in {parted} of {len(named)} studies PatientID differs from file to file, though a study is of one patient: "
        "--patient study keeps the slices of a study together"
    )


def _wanted(scanned: FoundFolder, patient: PatientFrom) -> _Who:
    paths = [image.path for image in scanned.images]
    if patient == STUDY:
        numbers = study_numbers(scanned.folder, paths)
        if len(numbers) < len(paths):
            raise HemotkError(
                f"{scanned.folder}: {len(paths) - len(numbers)} of {len(paths)} pictures name no study; add a column "
                "'patient' to a table."
            )
        return _Who(numbers, f"patients   {len(set(numbers.values()))}, taken from the studies in the DICOM headers")
    if patient == FOLDER:
        level, _ = folder_layout.patient_level(paths, {one.path: one.label for one in scanned.images}, scanned.classes)
    else:
        level = folder_layout.file_name_patients(paths)
    if level is None:
        raise HemotkError(f"{scanned.folder}: no {patient} names at least three patients; add a column 'patient'.")
    how = "folders" if patient == FOLDER else "the files' names"
    return _Who(level.names, f"patients   {len(set(level.names.values()))}, by {how} ({level.example()})")


def _said(scanned: FoundFolder, line: str) -> FoundFolder:
    return replace(scanned, reading=(*scanned.reading, line)) if line else scanned


def _rsna_of_pictures(folder: Path) -> bool:
    """Whether the folder has the table of RSNA 2019 beside pictures that are no DICOM files."""
    images = folder / IMAGES
    if images.is_dir() and any(path.suffix.lower() == ".dcm" for path in images.iterdir()):
        return False
    return bool(list_folder(folder).files)


def _without(left_out: Mapping[str, int], table: Path) -> dict[str, int]:
    """The counts of left-out files without the table, which was read."""
    suffix = table.suffix.lower()
    counts = {reason: count - (reason == suffix) for reason, count in left_out.items()}
    return {reason: count for reason, count in counts.items() if count}


def _left_out(listing: Listing) -> str:
    if not listing.left_out:
        return ""
    return ", but " + ", ".join(counted(count, f"{reason} file") for reason, count in listing.left_out.items())
