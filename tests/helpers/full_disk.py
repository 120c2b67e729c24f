"""A disk that is full from a given write on, within this process.

What Python opens is covered: `open` gives a file whose writes fail, and folders and links are not made. A rename fails
only where it is the given write itself: on a full disk it works. What C++ libraries open is not covered.
"""

import builtins
import errno
import io
import os
import pathlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The audit events (PEP 578) of what needs room on a disk, and of the rename that ends a write.
_MADE = frozenset({"open", "os.mkdir", "os.link", "os.symlink", "os.rename"})
_REAL = io.open
_WRITING = os.O_WRONLY | os.O_RDWR


@dataclass
class Disk:
    """What was written below `folder` so far; the write `last`, counted from 0, and what follows it fail.

    With `at_opening` the file itself cannot be made, else its content cannot be written.
    """

    folder: Path
    last: int | None = None
    at_opening: bool = False
    writes: list[str] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether a write has failed."""
        return self.last is not None and len(self.writes) > self.last

    def holds(self, path: Any) -> bool:
        """Whether `path` lies on this disk."""
        return isinstance(path, (str, os.PathLike)) and Path.cwd().joinpath(path).is_relative_to(self.folder)


_disks: list[Disk] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _disks or event not in _MADE:
        return
    disk, place = _disks[-1], arguments[1] if event in {"os.link", "os.symlink"} else arguments[0]
    if (event == "open" and not arguments[2] & _WRITING) or not disk.holds(place):
        return
    disk.writes.append(f"{event} {os.fspath(place)}")
    if not disk.full or (event == "os.rename" and len(disk.writes) - 1 != disk.last):
        return
    if event != "open" or disk.at_opening:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(place))


sys.addaudithook(_watch)


class _FullFile(io.FileIO):
    """A file that takes no byte more."""

    def write(self, data: Any) -> int:
        """Fail as the system does, without a name."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fileno(self) -> int:
        """Let nobody go past `write`."""
        raise io.UnsupportedOperation("fileno")


def _open(file: Any, mode: str = "r", buffering: int = -1, *more: Any, **named: Any) -> Any:
    stream: Any = _REAL(file, mode, buffering, *more, **named)
    disk = _disks[-1] if _disks else None
    if disk is None or not disk.full or not set(mode) & set("wxa+") or not disk.holds(file):
        return stream
    raw = _FullFile(os.dup(stream.fileno()), "wb")
    stream.close()
    if "b" in mode:
        return raw if buffering == 0 else io.BufferedWriter(raw)
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, newline=named.get("newline"))


def _every_open(function: Any) -> None:
    builtins.open, io.open = function, function
    if (accessor := getattr(pathlib, "_NormalAccessor", None)) is not None:  # Python 3.10 keeps one of its own
        accessor.open = staticmethod(function)


@contextmanager
def disk_of(folder: Path, last: int | None = None, *, at_opening: bool = False) -> Iterator[Disk]:
    """Count what is written below `folder`, and let the write `last` and those after it fail."""
    disk = Disk(folder.resolve(), last, at_opening)
    _disks.append(disk)
    _every_open(_open)
    try:
        yield disk
    finally:
        _every_open(_REAL)
        _disks.remove(disk)
