"""DICOM files with what Python makes of them, and series with their order, for the tests of the app's core.

Run as `python write_dicom.py FOLDER`, with tests/helpers on the path. Numbers are big-endian, as Java's DataInputStream
reads them.
"""

import io
import json
import random as plain_random
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from dicom_files import content, dataset, ramp
from numpy.typing import NDArray
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from hemotk.artifacts.pixels import Window
from hemotk.data.read.dicom import is_dicom, load_dicom, was_wrapped
from hemotk.data.series import in_order, series_score
from hemotk.errors import HemotkError

SEED = 43
WINDOW = Window(35.5, 90.0)
FUZZED = 300
TILTED = [1, 0, 0, 0, 0.8, 0.6]


@dataclass(frozen=True)
class File:
    """A file and the `Problem` that the app refuses it with; `stricter` where Python reads it all the same."""

    name: str
    content: bytes
    problem: str = ""
    stricter: bool = False


def main(folder: Path) -> None:
    """Write `dicoms.bin`, `damaged.bin`, `series.bin` and `series.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    (folder / "dicoms.bin").write_bytes(files([*kinds(random), *padded(), *odd(), *refused()]))
    (folder / "damaged.bin").write_bytes(damaged())
    (folder / "series.bin").write_bytes(series())
    (folder / "series.json").write_text(json.dumps(scores(random)))


def files(cases: list[File]) -> bytes:
    """Each file: name, bytes, problem; if there is none, whether it was put right, width, height and gray bytes."""
    stream = io.BytesIO()
    stream.write(struct.pack(">i", len(cases)))
    for case in cases:
        stream.write(text(case.name) + block(case.content) + text(case.problem))
        gray, corrected = read(case.content)
        if (gray is None) == (not case.problem or case.stricter):
            raise SystemExit(f"{case.name}: Python {'refuses' if gray is None else 'reads'} it")
        if not case.problem and gray is not None:
            stream.write(struct.pack(">Bii", corrected, gray.shape[1], gray.shape[0]) + gray.tobytes())
    return stream.getvalue()


def read(data: bytes) -> tuple[NDArray[np.uint8] | None, bool]:
    """What Python reads, None where it refuses or takes it for no DICOM; and whether it put values right."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(data)
        try:
            return (load_dicom(path, WINDOW), was_wrapped(path)) if is_dicom(path) else (None, False)
        except HemotkError:
            return None, False


def kinds(random: np.random.Generator) -> Iterator[File]:
    """Bits, signs, encodings, photometric kinds, odd sizes, and rescaling that is no whole number."""
    for number, (bits, signed) in enumerate((b, s) for b in (8, 10, 12, 16) for s in (False, True)):
        rows, columns = (int(side) for side in random.integers(16, 40, 2))
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        stored = random.integers(low, high + 1, (rows, columns))
        # Most of the values lie where the window is.
        slope, intercept = (("1", "-1024"), ("0.5", "-1024.25"), ("2.5e-1", "-0100.5"), (" 1.0 ", "+3"))[number % 4]
        syntax = {"syntax": ImplicitVRLittleEndian} if number % 2 else {}
        for photometric in ("MONOCHROME1", "MONOCHROME2"):
            made = dataset(
                stored,
                signed=signed,
                bits=bits,
                slope=slope,
                intercept=intercept,
                PhotometricInterpretation=photometric,
                **syntax,
            )
            yield File(f"{bits} bits, signed {signed}, {photometric}, {syntax}", content(made))
    yield File("a ramp of Hounsfield units", content(dataset(ramp() + 1024)))
    yield File(
        "one of 12 bits", content(dataset((ramp() + 1200).clip(0, 4095), bits=12, signed=False, intercept="-1200"))
    )


def padded() -> Iterator[File]:
    """Padding in all the ways that writers mark it, and values that wrapped."""
    stored = ramp().copy()
    stored[:5] = -2000
    for name, value in (("as it is", -2000), ("none there", 77)):
        yield File(f"padding {name}", content(dataset(stored, intercept="0", PixelPaddingValue=value)))
    both = dataset(stored, intercept="0", PixelPaddingValue=-2000, PixelPaddingRangeLimit=-900)
    yield File("padding from one value to another", content(both))
    seen = dataset(stored, intercept="0", PixelPaddingValue=-2000, PixelPaddingRangeLimit=60)
    yield File("padding up to what would be seen", content(seen))
    unsigned = dataset(ramp() + 2000, signed=False, intercept="-2000", PixelPaddingValue=5000)
    yield File("padding without sign", content(unsigned))
    above = dataset((ramp() + 1100).clip(0, 4095), signed=False, bits=12, intercept="-1100", PixelPaddingValue=63536)
    words = np.frombuffer(above.PixelData, "<u2").copy()
    words[:90] = 63536
    above.PixelData = words.tobytes()
    yield File("padding in the bits above", content(above))
    wrapped = np.where(ramp() < 0, ramp() + 4096, ramp())
    yield File("wrapped", content(dataset(wrapped, bits=12, signed=False, intercept="0")))
    wrapped[:8] = 2096
    yield File("wrapped with padding", content(dataset(wrapped, bits=12, signed=False, intercept="-0")))
    for intercept in ("-1.1e3", "-100", "-99.5", "-1E1"):
        made = dataset(wrapped, bits=12, signed=False, intercept=intercept)
        yield File(f"wrapped or not, as {intercept} says", content(made))
    for bits, intercept in ((16, "0"), (13, "0"), (14, "3"), (16, "-1024")):
        made = dataset(stored % 2**bits, bits=bits, signed=False, intercept=intercept)
        yield File(f"wrapped in {bits} bits, {intercept}", content(made))
    named = dataset(stored % 65536, signed=False, intercept="-1024", PixelPaddingValue=63536)
    yield File("padding that the header names", content(named))
    yield File("a large offset", content(dataset(ramp() + 32768, signed=False, intercept="-32768")))
    for name, orientation in (("tilted", [1, 0, 0, 0, 0.9, 0.43]), ("of no plane", [1, 0, 0, 1, 0, 0])):
        yield File(name, content(dataset(ramp() + 1024, ImageOrientationPatient=orientation)))
    yield File("wrapped, and nobody knows", content(dataset(wrapped, bits=12, signed=False, intercept="-1024")))


def odd() -> Iterator[File]:
    """Files that other programs write: sequences, private elements, no preamble, three encodings of what follows."""
    whole = content(dataset(ramp() + 1024))
    yield File("without preamble", whole[132:])
    for explicit in (True, False):
        stream = io.BytesIO()
        bare = dataset(ramp() + 1024)
        del bare.file_meta
        pydicom.dcmwrite(stream, bare, implicit_vr=not explicit, little_endian=True)
        yield File(f"elements alone, explicit {explicit}", stream.getvalue())
    for undefined in (False, True):
        for syntax in ({}, {"syntax": ImplicitVRLittleEndian}):
            made = dataset(ramp() + 1024, **syntax)
            item = pydicom.Dataset()
            item.CodeValue, item.Rows, item.PixelRepresentation = "1", 7, 1
            item.ReferencedImageSequence = [pydicom.Dataset(), pydicom.Dataset()]
            made.ReferencedStudySequence = [item, item]
            made.add_new(0x00091010, "UN", b"ACME")
            made.add_new(0x00190010, "LO", "ACME")
            for sequence in (made["ReferencedStudySequence"], item["ReferencedImageSequence"]):
                sequence.is_undefined_length = undefined
                for each in sequence.value:
                    each.is_undefined_length_sequence_item = undefined
            yield File(f"sequences, undefined length {undefined}, {syntax}", content(made))
    yield File(
        "a title that is longer", content(dataset(ramp() + 1024, SeriesDescription="a" * 63, ImageComments="b" * 9000))
    )
    yield File("one frame, said so", content(dataset(ramp() + 1024, NumberOfFrames=1)))
    yield File("no kind", content(dataset(ramp() + 1024, RescaleType="US", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])))


def refused() -> Iterator[File]:
    """What is refused, by Python as well, three kinds of encoding aside."""
    stored = ramp() + 1024
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("no modality", {"Modality": ""}, "DICOM_MODALITY"),
        ("an MR", {"Modality": "MR"}, "DICOM_MODALITY"),
        ("a capture", {"SOPClassUID": SecondaryCaptureImageStorage}, "DICOM_CAPTURE"),
        ("a localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "DICOM_LOCALIZER"),
        ("a coronal picture", {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "DICOM_ORIENTATION"),
        ("a sagittal picture", {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "DICOM_ORIENTATION"),
        ("a steep slice", {"ImageOrientationPatient": [1, 0, 0, 0, 0.69, 0.72]}, "DICOM_ORIENTATION"),
        ("two frames", {"NumberOfFrames": 2}, "SEVERAL_FRAMES"),
        ("colours", {"SamplesPerPixel": 3}, "DICOM_COLOURS"),
        ("a palette", {"PhotometricInterpretation": "PALETTE COLOR"}, "DICOM_COLOURS"),
        ("another unit", {"RescaleType": "OD"}, "DICOM_UNIT"),
        ("no slope", {"RescaleSlope": None}, "DICOM_RESCALE"),
        ("no intercept", {"RescaleIntercept": None}, "DICOM_RESCALE"),
        ("a large intercept", {"RescaleIntercept": "1e9"}, "DICOM_RESCALE"),
        ("a slope of 0", {"RescaleSlope": "0"}, "DICOM_SLOPE"),
        ("a slope below 0", {"RescaleSlope": "-1"}, "DICOM_SLOPE"),
        ("another highest bit", {"HighBit": 14}, "DICOM_BITS"),
        ("no pixels", {"PixelData": None}, "NO_PICTURE"),
        ("fewer pixels", {"PixelData": b"\0\0" * 900}, "NO_PICTURE"),
        ("more pixels", {"PixelData": b"\0\0" * 2000}, "NO_PICTURE"),
    ]
    for name, change, problem in changes:
        yield File(name, content(dataset(stored, **change)), problem)
    yield File("too small", content(dataset(stored[:15])), "PICTURE_TOO_SMALL")
    whole, modality = content(dataset(stored)), b"\x08\x00\x60\x00CS\x02\x00CT"
    yield File("an element twice", whole.replace(modality, 2 * modality), "NO_PICTURE", stricter=True)
    yield File("a zero within a text", whole.replace(b"-1024 ", b"-1\x0024 "), "NO_PICTURE")
    bits = b"\x28\x00\x01\x01US"
    yield File("a number of another kind", whole.replace(bits, bits[:4] + b"SS"), "NO_PICTURE", stricter=True)
    for name, syntax in (("deflated", DeflatedExplicitVRLittleEndian), ("big endian", ExplicitVRBigEndian)):
        made = dataset(stored, syntax=syntax)
        if syntax == ExplicitVRBigEndian:
            made.PixelData = stored.astype(">i2").tobytes()
        yield File(name, content(made), "DICOM_SYNTAX", stricter=True)
    made = dataset(stored)
    made.compress(RLELossless, generate_instance_uid=False)
    yield File("compressed", content(made), "DICOM_SYNTAX", stricter=True)


def damaged() -> bytes:
    """Files with changed bytes: each with its bytes, and the gray bytes that Python reads, none where it refuses."""
    choose = plain_random.Random(SEED)
    whole = [content(dataset(ramp(20, 22) + 1024, **change)) for change in ({}, {"syntax": ImplicitVRLittleEndian})]
    stream = io.BytesIO()
    stream.write(struct.pack(">i", FUZZED))
    for number in range(FUZZED):
        data = bytearray(whole[number % 2])
        # The elements, not the pixels: most changes there are seen as other pixels alone.
        for _ in range(choose.choice((1, 1, 2))):
            data[choose.randrange(132, len(data) - 20 * 22 * 2)] = choose.choice((0, 1, 2, 16, 0x20, 0x31, 0xFF))
        gray, _ = read(bytes(data))
        stream.write(block(bytes(data)) + block(b"" if gray is None else gray.tobytes()))
    return stream.getvalue()


def series() -> bytes:
    """Each series: its files by name, then the problem, or their places in order."""
    cases: list[tuple[dict[str, bytes], str]] = [
        (numbered([(30, 1), (-5, 2), (12.5, 3)]), ""),
        (numbered([(None, 10), (None, 9), (None, -2)]), ""),
        (numbered([(5, 3), (5, 2), (9, 1)]), ""),
        (numbered([(5, 3), (None, 2), (9, 1)]), ""),
        (numbered([(5, 3), (5, 3), (9, 3)]), ""),
        (numbered([(5, 1), (3, 2), (9, 3)], ImageOrientationPatient=TILTED), ""),
        ({**numbered([(5, 1)]), **numbered([(6, 2)], PatientID="another", prefix="b")}, "SERIES_SEVERAL"),
        ({**numbered([(5, 1)]), **numbered([(6, 2)], SeriesInstanceUID="1.9", prefix="b")}, "SERIES_SEVERAL"),
        ({**numbered([(5, 1)]), **numbered([(6, 2)], StudyInstanceUID="1.9", prefix="b")}, "SERIES_SEVERAL"),
        ({**numbered([(30, 1)]), **numbered([(-5, 2)], ImageOrientationPatient=TILTED, prefix="b")}, ""),
        (numbered([(5, 1), (6, 2)], SOPInstanceUID="1.2.9"), "SERIES_TWICE"),
        ({**numbered([(5, 1)]), "c.png": b"none"}, "SERIES_MIXED"),
    ]
    stream = io.BytesIO()
    stream.write(struct.pack(">i", len(cases)))
    for found, problem in cases:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / name for name in found]
            for path in paths:
                path.write_bytes(found[path.name])
            try:
                order = [paths.index(path) for path in in_order(paths)]
            except HemotkError:
                order = []
        if bool(order) == bool(problem):
            raise SystemExit(f"a series is {'read' if order else 'refused'} by Python: {problem}")
        stream.write(struct.pack(">i", len(found)))
        for name, data in found.items():
            stream.write(text(name) + block(data))
        stream.write(text(problem) + b"".join(struct.pack(">i", place) for place in order))
    return stream.getvalue()


def numbered(places: list[tuple[float | None, int]], prefix: str = "a", **elements: Any) -> dict[str, bytes]:
    """Slices at these heights, of these numbers."""
    found = {}
    for count, (height, number) in enumerate(places, 1):
        place = {} if height is None else {"ImagePositionPatient": [-100, 3.5, height]}
        turned = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        made = dataset(ramp(16, 16) + 1024, InstanceNumber=number, **{**turned, **place, **elements})
        found[f"{prefix}{count}.dcm"] = content(made)
    return found


def scores(random: np.random.Generator) -> dict[str, Any]:
    """Names in their order, and scores of series."""
    names = ["s10", "s9", "s09", "a", "10", "9b", "9", "s9.5", "S1", "s", "s9a", "007", "7", "x-1", "x1"]
    with tempfile.TemporaryDirectory() as folder:
        ordered = [path.name for path in in_order([Path(folder) / name for name in names])]
    made = []
    for count, k in ((1, 1), (2, 3), (5, 3), (40, 7), (40, 8), (60, 19), (300, 300), (300, 129)):
        values = random.random(count).tolist()
        made.append({"values": values, "k": k, "score": series_score(values, k)})
    return {"names": names, "ordered": ordered, "scores": made}


def text(value: str) -> bytes:
    """As Java's readUTF reads it."""
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def block(data: bytes) -> bytes:
    """Its length before it."""
    return struct.pack(">i", len(data)) + data


if __name__ == "__main__":
    main(Path(sys.argv[1]))
