"""Looks for names in every byte of a folder: in file names, archives, and what pictures say besides their pixels."""

import io
import json
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from PIL import Image, UnidentifiedImageError

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1")


def found_names(folder: Path, names: Iterable[str]) -> set[str]:
    """Which of `names` stand in a file below `folder`, or in its name; upper and lower case are the same."""
    names, found = set(names), set[str]()
    for path in folder.rglob("*"):
        found |= _found(path.relative_to(folder).as_posix().encode(), names)
        if path.is_file():
            for content in _contents(path.read_bytes()):
                found |= _found(content, names - found)
    return found


def _found(content: bytes, names: set[str]) -> set[str]:
    # In UTF-8, letters beyond ASCII keep their case under `bytes.lower`, so both are looked for.
    content = content.lower()
    return {name for name in names if any(form in content for form in _forms(name))}


def _forms(name: str) -> Iterator[bytes]:
    for case in (name, name.lower(), name.upper()):
        for written in (
            unicodedata.normalize("NFC", case),
            unicodedata.normalize("NFD", case),
            json.dumps(case)[1:-1],
            quote(case),
        ):
            for encoding in ENCODINGS:
                yield written.encode(encoding, "ignore").lower()


def _contents(content: bytes) -> Iterator[bytes]:
    """The bytes themselves; of an archive the members, of a picture its text chunks, EXIF and comments."""
    yield content
    if zipfile.is_zipfile(io.BytesIO(content)):  # also of a .tflite, behind which a zip lies
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from _contents(archive.read(name))
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            yield repr((picture.info, dict(picture.getexif()))).encode()
    except (UnidentifiedImageError, OSError):
        return
