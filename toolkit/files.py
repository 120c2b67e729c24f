"""Files and folders that appear whole or not at all, and the checksums that link them."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hemotk.errors import HemotkError

_CHUNK = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of `data`, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of the file at `path`, read in pieces.

    Raises:
        HemotkError: the file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise HemotkError(f"{path}: cannot be read ({_reason(error)}); check the path and its rights.") from error
    return digest.hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Check that the file at `path` has the SHA-256 `expected`.

    Raises:
        HemotkError: the file is missing, unreadable, or not the one that was recorded.
    """
    found = sha256_file(path)
    if found != expected:
        raise HemotkError(
            f"{path}: checksum {found[:12]}… is not the recorded {expected[:12]}…: the file was changed or cut short; "
            "make it again, or copy it again from where it came from."
        )


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to replace what is there, unless asked to.

    Raises:
        HemotkError: `path` exists and `overwrite` is false.
    """
    if path.exists() and not overwrite:
        raise HemotkError(f"{path}: already exists; choose another --out, or add --overwrite to replace it.")


def write_bytes(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write `data` to `path` atomically: aside, synced, renamed.

    Raises:
        HemotkError: `path` exists and `overwrite` is false, or it cannot be written (rights, full disk).
    """
    refuse_existing(path, overwrite)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise


@contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder aside that becomes `path` when the block ends well, and vanishes when it does not.

    Raises:
        HemotkError: `path` exists and `overwrite` is false, or the folder cannot be written.
    """
    refuse_existing(path, overwrite)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        with writing(path):
            yield aside
            aside.chmod(0o755)
            publish(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish(aside: Path, path: Path) -> None:
    """Sync the folder `aside` and rename it to `path`; a folder already there is replaced and only then removed."""
    for file in aside.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
    if not path.exists():
        aside.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
    path.rename(old / "old")
    aside.rename(path)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says while `path` is written into one sentence.

    Raises:
        HemotkError: in place of any OSError of the block.
    """
    try:
        yield
    except OSError as error:
        raise HemotkError(
            f"{path}: cannot be written ({_reason(error)}); free some space or choose a folder you may write to."
        ) from error


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
