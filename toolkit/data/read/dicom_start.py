"""DICOM files without the usual 128 bytes and the word DICM in front: told by their first elements."""

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import FileDataset
    from pydicom.uid import UID

SNIFFED = 4096
_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_FIRST_GROUPS = (0x0002, 0x0008)
_ENOUGH = 3  # elements that follow each other as they must
_LONGEST = 1 << 16


def begins_like_elements(head: bytes) -> bool:
    """Whether a file that begins with `head` (some thousand bytes) begins with DICOM elements, in little endian.

    They are of group 0002 or 0008, in rising order, with texts as long as they say.
    """
    at, last, count = 0, -1, 0
    while count < _ENOUGH and at + 8 <= len(head):
        group, element = struct.unpack_from("<HH", head, at)
        tag = group << 16 | element
        if tag <= last or (count == 0 and group not in _FIRST_GROUPS) or group > _FIRST_GROUPS[-1] + 0x10:
            return False
        size = _size(head, at)
        if size is None:
            return False
        at, last, count = at + size, tag, count + 1
    return count == _ENOUGH


def plain_syntax(dataset: "FileDataset") -> "UID":
    """The uncompressed transfer syntax in which a data set was read that does not name its own."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _size(head: bytes, at: int) -> int | None:
    """The number of bytes that the element at `at` takes; None if it cannot be one."""
    vr = head[at + 4 : at + 6]
    if vr in _LONG_VRS:
        length = struct.unpack_from("<I", head, at + 8)[0] if at + 12 <= len(head) else _LONGEST
        return 12 + length if length < _LONGEST else None
    if vr in _VRS:
        return 8 + int(struct.unpack_from("<H", head, at + 6)[0])
    length = struct.unpack_from("<I", head, at + 4)[0]
    return 8 + length if length < _LONGEST and length % 2 == 0 else None
