"""The WebAssembly that the page runs: kept packed in the package, unpacked against its checksums."""

import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hemotk.errors import HemotkError
from hemotk.files import check_sha256, sha256_bytes

BUILT = Path(__file__).resolve().parent / "built"
ARCHIVE = "runtime.tar.xz"
RECORD = "runtime.json"


@dataclass(frozen=True)
class PageRuntime:
    """`files` by the name of their part; `version` is that of the interpreter, `packages` whence all of it comes."""

    files: Mapping[str, bytes]
    version: str
    packages: Mapping[str, str]


def load_runtime(built: Path = BUILT) -> PageRuntime:
    """Unpack the runtime.

    Raises:
        HemotkError: a file of it is missing or was changed.
    """
    record = json.loads(text_of(RECORD, built))
    check_sha256(built / ARCHIVE, record["archive"])
    try:
        with tarfile.open(fileobj=io.BytesIO((built / ARCHIVE).read_bytes()), mode="r:xz") as archive:
            files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise HemotkError(f"{built / ARCHIVE}: cannot be unpacked; install hemotk again.") from error
    if {name: sha256_bytes(content) for name, content in files.items()} != record["files"]:
        raise HemotkError(f"{built / ARCHIVE}: holds other files than {RECORD} says; install hemotk again.")
    return PageRuntime(files, record["packages"]["@litertjs/core"], record["packages"])


def text_of(name: str, built: Path = BUILT) -> str:
    """The text of a file of the page as it was bundled.

    Raises:
        HemotkError: it is missing.
    """
    try:
        return (built / name).read_text(encoding="utf-8")
    except OSError as error:
        raise HemotkError(f"{built / name}: the page is not installed; install hemotk again.") from error
