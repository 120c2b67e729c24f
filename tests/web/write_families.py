"""Picture files of many kinds with what Python makes of each, for the tests of the page.

Run as `python write_families.py FOLDER`. `expected.json` maps each file to its gray's sides and checksum, the checksum
of the network's bytes and the doubts, or to Python's sentence about it.
"""

import io
import itertools
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from dicom_files import content, dataset, ramp
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from hemotk.artifacts.pixels import Window
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.read.plausible import judge, measure
from hemotk.data.read.preprocess import load_with_colours, to_pixels
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes

COMPRESSED = Path(__file__).parent / "compressed"
SIZE = 64
ORIENTATION = 0x0112
SEED = 20_211
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def main(folder: Path) -> None:
    """Write all families and what Python says of them."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    for name, data in itertools.chain(pngs(random), odd_pngs(random), jpegs(random), dicoms(), compressed()):
        (folder / name).write_bytes(data)
    expected = {path.name: said(path) for path in sorted(folder.iterdir()) if path.name != "expected.json"}
    expected |= {path.name: said(twin(path)) for path in COMPRESSED.glob("*.dcm") if twin(path).is_file()}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1), encoding="utf-8")


def said(path: Path) -> dict[str, Any]:
    """What Python makes of the picture, or the sentence that it refuses it with."""
    try:
        gray, colours = load_with_colours(path, Window())
    except HemotkError as error:
        return {"error": str(error).removeprefix(str(path))}
    return {
        "sides": [gray.shape[1], gray.shape[0]],
        "gray": sha256_bytes(gray.tobytes()),
        "pixels": sha256_bytes(to_pixels(gray, SIZE).tobytes()),
        "measures": [float(value) for value in vars(measure(gray, colours)).values()],
        "doubts": len(judge(measure(gray, colours))),
    }


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(header: tuple[int, int, int, int, int], data: bytes, *between: bytes, after: bytes = b"") -> bytes:
    """A PNG of (width, height, depth, type, interlace), its filtered rows and chunks before and after them."""
    width, height, depth, kind, interlaced = header
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    packed = zlib.compress(data)
    halves = [packed[: len(packed) // 2], packed[len(packed) // 2 :]]
    body = b"".join(chunk(b"IDAT", half) for half in halves)
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(between) + body + after + chunk(b"IEND", b"")


def rows(random: np.random.Generator, sides: tuple[int, int], bits: int, most: int, filters: int) -> bytes:
    """Filtered rows of noise; where `most` is given, each byte holds samples of up to that (8 bits a sample)."""
    width, height = sides
    length = -(-width * bits // 8)
    if not length or not height:
        return b""
    values = random.integers(0, most + 1, (height, length)).astype(np.uint8)
    kinds = random.integers(0, filters, (height, 1)).astype(np.uint8)
    return np.concatenate([kinds, values], axis=1).tobytes()


def samples(random: np.random.Generator, header: tuple[int, int, int, int, int], most: int, filters: int) -> bytes:
    """The rows of a picture, of all passes where it is interlaced."""
    width, height, depth, kind, interlaced = header
    bits = depth * CHANNELS[kind]
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    return b"".join(rows(random, sides, bits, most, filters) for sides in sizes)


def pngs(random: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Every colour type, depth, interlace, with and without transparency; all filters where they do no harm."""
    for kind, depths in DEPTHS.items():
        for depth, interlaced, clear in itertools.product(depths, (0, 1), (False, True)):
            if clear and kind in (4, 6):
                continue
            header = (37, 23, depth, kind, interlaced)
            between = []
            most, filters = 255, 5
            if kind == 3:
                colours = 1 << depth
                between.append(chunk(b"PLTE", random.integers(0, 256, 3 * colours).astype(np.uint8).tobytes()))
                # Filters would make indices beyond the palette; there are none at 8 bits with all 256 colours.
                if clear:
                    between.append(chunk(b"tRNS", random.integers(0, 256, colours // 2).astype(np.uint8).tobytes()))
            elif clear:
                key = random.integers(0, 1 << min(depth, 2), CHANNELS[kind])
                between.append(chunk(b"tRNS", b"".join(struct.pack(">H", value) for value in key)))
                most, filters = (3, 1) if depth >= 8 else (255, 1)
            name = f"png_{kind}_{depth}{'_adam7' if interlaced else ''}{'_clear' if clear else ''}.png"
            yield name, png(header, samples(random, header, most, filters), *between)


def odd_pngs(random: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Chunks that change what is seen, or must not; and files that are refused."""
    header = (41, 29, 8, 2, 0)
    data = samples(random, header, 255, 5)
    exif = Image.Exif()
    for turned in range(10):
        exif[ORIENTATION] = turned
        yield f"exif_{turned}.png", png(header, data, chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    exif[ORIENTATION] = 6
    yield "exif_late.png", png(header, data, after=chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    xmp = b'<x tiff:Orientation="3"/>'
    yield "xmp.png", png(header, data, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    yield "xmp_late.png", png(header, data, after=chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)))
    digits = exif.tobytes().hex().encode()
    raw = b"\nexif\n      %d\n" % (len(digits) // 2) + digits + b"\n"
    yield "raw_exif.png", png(header, data, chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)))
    yield "gamma.png", png(header, data, chunk(b"gAMA", struct.pack(">I", 45_455)), chunk(b"sRGB", b"\0"))
    yield "strange_gamma.png", png(header, data, chunk(b"gAMA", struct.pack(">I", 220_000)))
    yield "profile.png", png(header, data, chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(400))))
    yield "bits.png", png(header, data, chunk(b"sBIT", b"\5\6\5"), chunk(b"bKGD", bytes(6)))
    yield "animated.png", png(header, data, chunk(b"acTL", struct.pack(">II", 2, 0)))
    yield "still_animated.png", png(header, data, chunk(b"acTL", struct.pack(">II", 1, 0)))
    clear = (32, 32, 8, 6, 0)
    yield "wholly_clear.png", png(clear, b"".join(b"\0" + b"\7\7\7\0" * 32 for _ in range(32)))
    yield "wholly_clear_black.png", png(clear, (b"\0" + bytes(32 * 4)) * 32)
    yield "small.png", png((15, 40, 8, 0, 0), samples(random, (15, 40, 8, 0, 0), 255, 5))
    yield "wide.png", png((12_001, 16, 1, 0, 0), samples(random, (12_001, 16, 1, 0, 0), 255, 1))
    whole = png(header, data)
    yield "short.png", whole[:-300]
    yield "no_end.png", whole[:-12]
    yield "little_data.png", png((41, 40, 8, 2, 0), data)
    yield "flipped.png", whole[:200] + bytes([whole[200] ^ 16]) + whole[201:]
    few = (np.arange(40 * 40).reshape(40, 40) % 200).astype(">u2")
    yield "few_levels.png", png((40, 40, 16, 0, 0), b"".join(b"\0" + line.tobytes() for line in few))
    few.flat[::70] = np.linspace(300, 65_000, few.flat[::70].size).astype(">u2")  # metal, which has many levels
    yield "metal.png", png((40, 40, 16, 0, 0), b"".join(b"\0" + line.tobytes() for line in few))
    yield "slice.png", saved(draw_slice(7, 1, hemorrhage=True), "PNG")
    yield "colour_slice.png", saved(draw_slice(7, 2, hemorrhage=False), "PNG", mode="RGB")
    text = PngInfo()
    text.add_itxt("Comment", "ä" * 500, zip=True)
    yield "text.png", saved(draw_slice(7, 3, hemorrhage=True), "PNG", pnginfo=text)
    yield "nothing.png", b""
    yield "words.png", b"no picture at all, but some words that are long enough"


def saved(pixels: NDArray[np.uint8], kind: str, mode: str = "L", **settings: Any) -> bytes:
    """The picture as a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind, **settings)
    return stream.getvalue()


def jpegs(random: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Subsampling, progressive, gray, CMYK, orientations, restarts."""
    smooth = np.asarray(Image.fromarray(random.integers(0, 256, (9, 12, 3), np.uint8)).resize((131, 97)))
    picture = Image.fromarray(smooth)
    for subsampling, progressive, quality in itertools.product((0, 1, 2), (False, True), (30, 75, 100)):
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive)
        yield f"jpeg_{subsampling}_{quality}{'_progressive' if progressive else ''}.jpg", stream.getvalue()
    for mode in ("L", "CMYK"):
        for progressive in (False, True):
            stream = io.BytesIO()
            picture.convert(mode).save(stream, "JPEG", progressive=progressive)
            yield f"jpeg_{mode}{'_progressive' if progressive else ''}.jpg", stream.getvalue()
    exif = Image.Exif()
    for turned in range(10):
        exif[ORIENTATION] = turned
        stream = io.BytesIO()
        picture.save(stream, "JPEG", exif=exif)
        yield f"jpeg_exif_{turned}.jpg", stream.getvalue()
    for name, settings in (
        ("restart", {"restart_marker_blocks": 3}),
        ("rgb", {"keep_rgb": True}),
        ("optimized", {"optimize": True}),
        ("comment", {"comment": b"a comment"}),
        ("xmp", {"xmp": b"<x tiff:Orientation>8</x>"}),
        ("profile", {"icc_profile": bytes(3000)}),
    ):
        stream = io.BytesIO()
        picture.save(stream, "JPEG", **settings)
        yield f"jpeg_{name}.jpg", stream.getvalue()
    whole = saved(draw_slice(7, 4, hemorrhage=True), "JPEG", quality=92)
    yield "slice.jpg", whole
    yield "short.jpg", whole[: len(whole) // 2]
    yield "no_end.jpg", whole[:-2]
    stream = io.BytesIO()
    picture.save(stream, "JPEG", progressive=True)
    scans = [at for at in range(len(stream.getvalue())) if stream.getvalue()[at : at + 2] == b"\xff\xda"]
    yield "few_scans.jpg", stream.getvalue()[: scans[3]] + b"\xff\xd9"


def dicoms() -> Iterator[tuple[str, bytes]]:
    """Uncompressed, deflated and RLE slices, with all that changes their gray, and what is refused."""
    plain = ramp() + 1024
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless):
        made = dataset(plain, **({} if syntax == RLELossless else {"syntax": syntax}))
        if syntax == RLELossless:
            made.compress(RLELossless)
        yield f"syntax_{syntax}.dcm", content(made)
    swapped = dataset(plain)
    swapped.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    swapped.PixelData = plain.astype(">i2").tobytes()
    yield "syntax_big.dcm", content(swapped)
    whole = content(dataset(plain))
    yield "plain.dcm", whole
    yield "bare.dcm", whole[132:]
    yield "short.dcm", whole[:-40]
    yield "implicit_bare.dcm", content(dataset(plain, syntax=ImplicitVRLittleEndian, PixelPaddingValue=1024))[132:]
    named: dict[str, dict[str, Any]] = {
        "inverted": {"PhotometricInterpretation": "MONOCHROME1"},
        "fraction": {"slope": "0.9765625", "intercept": "-1024.3"},
        "exponent": {"slope": "1e-0", "intercept": "-1.024E3"},
        "fine": {"slope": "1.00000001", "intercept": "-1023.99999999"},
        "padding": {"PixelPaddingValue": 1000},
        "padding_range": {"PixelPaddingValue": 900, "PixelPaddingRangeLimit": 1100},
        "high_padding": {"signed": False, "bits": 12, "PixelPaddingValue": 63_536},
        "unit": {"RescaleType": "OD"},
        "no_slope": {"RescaleSlope": None},
        "zero_slope": {"slope": "0"},
        "huge": {"intercept": "1e30"},
        "mr": {"Modality": "MR"},
        "localizer": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        "coronal": {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]},
        "sagittal": {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
        "tilted": {"ImageOrientationPatient": [1, 0, 0, 0, 0.9, 0.43]},
        "steep": {"ImageOrientationPatient": [1, 0, 0, 0, 0.69, 0.72]},
        "no_plane": {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        "capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        "frames": {"NumberOfFrames": 2},
        "colours": {"PhotometricInterpretation": "RGB"},
        "bits": {"HighBit": 14},
        "rows": {"Rows": 41},
    }
    for name, settings in named.items():
        yield f"dicom_{name}.dcm", content(dataset(np.clip(plain, 0, 4095), **settings))
    yield "eight.dcm", content(dataset(np.clip(ramp(low=0, high=127), 0, 127), bits=8, intercept="0"))
    yield "eight_unsigned.dcm", content(dataset(ramp(low=0, high=255), bits=8, signed=False, intercept="-40"))
    values = ramp(low=-1000, high=200)
    yield "wrapped.dcm", content(dataset(values % 4096, bits=12, signed=False, intercept="0"))
    values[:20] = -2000
    yield "wrapped_padding.dcm", content(dataset(values % 4096, bits=12, signed=False, intercept="0"))
    for bits, intercept, more in (
        (16, "0", {}),
        (13, "0", {}),
        (16, "-1024", {"PixelPaddingValue": 63_536}),
        (14, "3", {}),
    ):
        yield (
            f"wrapped_{bits}_{intercept}.dcm",
            content(dataset(values % 2**bits, bits=bits, signed=False, intercept=intercept, **more)),
        )
    yield "offset_16.dcm", content(dataset(values + 32_768, bits=16, signed=False, intercept="-32768"))
    yield "twelve_signed.dcm", content(dataset(ramp(low=-1024, high=1500), bits=12, intercept="0"))
    high_bits = dataset(np.clip(plain, 0, 4095), bits=12, signed=False)
    high_bits.PixelData = (np.clip(plain, 0, 4095) | 0xF000).astype("<u2").tobytes()
    high_bits.PixelPaddingValue = 0xF000 | int(plain[3, 3])
    yield "unused_bits.dcm", content(high_bits)
    yield from encapsulated(plain)


def encapsulated(plain: NDArray[Any]) -> Iterator[tuple[str, bytes]]:
    """JPEG 2000 and JPEG as Pillow writes them, in DICOM."""
    from pydicom.encaps import encapsulate

    values = np.clip(plain, 0, 4095)
    stream = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(stream, "JPEG2000", no_jp2=True, irreversible=False)
    made = dataset(values, bits=16, signed=False, syntax=JPEG2000Lossless)
    made.PixelData = encapsulate([stream.getvalue()])
    yield "pillow_2000.dcm", content(made)
    made.Rows = 44
    yield "pillow_2000_rows.dcm", content(made)
    made.Rows = 40
    made.PixelData = encapsulate([stream.getvalue(), stream.getvalue()])
    yield "pillow_2000_twice.dcm", content(made)
    gray = ramp(low=0, high=255).astype(np.uint8)
    eight = dataset(gray, bits=8, signed=False, intercept="-40", syntax=JPEGBaseline8Bit)
    eight.PixelData = encapsulate([saved(gray, "JPEG")])
    yield "pillow_jpeg.dcm", content(eight)


def compressed() -> Iterator[tuple[str, bytes]]:
    """The files of write_compressed.py."""
    for path in sorted(COMPRESSED.glob("*.dcm")):
        yield path.name, path.read_bytes()


def twin(path: Path) -> Path:
    """The same slice unpacked by GDCM: Python needs a package that may not be installed."""
    return path.with_name(f"{path.stem}.plain.dcm")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
