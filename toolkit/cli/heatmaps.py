"""Where `hemotk predict --heatmap` writes what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hemotk.errors import HemotkError
from hemotk.files import refuse_existing

SUFFIX = ".png"


def heatmap_files(target: Path, pictures: Sequence[Path], overwrite: bool) -> Mapping[Path, Path]:
    """The file for each picture's heatmap: `target` itself if it ends in .png, else a file in the folder `target`.

    In a folder they are called as the pictures are, with .png, and numbered from the second of a name on.

    Raises:
        HemotkError: one file for several pictures, a file that exists and `overwrite` is false, or a picture itself.
    """
    if target.suffix.lower() == SUFFIX and not target.is_dir():
        if len(pictures) > 1:
            raise HemotkError(
                f"--heatmap {target}: is one file for {len(pictures)} pictures; name a folder for them instead."
            )
        files: Mapping[Path, Path] = {pictures[0]: target}
    elif target.is_file():
        raise HemotkError(f"--heatmap {target}: is a file that is no {SUFFIX}; name a {SUFFIX} file or a folder.")
    else:
        files = _in_folder(target, pictures)
    originals = {picture.resolve() for picture in pictures}
    for file in files.values():
        if file.resolve() in originals:
            raise HemotkError(f"--heatmap {file}: would replace the picture itself; name another place.")
        refuse_existing(file, overwrite)
    return files


def _in_folder(folder: Path, pictures: Sequence[Path]) -> Mapping[Path, Path]:
    taken: set[str] = set()  # in small letters: some file systems do not tell A from a
    files = {}
    for picture in dict.fromkeys(pictures):
        name, number = picture.stem, 1
        while name.lower() in taken:
            number += 1
            name = f"{picture.stem}_{number}"
        taken.add(name.lower())
        files[picture] = folder / f"{name}{SUFFIX}"
    return files
