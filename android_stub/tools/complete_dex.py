"""Says if a .dex lacks a class that it names: `python complete_dex.py CLASSES.dex`. A phone would end the app there.

Android's own classes are on the phone. Those of the app, of the runtime and of Kotlin's library must be in the file.
"""

import struct
import sys
from pathlib import Path

OURS = ("Lorg/hemotk/", "Lorg/tensorflow/", "Lkotlin/")


def lacking(dex: bytes) -> list[str]:
    """The descriptors of classes that are named and not there, sorted."""

    def numbers(at: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", dex, at)

    strings, (type_count, types), (class_count, classes) = numbers(60, 1)[0], numbers(64, 2), numbers(96, 2)

    def text(place: int) -> str:
        (at,) = numbers(strings + 4 * place, 1)
        while dex[at] & 0x80:  # the length, of which each byte but the last has this bit
            at += 1
        return dex[at + 1 : dex.index(0, at + 1)].decode("utf-8", "replace")

    named = [text(place) for place in numbers(types, type_count)]
    there = {named[numbers(classes + 32 * each, 1)[0]] for each in range(class_count)}
    return sorted({name.lstrip("[") for name in named if name.lstrip("[").startswith(OURS)} - there)


if __name__ == "__main__":
    if missing := lacking(Path(sys.argv[1]).read_bytes()):
        sys.exit(f"{sys.argv[1]}: names {len(missing)} classes that are not in it: {', '.join(missing[:9])}")
