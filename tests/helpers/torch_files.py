"""Files as torch.save writes them, made byte by byte, so that a test needs no PyTorch and can plant anything."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

PROTO, STOP = b"\x80\x02", b"."


def text(value: str) -> bytes:
    """A word."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    """A whole number of any size."""
    raw = value.to_bytes(9, "little", signed=True)
    return b"\x8a\x09" + raw


def name(module: str, attribute: str) -> bytes:
    """A class or function."""
    return f"c{module}\n{attribute}\n".encode()


def many(values: Sequence[bytes]) -> bytes:
    """A tuple."""
    return b"(" + b"".join(values) + b"t"


def storage(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    """A block of numbers in the file."""
    return many([text("storage"), name("torch", kind), text(key), text("cpu"), number(count)]) + b"Q"


def tensor(
    key: str, shape: Sequence[int], strides: Sequence[int] | None = None, offset: int = 0, count: int | None = None
) -> bytes:
    """A view of a block of float32."""
    plain = [int(np.prod(shape[place + 1 :])) for place in range(len(shape))]
    sides, steps = ([number(value) for value in values] for values in (shape, plain if strides is None else strides))
    block = storage(key, int(np.prod(shape)) if count is None else count)
    arguments = [block, number(offset), many(sides), many(steps), b"\x89", name("collections", "OrderedDict") + b")R"]
    return name("torch._utils", "_rebuild_tensor_v2") + many(arguments) + b"R"


def mapping(entries: Mapping[str, bytes]) -> bytes:
    """A dictionary."""
    return b"}(" + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def write(path: Path, value: bytes, blocks: Mapping[str, np.ndarray], compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip container with this pickle, without its beginning and end, and float32 blocks."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", PROTO + value + STOP)
        archive.writestr("archive/byteorder", "little")
        for key, array in blocks.items():
            archive.writestr(f"archive/data/{key}", np.ascontiguousarray(array, "<f4").tobytes())
    return path


def write_state(path: Path, arrays: Mapping[str, np.ndarray], *, legacy: bool = False) -> Path:
    """A state dict of `arrays`, in the container of today or that of before 2020."""
    keys = {entry: str(place) for place, entry in enumerate(arrays)}
    value = mapping({entry: tensor(keys[entry], array.shape) for entry, array in arrays.items()})
    if not legacy:
        return write(path, value, {keys[entry]: array for entry, array in arrays.items()})
    out = io.BytesIO()
    magic = b"\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
    listed = b"](" + b"".join(text(key) for key in keys.values()) + b"e"
    for part in (magic, number(1001), mapping({}), value, listed):
        out.write(PROTO + part + STOP)
    for array in arrays.values():
        out.write(struct.pack("<Q", array.size) + np.ascontiguousarray(array, "<f4").tobytes())
    path.write_bytes(out.getvalue())
    return path
