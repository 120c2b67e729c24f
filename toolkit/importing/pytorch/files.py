"""The containers of PyTorch: which one a file is, what is in it, and its numbers, read when they are asked for."""

import io
import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.errors import HemotkError
from hemotk.importing.pytorch.pickles import PickleError, Storage, TensorView, Thing, read_pickle

MOST_BYTES = 1_000_000_000  # of the weights that are read; the largest DenseNet has a tenth
_MOST_PICKLED = 64 << 20
_MOST_DIRECTORY = 16 << 20
_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    **{"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "BFloat16Storage": "bf16"},
    **{"LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1"},
    **{"ByteStorage": "<u1", "BoolStorage": "<u1"},
}
_SAFE_DTYPES = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "BF16": "bf16", "I64": "<i8", "I32": "<i4"}
_MEMBERS = ("/data.pkl", "/byteorder", "/constants.pkl", "/archive_format")
_ELSE = "save the network's state dict with `torch.save(model.state_dict(), 'model.pt')`"


@dataclass(frozen=True, eq=False)
class TorchFile:
    """A file's content: `value` as `read_pickle` has it, and the `places` of its storages in bytes (start, size)."""

    where: Path
    format: str
    value: Any
    places: Mapping[str, tuple[int, int]]

    def numbers(self, view: TensorView) -> NDArray[np.float64]:
        """The tensor as float64 of its shape.

        Raises:
            HemotkError: it is not within its storage, or the storage not within the file.
        """
        kind = _DTYPES.get(view.storage.kind)
        start, size = self.places.get(view.storage.key, (0, -1))
        if kind is None:
            raise HemotkError(f"{self.where}: holds numbers of type {view.storage.kind!r:.40}; {_ELSE}, as float32.")
        item = 2 if kind == "bf16" else int(kind[2:])
        count = math.prod(view.shape)
        last = view.offset + sum((side - 1) * stride for side, stride in zip(view.shape, view.strides, strict=True))
        within = min((view.offset, *view.shape, *view.strides)) >= 0 and (last + 1) * item <= size
        if count and (not within or count > view.storage.count or view.storage.count * item > size):
            raise HemotkError(f"{self.where}: a tensor is larger than its numbers in the file; copy it again.")
        if not count:
            raise HemotkError(f"{self.where}: has a tensor without numbers; {_ELSE}, whole.")
        with self.where.open("rb") as stream:
            stream.seek(start + view.offset * item)
            raw = stream.read((last + 1 - view.offset) * item)
        flat = _floats(raw, kind)
        strides = [stride * flat.itemsize for stride in view.strides]
        return np.lib.stride_tricks.as_strided(flat, view.shape, strides, writeable=False).astype(np.float64)


def is_torch_file(path: Path) -> bool:
    """Whether the content is one that `torch.save`, or safetensors, writes, damaged or not."""
    try:
        with path.open("rb") as stream:
            head = stream.read(9)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(name.endswith(_MEMBERS) for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, UnicodeError):
        return False
    return _like_pickle(head) or _like_safetensors(head, path)


def open_torch(path: Path) -> TorchFile:
    """Read what the file at `path` says, but none of its numbers.

    Raises:
        HemotkError: TorchScript, a file cut short or damaged, or what PyTorch does not write.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(9)
        if _like_safetensors(head, path):
            return _open_safetensors(path)
        return _open_legacy(path) if _like_pickle(head) else _open_zip(path)
    except PickleError as error:
        raise HemotkError(f"{path}: its description of the network {error}; {_ELSE}, or copy it again.") from error
    except (HemotkError, ImportError):
        raise
    except Exception as error:  # zipfile and json raise many kinds for a damaged file
        raise HemotkError(f"{path}: is no file of PyTorch, or was cut short; copy it again.") from error


def _like_pickle(head: bytes) -> bool:
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _like_safetensors(head: bytes, path: Path) -> bool:
    if len(head) < 9 or head[8:9] != b"{":
        return False
    return 2 <= struct.unpack("<Q", head[:8])[0] <= path.stat().st_size - 8


def _open_zip(path: Path) -> TorchFile:
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        names = {info.filename.partition("/")[2]: info for info in archive.infolist()}
        if "constants.pkl" in names:
            raise HemotkError(f"{path}: is TorchScript, a compiled program; {_ELSE} of the network it was made from.")
        if "archive_format" in names or any(name.startswith("serialized_exported_program") for name in names):
            raise HemotkError(f"{path}: is a program of torch.export; {_ELSE} of the network it was made from.")
        if "data.pkl" not in names:
            raise HemotkError(f"{path}: is a zip archive without a network of PyTorch; {_ELSE}.")
        for info in names.values():
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise HemotkError(f"{path}: is packed, which PyTorch never does; {_ELSE}.")
        if "byteorder" in names and archive.read(names["byteorder"])[:8] != b"little":
            raise HemotkError(f"{path}: has its numbers in the order of another processor; {_ELSE} on this one.")
        if names["data.pkl"].file_size > _MOST_PICKLED:
            raise PickleError(f"is larger than {_MOST_PICKLED >> 20} MB")
        value = read_pickle(io.BytesIO(archive.read(names["data.pkl"])))
    places = {}
    with path.open("rb") as stream:
        for name, info in names.items():
            if name.startswith("data/"):
                places[name.removeprefix("data/")] = _place(stream, info)
    return TorchFile(path, "PyTorch zip file", value, places)


def _check_directory(path: Path) -> None:
    """Refuse a list of members that is far longer than any network's, before anything is made of it."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 66_000))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    wide = tail.rfind(b"PK\x06\x06")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if wide >= 0:
        size = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    if size > _MOST_DIRECTORY:
        raise HemotkError(f"{path}: lists more members than a network has; {_ELSE}.")


def _place(stream: Any, info: zipfile.ZipInfo) -> tuple[int, int]:
    """Where a stored member's bytes begin, and how many they are; the header before them has names of any length."""
    stream.seek(info.header_offset)
    header = stream.read(30)
    if header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no header")
    name, extra = struct.unpack("<HH", header[26:30])
    start = info.header_offset + 30 + name + extra
    return start, min(info.file_size, max(0, os.fstat(stream.fileno()).st_size - start))


def _open_legacy(path: Path) -> TorchFile:
    """Three pickles about the file, the value, the storages' keys, then for each its count and its numbers."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        pickled = io.BytesIO(stream.read(_MOST_PICKLED))
        if read_pickle(pickled) != _MAGIC:
            raise HemotkError(f"{path}: is a pickle, and not one of PyTorch; {_ELSE}.")
        read_pickle(pickled)
        read_pickle(pickled)
        value = read_pickle(pickled)
        keys = read_pickle(pickled)
        items = {storage.key: _item_size(storage) for storage in _storages(value)}
        places, at = {}, pickled.tell()
        for key in keys:
            stream.seek(at)
            count = int.from_bytes(stream.read(8), "little")
            bytes_there = count * items.get(key, 1)
            if at + 8 + bytes_there > size:
                raise HemotkError(f"{path}: was cut short, or claims more numbers than it has; copy it again.")
            places[str(key)] = (at + 8, bytes_there)
            at += 8 + bytes_there
    return TorchFile(path, "PyTorch file of before 2020", value, places)


def _item_size(storage: Storage) -> int:
    kind = _DTYPES.get(storage.kind, "<u1")
    return 2 if kind == "bf16" else int(kind[2:])


def _storages(value: Any) -> list[Storage]:
    """Every storage that a tensor in `value` is in; what is reached twice is looked at once."""
    seen: set[int] = set()
    found, pending = [], [value]
    while pending:
        one = pending.pop()
        if isinstance(one, TensorView):
            found.append(one.storage)
            continue
        if not isinstance(one, (dict, list, tuple, Thing)) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Thing):
            pending += [one.arguments, one.state, one.items]
        else:
            pending += one.values() if isinstance(one, dict) else one
    return found


def _open_safetensors(path: Path) -> TorchFile:
    """A header of JSON, then the numbers. The library checks the header; the numbers are read as those of any file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            pass
    except SafetensorError as error:
        raise HemotkError(f"{path}: is no whole safetensors file ({error}); copy it again.") from error
    with path.open("rb") as stream:
        length = struct.unpack("<Q", stream.read(8))[0]
        header = json.loads(stream.read(length))
    kinds = {safe: kind for safe, known in _SAFE_DTYPES.items() for kind, dtype in _DTYPES.items() if dtype == known}
    value, places = {}, {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        count = math.prod(shape)
        strides = tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))
        value[name] = TensorView(Storage(kinds.get(entry["dtype"], entry["dtype"]), name, count), 0, shape, strides)
        places[name] = (8 + length + begin, end - begin)
    return TorchFile(path, "safetensors file", value, places)


def _floats(raw: bytes, kind: str) -> NDArray[Any]:
    if kind != "bf16":
        return np.frombuffer(raw, kind)
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
