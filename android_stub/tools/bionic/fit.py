"""Make an Android library for x86-64 or arm64 one that glibc loads: `python fit.py LIBRARY OUT`.

Its symbols ask for the version LIBC of Android's C library; without their versions glibc's own are found. Names under
which glibc has something else get a last letter _, and are in shim.c. No instruction is changed.
"""

import struct
import sys
from pathlib import Path

DYNAMIC = 2
# DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM
VERSIONS = {0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF}
IGNORED = 0x6FFFFEF0  # a tag of no meaning
OTHERS = (
    *("fprintf", "vfprintf", "fputc", "fflush", "fwrite", "fileno", "sysconf", "strerror_r"),
    *("pthread_mutex_init", "pthread_cond_init", "pthread_cond_destroy"),
    *("pthread_cond_wait", "pthread_cond_signal", "pthread_cond_broadcast"),
)


def fit(library: bytes) -> bytes:
    """The library with the tags of its versions renamed."""
    content = bytearray(library)
    (headers,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for at in range(headers, headers + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", content, at)
        if kind != DYNAMIC:
            continue
        for entry in range(offset, offset + length, 16):
            (tag,) = struct.unpack_from("<Q", content, entry)
            if tag in VERSIONS:
                struct.pack_into("<Q", content, entry, IGNORED)
    for name in OTHERS:
        content = content.replace(f"\0{name}\0".encode(), f"\0{name[:-1]}_\0".encode())
    return bytes(content)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(fit(Path(sys.argv[1]).read_bytes()))
