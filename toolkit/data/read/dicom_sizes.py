"""The unpacked size of a compressed DICOM file, before anything is unpacked."""

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.data.read.limits import MAX_PIXELS, too_large
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from pydicom import FileDataset

_DEFLATED = "1.2.840.10008.1.2.1.99"
_MOST_BYTES = 2 * MAX_PIXELS + (1 << 24)  # of a deflated data set: the pixels and what stands before them
_CHUNK = 1 << 20
_MOST_GROWN = 2  # times: pixels that a codec makes longer than that are none
_SPARE = 1 << 16
_JPEG, _JPEG_2000, _BOXES = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15, and that of JPEG-LS
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def check_deflated(path: Path, force: bool) -> None:
    """Refuse a file whose data set is deflated and longer than any slice: pydicom would inflate it whole.

    Raises:
        HemotkError: it is.
        Exception: whatever pydicom raises for a file that is broken before its data set.
    """
    from pydicom.filereader import _read_file_meta_info, read_preamble  # as dcmread does it, with the same result

    with path.open("rb") as stream:
        read_preamble(stream, force)
        if _read_file_meta_info(stream).get("TransferSyntaxUID") != _DEFLATED:
            return
        inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while not inflate.eof and (packed := inflate.unconsumed_tail or stream.read(_CHUNK)):
            size += len(inflate.decompress(packed, _CHUNK))
            if size > _MOST_BYTES:
                raise HemotkError(too_large(path))


def is_one_frame(dataset: "FileDataset") -> bool:
    """Whether the encapsulated pixels are one gray frame of the sides that the header says.

    Decoders allocate what the frame itself says, and decode as many frames as there are.
    """
    from pydicom.encaps import generate_frames

    pixels, rows, columns = dataset.PixelData, int(dataset.Rows), int(dataset.Columns)
    if len(pixels) > _MOST_GROWN * rows * columns * dataset.BitsAllocated // 8 + _SPARE:
        return False
    frames = generate_frames(pixels, number_of_frames=1)
    first = next(frames, b"")
    return next(frames, None) is None and _sides(first) in (None, (columns, rows, 1))


def _sides(frame: bytes) -> tuple[int, int, int] | None:
    """Width, height and number of components by the frame's own header; None for codecs without one (RLE)."""
    try:
        if frame.startswith(_JPEG_2000):
            return _jpeg_2000(frame, 0)
        if frame.startswith(_BOXES):
            return _jpeg_2000(frame, frame.index(_JPEG_2000, frame.index(b"jp2c")))
        return _jpeg(frame) if frame.startswith(_JPEG) else None
    except (struct.error, ValueError, IndexError):
        return (0, 0, 0)


def _jpeg_2000(frame: bytes, at: int) -> tuple[int, int, int]:
    """As `_sides`; after two markers come length, capabilities, the grid's end and begin, its tiles, components."""
    width, height, left, top = struct.unpack_from(">4I", frame, at + 8)
    return width - left, height - top, struct.unpack_from(">H", frame, at + 40)[0]


def _jpeg(frame: bytes) -> tuple[int, int, int]:
    """As `_sides`, from the first frame header."""
    at = len(_JPEG)
    while True:
        if frame[at] != 0xFF:
            raise ValueError("no marker")
        kind = frame[at + 1]
        if kind in _FRAME_HEADERS:
            height, width, components = struct.unpack_from(">HHB", frame, at + 5)
            return width, height, components
        # A marker may be preceded by any number of bytes FF.
        at += 1 if kind == 0xFF else 2 if kind in _ALONE else 2 + struct.unpack_from(">H", frame, at + 2)[0]
