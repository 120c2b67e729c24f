"""The files that `hemotk predict --heatmap` writes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from hemotk.errors import HemotkError

SUFFIX = ".png"


def heatmap_files(target: Path, pictures: Sequence[Path]) -> Mapping[Path, Path]:
    """The file for each picture's heatmap: `target` itself if it ends in .png, else a file in the folder `target`.

    In a folder, each heat map is named after its picture, with .png. If several pictures would give one name, it goes
    to the picture that has exactly this name, else to the first; the others get a number that makes the name unique.

    Raises:
        HemotkError: one file for several pictures, or a file that is no .png.
    """
    if target.suffix.lower() == SUFFIX and not target.is_dir():
        if len(pictures) > 1:
            raise HemotkError(
                f"‹heatmap› {target}: is one file for {len(pictures)} pictures; name a folder for them instead."
            )
        return {pictures[0]: target}
    if target.is_file():
        raise HemotkError(f"‹heatmap› {target}: is a file that is no {SUFFIX}; name a {SUFFIX} file or a folder.")
    return _in_folder(target, list(dict.fromkeys(pictures)))


def renamed(target: Path, heatmaps: Mapping[Path, Path]) -> Mapping[Path, Path]:
    """Those of `heatmap_files` that are called otherwise than their pictures, without the one that is `target`."""
    return {
        picture: file for picture, file in heatmaps.items() if file != target and file.name != _name(picture) + SUFFIX
    }


def _in_folder(folder: Path, pictures: Sequence[Path]) -> Mapping[Path, Path]:
    owners: dict[str, Path] = {}  # by names in small letters: some file systems do not tell A from a
    for picture in sorted(pictures, key=lambda picture: picture.suffix.lower() != SUFFIX):
        owners.setdefault(_name(picture).lower(), picture)
    taken = set(owners)
    numbers: dict[str, count[int]] = defaultdict(lambda: count(2))
    files = {}
    for picture in pictures:
        name = _name(picture)
        if owners[name.lower()] != picture:
            numbered = (f"{name}_{number}" for number in numbers[name.lower()])
            name = next(free for free in numbered if free.lower() not in taken)
            taken.add(name.lower())
        files[picture] = folder / f"{name}{SUFFIX}"
    return files


def _name(picture: Path) -> str:
    """The picture's name without the ending of a picture: what follows the last dot may as well be a DICOM number."""
    from hemotk.data.scan.folder import SUFFIXES

    return picture.stem if picture.suffix.lower() in SUFFIXES else picture.name
