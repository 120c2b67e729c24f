"""Files and folders that appear whole or not at all, and the checksums that link them."""

import glob
import hashlib
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hemotk.errors import HemotkError

try:
    import fcntl
except ModuleNotFoundError:  # Windows: what a killed process has left there stays
    fcntl = None  # type: ignore[assignment]

# Windows syncs only what may be written.
_SYNCED = "r+b" if fcntl is None else "rb"

_CHUNK = 1 << 20
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

    Raises:
        HemotkError: as `refuse_existing`, or it cannot be written (rights, full disk).
    """
    with writing(path):
        refuse_existing(path, overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = _aside(path, "tmp")
        try:
            with aside.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder aside that becomes `path` when the block ends well, and vanishes when it does not.

    Leftovers of processes that were killed in such a block for the same `path` vanish, too.

    Raises:
        HemotkError: as `refuse_existing`, or the folder cannot be written.
    """
    with writing(path):
        refuse_existing(path, overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(path)
        aside = _aside(path, "tmp")
        aside.mkdir()
        handle = _hold(aside)
        try:
            yield aside
            refuse_existing(path, overwrite)
            publish(aside, path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if handle is not None:
                os.close(handle)


def publish(aside: Path, path: Path) -> None:
    """Sync the folder `aside` and rename it to `path`; what is already there is replaced and only then removed.

    Raises:
        OSError: nothing has changed then.
    """
    for left in aside.glob(".*.tmp"):  # of `write_bytes`, in a process that was killed
        left.unlink()
    for file in aside.rglob("*"):
        if file.is_file():
            with file.open(_SYNCED) as stream:
                os.fsync(stream.fileno())
    if not os.path.lexists(path):
        aside.rename(path)
        return
    old = _aside(path, "old")
    path.rename(old)
    try:
        aside.rename(path)
    except BaseException:
        old.rename(path)
        raise
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink()


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


def _aside(path: Path, ending: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{ending}")


def _remove_left(path: Path) -> None:
    """Remove the folders aside of `path` that nobody holds: their processes were killed."""
    for aside in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.tmp"):
        if aside.is_dir() and (handle := _hold(aside)) is not None:
            shutil.rmtree(aside, ignore_errors=True)
            os.close(handle)


def _hold(folder: Path) -> int | None:
    """Hold `folder` until what this gives is closed, or the process ends in any way.

    None if another process holds it, or the system or its disk knows no locks.
    """
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _is_about(error: OSError, path: Path) -> bool:
    """Whether the system names no file (a full disk), `path`, one of its parents, or what is written aside for it."""
    if error.filename is None:
        return error.errno is not None
    named, target = Path(os.fsdecode(error.filename)).absolute(), path.absolute()
    aside = str(target.with_name(f".{target.name}."))
    return named.is_relative_to(target) or target.is_relative_to(named) or str(named).startswith(aside)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
