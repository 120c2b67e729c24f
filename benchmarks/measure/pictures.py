"""Any number of pictures of a folder, or of a split's test part, a few of which are in memory at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import ImageRef, PreprocessSpec, SplitManifest
from hemotk.data.read.dicom_headers import patient_numbers
from hemotk.data.read.nifti import volume_of
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import labelled, list_folder
from hemotk.data.scan.found import left_out_lines
from hemotk.data.scan.rsna import TABLE, is_rsna
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, check_utf8, file_of
from hemotk.stats.groups import group_numbers

CHUNK = 64


@dataclass(frozen=True)
class FoundPictures:
    """The pictures of a folder in the order of their paths; `left_out` counts those that its table does not name.

    `split` is the split whose test part they are, None where they are none. `reading` says in sentences how the folder
    was understood. `columns` has the row of the table of each image by its id, where there is a table.
    """

    folder: Path
    images: tuple[ImageRef, ...]
    left_out: int = 0
    split: SplitManifest | None = None
    reading: tuple[str, ...] = ()
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property  # of all the split's lines, and asked for once per bundle
    def split_sha256(self) -> str:
        """The checksum of `split`, empty where there is none."""
        return "" if self.split is None else self.split.sha256()


def find_pictures(source: Path, classes: tuple[str, str], data: Path | None = None) -> FoundPictures:
    """List the pictures of a folder, or of the test part of a split file, with its labels and groups.

    `data` is the present folder of a split's pictures, if they were moved.

    Raises:
        HemotkError: as `below`; or the split cannot be read or has other classes, or a file of its test part is missing
            or was changed.
    """
    if not source.is_file():
        return below(source, classes)
    split = SplitManifest.read(source)
    if split.classes != classes:
        raise HemotkError(
            f"{source}: its classes are {' and '.join(split.classes)}, those of the bundle {' and '.join(classes)}; "
            "split the folder anew with ‹classes›."
        )
    return _test_part(split, data)


def _test_part(split: SplitManifest, data: Path | None) -> FoundPictures:
    root = split.root(data)
    if not root.is_dir():
        raise HemotkError(f"{root}: no such folder; name the one that holds the split's images with ‹data›.")
    items = split.part("test")
    for item in items:
        path = root / item.path
        check_utf8(path, "no output can hold it")
        if item.sha256 is not None:
            check_sha256(path, item.sha256)
        elif not file_of(path).is_file():
            raise HemotkError(f"{path}: no such file; put it back, or say where the images are with ‹data›.")
    groups = group_numbers([item.group for item in items])
    images = tuple(ImageRef(item.path, item.label, group) for item, group in zip(items, groups, strict=True))
    return FoundPictures(root, images, split=split)


def below(folder: Path, classes: tuple[str, str]) -> FoundPictures:
    """List the pictures below `folder`: with labels by a table or by subfolders named like `classes`, else without.

    Pictures have groups where the table, or DICOM files, name the patient of each.

    Raises:
        HemotkError: no such folder, no pictures, a name that is not UTF-8, labels for some only, or labels of a layout
            that a split is needed for.
    """
    if not folder.is_dir():
        raise HemotkError(f"{folder}: no such folder; check the path.")
    if is_rsna(folder):
        raise HemotkError(
            f"{folder}: the labels of its {TABLE} are read by `hemotk data split`; split it, and name the split file."
        )
    listing = list_folder(folder)
    if not listing.files:
        raise HemotkError(f"{folder}: holds no pictures; name a folder with slices as PNG, JPEG or the like.")
    for file in listing.files:
        check_utf8(folder / file, "no output can hold it")
    scanned = labelled(listing, classes, lenient=True)
    if scanned is not None:
        labels: list[tuple[str, int | None]] = [(image.path, image.label) for image in scanned.images]
        patients = [image.patient for image in scanned.images]
        columns = {image.path: image.columns for image in scanned.images if image.columns}
        left_out, reading = scanned.unlabelled, (*scanned.reading, *left_out_lines(scanned.left_out))
    else:
        labels = [(file, None) for file in listing.files]
        numbers = patient_numbers(folder, listing.files, leave_out=True)
        patients = [numbers.get(file) or volume_of(file) for file in listing.files]
        columns, left_out, reading = {}, 0, ("read       no labels", *left_out_lines(listing.left_out))
    groups = group_numbers(_each_known([file for file, _ in labels], patients))
    images = tuple(ImageRef(file, label, group) for (file, label), group in zip(labels, groups, strict=True))
    return FoundPictures(folder, images, left_out, reading=reading, columns=columns)


def _each_known(files: Sequence[str], patients: list[str | None]) -> list[str | None]:
    """The patient of each image; None where nobody is known.

    If some patients are known, each image without one counts as a patient of its own.
    """
    if not any(patients):
        return patients
    return [patient or f"of {file}" for file, patient in zip(files, patients, strict=True)]


class Chunks:
    """The pictures as network inputs, `CHUNK` at a time, in array files that the next chunk overwrites.

    `files` has one path per size in `specs`, uint8 [n, size, size]. `skipped` grows by a sentence for each picture that
    cannot be read.
    """

    def __init__(self, pictures: FoundPictures, specs: Sequence[PreprocessSpec], scratch: Path) -> None:
        self.files = {spec: scratch / f"{place}.npy" for place, spec in enumerate(dict.fromkeys(specs))}
        self.skipped: list[str] = []
        self._found = pictures

    def __iter__(self) -> Iterator[tuple[ImageRef, ...]]:
        """Write one chunk after the other and say which pictures are in it; empty chunks are passed over."""
        images = self._found.images
        for start in range(0, len(images), CHUNK):
            read = [(image, pixels) for image in images[start : start + CHUNK] if (pixels := self._pixels(image))]
            if read:
                for spec, path in self.files.items():
                    np.save(path, np.stack([pixels[spec] for _, pixels in read]))
                yield tuple(image for image, _ in read)

    def _pixels(self, image: ImageRef) -> dict[PreprocessSpec, NDArray[np.uint8]]:
        """The picture at every size; empty if it cannot be read."""
        try:
            return {spec: load_pixels(self._found.folder / image.id, spec) for spec in self.files}
        except HemotkError as error:
            self.skipped.append(str(error))
            return {}
