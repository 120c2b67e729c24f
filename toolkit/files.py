"""Files and folders that appear whole or not at all, and the checksums that link them."""

import hashlib
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from hemotk.aside import SYNCED, held, make_file, make_folder, name_aside, parents, remove, tidy
from hemotk.errors import HemotkError

_CHUNK = 1 << 20
# output → the folder aside that this process holds for it
_claims: dict[Path, Path] = {}
_ADDRESS = re.compile(r"(.*\.nii(?:\.gz)?)#(\d{4,9})", re.IGNORECASE | re.DOTALL)
# One of these lies in every folder that a command makes, and begins with its schema.
CARDS = (
    "run.json",
    "bundle.json",
    "testset.json",
    "cv.json",
    "sweep.json",
    "fold1.json",
    "phantoms.json",
    "site.json",
    "events.json",
    "app/src/main/assets/bundle/bundle.json",
    "app/src/main/assets/models/1/bundle/bundle.json",
)


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of `data`, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def file_of(path: Path) -> Path:
    """The file that holds the picture `path`: of the address of a slice, `scan.nii.gz#0017`, what is before the '#'."""
    match = _ADDRESS.fullmatch(str(path))
    return path if match is None else Path(match[1])


def slice_number(path: Path) -> int | None:
    """The number in the address of a slice, `scan.nii.gz#0017`; None for other paths."""
    match = _ADDRESS.fullmatch(path.name)
    return None if match is None else int(match[2])


def sha256_file(path: Path) -> str:
    """SHA-256 of the file at `path`, read in pieces; of the address of a slice, that of the whole volume.

    Raises:
        HemotkError: the file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with file_of(path).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise HemotkError(f"{path}: cannot be read ({_reason(error)}); check the path and its rights.") from error
    return digest.hexdigest()


def unpacked_size(archive: zipfile.ZipFile) -> int:
    """The number of bytes that the members unpack to at most, before any is read.

    Only deflate stops at the size that a member claims: the other methods unpack a whole block whatever is claimed.

    Raises:
        BadZipFile: a member is packed by another method than deflate.
    """
    for member in archive.infolist():
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"a member is packed by method {member.compress_type}, not deflate")
    return sum(member.file_size for member in archive.infolist())


def check_sha256(path: Path, expected: str) -> None:
    """Check that the file at `path` has the SHA-256 `expected`.

    Raises:
        HemotkError: the file is missing, unreadable, or not the one that was recorded.
    """
    actual = sha256_file(path)
    if actual != expected:
        raise HemotkError(
            f"{path}: checksum {actual[:12]}… is not the recorded {expected[:12]}…: the file was changed or cut short; "
            "make it again, or copy it again from where it came from."
        )


def check_files(folder: Path, recorded: Mapping[str, str]) -> None:
    """Check that every file of `folder` has its `recorded` SHA-256.

    Raises:
        HemotkError: as `check_sha256`, about the first that has not.
    """
    for name, sha256 in recorded.items():
        check_sha256(folder / name, sha256)


def printable(text: str | Path) -> str:
    """`text` on one line, doing nothing to a terminal: what is not printable is escaped as Python does, such as \\n."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))


def check_utf8(path: Path, so: str) -> None:
    """Check that the name of `path` can stand in text; `so` is what follows if not ("no output can hold it").

    Raises:
        HemotkError: it is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise HemotkError(f"{printable(path)}: its name is not UTF-8, so {so}; rename it.") from error


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace what is there, unless asked to.

    A folder that is or holds the current one is never replaced, nor one that is neither empty nor made by hemotk.

    Raises:
        HemotkError: `path` exists and `overwrite` is false, or it is such a folder.
    """
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise HemotkError(f"{path}: already exists; choose another name, or add ‹overwrite› to replace it.")
    if Path.cwd().is_relative_to(path.resolve()):
        raise HemotkError(f"{path}: holds the folder you are in and is not replaced; choose another ‹out›.")
    if path.is_dir() and not path.is_symlink():
        with writing(path):
            foreign = any(path.iterdir()) and not any(_is_card(path / name) for name in CARDS)
        if foreign:
            raise HemotkError(f"{path}: is a folder that hemotk did not make; choose another name, or remove it first.")


def keep_out(out: Path, folder: Path, images: Iterable[str] = ()) -> None:
    """Check that writing `out` would not replace the images in `folder`, or any of `images`, paths in it.

    Raises:
        HemotkError: `out` is that folder or holds it, or holds one of the images.
    """
    source, target = folder.resolve(), out.resolve()
    if source.is_relative_to(target):
        raise HemotkError(f"‹out› {out}: is the image folder {folder} or holds it; choose another ‹out›.")
    if target.is_relative_to(source):
        start = f"{target.relative_to(source).as_posix()}/"
        if inside := next((path for path in images if path.startswith(start)), None):
            raise HemotkError(f"‹out› {out}: holds the image {folder / inside} of the split; choose another ‹out›.")


def write_bytes(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write `data` to `path` atomically: aside, synced, renamed.

    What a killed process left of the same file is used up.

    Raises:
        HemotkError: as `refuse_existing`, another process writes the file, or it cannot be written (rights, full disk).
    """
    with new_file(path, overwrite=overwrite) as stream:
        stream.write(data)


@contextmanager
def new_file(path: Path, *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Give an empty file aside to write to that becomes `path` when the block ends well, as `write_bytes` does."""
    with writing(path):
        refuse_existing(path, overwrite)
        with parents(path), held(path, make_file) as aside:
            refuse_existing(path, overwrite)
            with aside.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep other processes from making the folder `path` until the block ends, in which `new_folder` makes it.

    For a command that computes for long before it writes, or that writes several folders.

    Raises:
        HemotkError: another process makes that folder, or nothing can be written beside it.
    """
    place = path.absolute()
    with ExitStack() as stack:
        with writing(path):
            stack.enter_context(parents(path))
            _claims[place] = stack.enter_context(held(path, make_folder))
        try:
            yield
        finally:
            del _claims[place]


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder aside that becomes `path` when the block ends well, and vanishes when it does not.

    Leftovers of processes that were killed in such a block for the same `path` vanish, too.

    Raises:
        HemotkError: as `refuse_existing`, another process makes that folder, or it cannot be written.
    """
    with new_folders(path, overwrite=overwrite) as (aside,):
        yield aside


@contextmanager
def new_folders(*paths: Path, overwrite: bool = False) -> Iterator[tuple[Path, ...]]:
    """`new_folder` for several that belong together: all become theirs, in this order, or none."""
    with ExitStack() as stack:
        asides = tuple(stack.enter_context(_folder_aside(path, overwrite)) for path in paths)
        yield asides
        for path in paths:
            refuse_existing(path, overwrite)
        _publish_all(dict(zip(asides, paths, strict=True)))


@contextmanager
def _folder_aside(path: Path, overwrite: bool) -> Iterator[Path]:
    mine = _claims.get(path.absolute())
    with writing(path):
        refuse_existing(path, overwrite)
        with parents(path), held(path, make_folder) if mine is None else nullcontext(mine) as aside:
            tidy(path)
            refuse_existing(path, overwrite)
            yield aside


def publish(aside: Path, path: Path) -> None:
    """Sync the folder `aside` and rename it to `path`; what is already there is replaced and only then removed.

    Raises:
        OSError: nothing has changed then.
    """
    _publish_all({aside: path})


def _publish_all(paths: Mapping[Path, Path]) -> None:
    for aside in paths:
        for left in aside.glob(".*.tmp"):  # of `write_bytes`, in a process that was killed
            remove(left)
        for file in aside.rglob("*"):
            if file.is_file():
                with file.open(SYNCED) as stream:
                    os.fsync(stream.fileno())
    renamed: list[tuple[Path, Path]] = []
    try:
        for aside, path in paths.items():
            if os.path.lexists(path):
                old = name_aside(path, "old")
                path.rename(old)
                renamed.append((path, old))
            aside.rename(path)
            renamed.append((aside, path))
    except BaseException:
        for before, now in reversed(renamed):
            now.rename(before)
        raise
    for _, old in renamed:
        if old.name.endswith(".old"):
            remove(old)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says against writing `path` into one sentence.

    Errors about other files, such as an input that cannot be read, pass unchanged.

    Raises:
        HemotkError: in place of an OSError of the block.
    """
    try:
        yield
    except OSError as error:
        if not _is_about(error, path):
            raise
        raise HemotkError(
            f"{path}: cannot be written ({_reason(error)}); free some space or choose a folder you may write to."
        ) from error


def _is_card(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return b'"schema": "hemotk.' in stream.read(64)


def _is_about(error: OSError, path: Path) -> bool:
    """Whether the system names no file (a full disk), `path`, one of its parents, or what is written aside for it."""
    if error.filename is None:
        return error.errno is not None
    named, target = Path(os.fsdecode(error.filename)).absolute(), path.absolute()
    aside = str(target.with_name(f".{target.name}."))
    return named.is_relative_to(target) or target.is_relative_to(named) or str(named).startswith(aside)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
