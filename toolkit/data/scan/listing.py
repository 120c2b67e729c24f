"""List the files of a folder that are pictures, and say why others are left out."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hemotk.artifacts.stages import kind_of, not_wanted
from hemotk.data.read.dicom import DICOM_SUFFIXES, is_dicom, why_no_slice
from hemotk.data.read.nifti import WITHOUT_NIBABEL, has_nibabel, is_volume, slice_paths
from hemotk.errors import HemotkError

# Formats that Pillow names and that are no pictures, need another program, or are icons.
_NO_PICTURES = frozenset({"BUFR", "CUR", "EPS", "GRIB", "HDF5", "ICNS", "ICO", "MPEG", "WMF"})


def _picture_suffixes() -> frozenset[str]:
    """The suffixes of all pictures that Pillow opens."""
    Image.init()
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, kind in known if kind in Image.OPEN and kind not in _NO_PICTURES)


SUFFIXES = _picture_suffixes() | DICOM_SUFFIXES
_HIDDEN = "hidden"
_SYSTEM = "thumbnails and recycle bins of file servers and systems"
# Folders that file servers and systems make, in lower case.
_SYSTEM_FOLDERS = frozenset(
    {
        "@eadir", "#recycle", "$recycle.bin", "@recycle", "@recently-snapshot", "#snapshot", "__macosx", "lost+found",
        "system volume information", "thumbs", "thumbnails",
    }
)  # fmt: skip
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})


@dataclass(frozen=True)
class Listing:
    """The pictures below `folder`, paths relative to it with '/', sorted, and how many files are left out by reason."""

    folder: Path
    files: tuple[str, ...]
    left_out: Mapping[str, int]


def list_folder(folder: Path) -> Listing:
    """List every picture below `folder`; DICOM files count whatever they are called, unless they are no slices.

    Volumes are listed as the addresses of their slices.

    Raises:
        HemotkError: no such folder, a folder cannot be listed or is a link, or a picture is a link to nothing: none may
            go missing.
    """
    if found := kind_of(folder):
        raise HemotkError(not_wanted(folder, found, "images"))
    if not folder.is_dir():
        raise HemotkError(f"{folder}: {_no_folder(folder)}")
    left_out: Counter[str] = Counter()
    listed = sorted(_pictures(folder, left_out))
    kinds = _kinds([folder / file for file in listed])
    left_out.update(kind for kind in kinds if kind)
    files = [one for file, kind in zip(listed, kinds, strict=True) if not kind for one in _slices(folder, file)]
    return Listing(folder, tuple(files), dict(sorted(left_out.items(), key=lambda item: (-item[1], item[0]))))


def _slices(folder: Path, file: str) -> list[str]:
    """The slices of a volume; one that cannot be read stays as it is: whoever reads it says why."""
    if not is_volume(file):
        return [file]
    try:
        slices = slice_paths(str(folder / file))
    except HemotkError:
        return [file]
    return [f"{file}#{address.rpartition('#')[2]}" for address in slices]


def _kinds(paths: Sequence[Path]) -> list[str]:
    """The kind of each DICOM file that is no slice; '' for slices and other pictures."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda path: why_no_slice(path) if not is_volume(path) and is_dicom(path) else "", paths))


def _pictures(folder: Path, left_out: "Counter[str]") -> Iterator[str]:
    for place, folders, files in os.walk(folder, onerror=_refuse_unlisted):
        kept = []
        for name in folders:
            reason = _HIDDEN if name.startswith(".") else _SYSTEM if name.lower() in _SYSTEM_FOLDERS else ""
            if reason:
                left_out[reason] += sum(len(inside) for _, _, inside in os.walk(Path(place, name)))
            elif Path(place, name).is_symlink():
                raise HemotkError(
                    f"{Path(place, name)}: is a link to a folder, which is not followed; put the pictures there, or "
                    "name the folder that it leads to."
                )
            else:
                kept.append(name)
        folders[:] = kept
        for name in files:
            path = Path(place, name)
            reason = _why_left_out(path)
            if reason:
                left_out[reason] += 1
            else:
                yield path.relative_to(folder).as_posix()


def _why_left_out(path: Path) -> str:
    """The reason why the file at `path` is no picture to be read; '' if it is one."""
    if path.name.startswith("."):
        return _HIDDEN
    if path.name.lower() in _SYSTEM_FILES:
        return _SYSTEM
    suffix, volume = path.suffix.lower(), is_volume(path)
    if (volume or suffix in SUFFIXES) and path.is_symlink() and not path.exists():
        raise HemotkError(f"{path}: is a link to nothing; fetch the file that it stands for, or remove it.")
    if not path.is_file():
        return "no plain files"
    if volume:
        return "" if has_nibabel() else WITHOUT_NIBABEL
    if suffix in SUFFIXES or is_dicom(path):
        return ""
    return suffix or "without suffix"


def _refuse_unlisted(error: OSError) -> None:
    raise HemotkError(f"{error.filename}: cannot be listed; ask for the right to read it, or move it away.") from error


def _no_folder(path: Path) -> str:
    if not path.exists():
        return "no such folder; check the path."
    if path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        return "is an archive, not a folder; unpack it and name the folder that comes out."
    return "is a file, not a folder; name the folder that holds the pictures."
