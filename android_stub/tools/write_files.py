"""Picture files of every kind with what Python makes of them, for the tests of the app's core.

Run as `python write_files.py FOLDER`; numbers are big-endian, as Java's DataInputStream reads them.
"""

import io
import itertools
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageDraw

from hemotk.artifacts.pixels import Window
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.read.plausible import PictureMeasures, judge, measure
from hemotk.data.read.preprocess import load_gray, load_with_colours
from hemotk.errors import HemotkError

SEED = 41
ORIENTATION = 0x0112
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
WINDOW = Window(35.5, 90.0)
# The clauses in the order of the core's `Doubt`.
DOUBTS = (
    "has hardly any contrast",
    "is in colour",
    "is very long and narrow",
    "has bright corners, as an inverted slice or a photo has",
    "shows no closed skull",
)


@dataclass(frozen=True)
class File:
    """A file, the offset that its Hounsfield units have if it holds any, and the `Problem` that it is refused with.

    `stricter` where Python reads it, filled up with black, and the app does not.
    """

    name: str
    content: bytes
    problem: str = ""
    hu_offset: int | None = None
    stricter: bool = False


def main(folder: Path) -> None:
    """Write `pngs.bin`, `jpegs.bin` and `looks.bin`."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    (folder / "pngs.bin").write_bytes(pngs([*kinds(random), *marked(random), *deep(random), *refused(random)]))
    (folder / "jpegs.bin").write_bytes(jpegs(random))
    (folder / "looks.bin").write_bytes(looks(random))


def pngs(files: list[File]) -> bytes:
    """Each file: name, bytes, offset (or the least int), problem; if there is none, width, height and gray bytes."""
    stream = io.BytesIO()
    stream.write(struct.pack(">i", len(files)))
    for file in files:
        offset = -(1 << 31) if file.hu_offset is None else file.hu_offset
        stream.write(text(file.name) + block(file.content) + struct.pack(">i", offset) + text(file.problem))
        gray = None if file.stricter else gray_of(file)
        if (gray is None) != bool(file.problem):
            raise SystemExit(f"{file.name}: Python {'refuses' if gray is None else 'reads'} it")
        if gray is not None:
            stream.write(struct.pack(">ii", gray.shape[1], gray.shape[0]) + gray.tobytes())
    return stream.getvalue()


def gray_of(file: File) -> NDArray[np.uint8] | None:
    """What Python reads, None where it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(file.content)
        try:
            return load_gray(path, WINDOW, file.hu_offset)
        except HemotkError:
            return None


def kinds(random: np.random.Generator) -> Iterator[File]:
    """Every type and depth, interlaced and not, with and without transparency, in sizes that end in part of a byte."""
    for (kind, depths), interlaced in itertools.product(DEPTHS.items(), (False, True)):
        for depth, transparent in itertools.product(depths, (False, True)):
            if transparent and kind in (4, 6):
                continue
            width, height = (int(side) for side in random.integers(16, 45, 2))
            levels = random.integers(0, 1 << depth, (height, width, CHANNELS[kind]))
            levels[: height // 2] = levels[0, 0]
            extra = palette(random, depth, transparent) if kind == 3 else b""
            if transparent and kind != 3:
                extra = chunk(b"tRNS", struct.pack(f">{CHANNELS[kind]}H", *levels[0, 0]))
            name = f"type {kind} depth {depth} interlaced {interlaced} transparent {transparent}"
            yield File(name, png(random, kind, depth, levels, extra, interlaced=interlaced))


def marked(random: np.random.Generator) -> Iterator[File]:
    """Gamma, profiles and text change nothing; orientation turns."""
    levels = random.integers(0, 256, (20, 31, 1))
    icc = zlib.compress(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile = chunk(b"iCCP", b"a\0\0" + icc)
    yield File("gamma", png(random, 0, 8, levels, chunk(b"gAMA", struct.pack(">I", 100_000))))
    yield File("profile", png(random, 2, 8, random.integers(0, 256, (20, 31, 3)), profile))
    xmp = b'<x tiff:Orientation="%d"/>'
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        block_ = exif.tobytes()
        yield File(f"turned {orientation}", png(random, 0, 8, levels, chunk(b"eXIf", block_[6:])))
        packet = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp % orientation
        yield File(f"turned by XMP {orientation}", png(random, 0, 8, levels, chunk(b"iTXt", packet)))
    packed = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp % 6)
    yield File("turned by packed XMP", png(random, 0, 8, levels, chunk(b"iTXt", packed)))
    raw = f"\nexif\n{len(block_):8}\n{block_.hex()}\n".encode()
    yield File("turned by text", png(random, 0, 8, levels, chunk(b"tEXt", b"Raw profile type exif\0" + raw)))
    zipped = b"Raw profile type exif\0\0" + zlib.compress(raw)
    yield File("turned by packed text", png(random, 0, 8, levels, chunk(b"zTXt", zipped)))
    for order, mark in (("<", b"II"), (">", b"MM")):
        head = mark + struct.pack(order + "HI", 42, 8)
        entry = struct.pack(order + "HHHIHHI", 1, ORIENTATION, 3, 1, 3, 0, 0)
        yield File(f"turned, in the order {order}", png(random, 0, 8, levels, chunk(b"eXIf", head + entry)))
    yield File("announces one frame", png(random, 0, 8, levels, chunk(b"acTL", struct.pack(">II", 0, 0))))


def deep(random: np.random.Generator) -> Iterator[File]:
    """16-bit gray: its upper byte, Hounsfield units through a window, and what keeps almost nothing."""
    wide = random.integers(0, 1 << 16, (30, 40, 1))
    hounsfield = np.clip(random.normal(1064, 60, (30, 40, 1)), 0, 4000).astype(np.int64)
    yield File("deep", png(random, 0, 16, wide))
    yield File("Hounsfield units", png(random, 0, 16, hounsfield), hu_offset=1024)
    yield File("Hounsfield units from 32768 on", png(random, 0, 16, hounsfield + 31744), hu_offset=32768)
    yield File("few levels", png(random, 0, 16, hounsfield), "FEW_LEVELS")
    metal = hounsfield.copy()
    metal.ravel()[:20] = np.arange(20) * 3000
    yield File("few levels and metal", png(random, 0, 16, metal), "FEW_LEVELS")
    yield File("as many levels as kept", png(random, 0, 16, random.integers(0, 4, (30, 40, 1)) * 256))


def refused(random: np.random.Generator) -> Iterator[File]:
    """What is refused, by Python as well, one aside."""
    levels = random.integers(0, 256, (20, 31, 4))
    whole = png(random, 0, 8, levels[..., :1])
    levels[..., 3] = 0
    yield File("wholly transparent", png(random, 6, 8, levels), "WHOLLY_TRANSPARENT")
    yield File("animated", animated(), "SEVERAL_FRAMES")
    alone = chunk(b"acTL", struct.pack(">II", 1, 0))
    yield File("a first picture that is no frame", png(random, 0, 8, levels[..., :1], alone), "SEVERAL_FRAMES")
    yield File("too small", png(random, 0, 8, levels[:15, :, :1]), "PICTURE_TOO_SMALL")
    yield File("too long", png(random, 0, 1, np.zeros((16, 12_001, 1), int)), "PICTURE_TOO_LARGE")
    yield File("too large", png(random, 0, 1, np.zeros((5001, 8000, 1), int)), "PICTURE_TOO_LARGE")
    yield File("no PNG after its name", whole[:8], "NO_PICTURE")
    yield File("no picture in it", whole[:33] + chunk(b"IEND", b""), "NO_PICTURE")
    lines = zlib.compress(b"\x05" + bytes(31) * 20)
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", 31, 20, 8, 0, 0, 0, 0))
    end = chunk(b"IDAT", lines) + chunk(b"IEND", b"")
    yield File("an unknown filter", whole[:8] + start + end, "NO_PICTURE")
    few = chunk(b"IDAT", zlib.compress(bytes(32) * 19)) + chunk(b"IEND", b"")
    yield File("a line short", whole[:8] + start + few, "NO_PICTURE", stricter=True)


def animated() -> bytes:
    """Two frames, as Pillow writes them."""
    frames = [Image.new("L", (20, 20), level) for level in (40, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def palette(random: np.random.Generator, depth: int, transparent: bool) -> bytes:
    """As many colours as the depth has, the first ones seen through."""
    colours = random.integers(0, 256, ((1 << depth), 3), np.uint8).tobytes()
    opacity = random.integers(0, 256, max((1 << depth) - 1, 1), np.uint8).tobytes()
    return chunk(b"PLTE", colours) + (chunk(b"tRNS", opacity) if transparent else b"")


def png(
    random: np.random.Generator,
    kind: int,
    depth: int,
    levels: NDArray[np.int64],
    extra: bytes = b"",
    *,
    interlaced: bool = False,
) -> bytes:
    """A PNG of `levels` [height, width, channels], each line by another filter, its data in several chunks."""
    height, width, _ = levels.shape
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    data = b"".join(filtered(random, levels[top::down, left::right], depth) for left, top, right, down in passes)
    packed = zlib.compress(data)
    third = len(packed) // 3 + 1
    parts = b"".join(chunk(b"IDAT", packed[at : at + third]) for at in range(0, len(packed), third))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + parts + chunk(b"IEND", b"")


def filtered(random: np.random.Generator, levels: NDArray[np.int64], depth: int) -> bytes:
    """The lines with their filters; none of a pass without pixels."""
    if levels.size == 0:
        return b""
    step = max(depth * levels.shape[2] // 8, 1)
    above = bytes(len(packed_line(levels[0], depth)))
    lines = []
    for row in levels:
        line, number = packed_line(row, depth), int(random.integers(0, 5))
        lines.append(
            bytes([number])
            + bytes((value - guess(number, line, above, at, step)) % 256 for at, value in enumerate(line))
        )
        above = line
    return b"".join(lines)


def packed_line(row: NDArray[np.int64], depth: int) -> bytes:
    """The line's bytes before its filter."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = (row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def guess(number: int, line: bytes, above: bytes, at: int, step: int) -> int:
    """What the filter of that number expects of a byte."""
    left = line[at - step] if at >= step else 0
    corner = above[at - step] if at >= step else 0
    up = above[at]
    if number == 4:
        return min((left, up, corner), key=lambda value: abs(left + up - corner - value))
    return (0, left, up, (left + up) // 2)[number]


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def jpegs(random: np.random.Generator) -> bytes:
    """JPEG with a profile, how it is turned, and the same without; then each that is refused, and its problem."""
    image = Image.fromarray(random.integers(0, 256, (24, 40, 3), np.uint8))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stream = io.BytesIO()
    stream.write(struct.pack(">i", 3))
    for orientation, colours in ((1, "L"), (6, "RGB"), (8, "RGB")):
        turned = Image.Exif()
        turned[ORIENTATION] = orientation
        exif = turned if orientation > 1 else Image.Exif()
        files = [saved(image.convert(colours), "JPEG", exif=exif, icc_profile=icc) for icc in (profile, None)]
        stream.write(struct.pack(">i", orientation) + block(files[0]) + block(files[1]))
    plain = saved(image, "JPEG")
    frames = [image, image.rotate(90)]
    moving = saved(image, "WEBP", save_all=True, append_images=frames[1:])
    wrong = [
        ("CMYK", saved(image.convert("CMYK"), "JPEG"), "UNUSUAL_COLOURS"),
        ("no end", plain[:-2], "NO_PICTURE"),
        ("no scan", plain[:20] + plain[-2:], "NO_PICTURE"),
        ("animated WebP", moving, "SEVERAL_FRAMES"),
        ("WebP with a profile", saved(image, "WEBP", icc_profile=profile), "UNUSUAL_COLOURS"),
        ("WebP cut short", saved(image, "WEBP")[:-9], "NO_PICTURE"),
        ("BMP of 32 bits", saved(image.convert("RGBA"), "BMP"), "UNUSUAL_COLOURS"),
    ]
    stream.write(struct.pack(">i", len(wrong)))
    for name, content, problem in wrong:
        stream.write(text(name) + block(content) + text(problem))
    turned = Image.Exif()
    turned[ORIENTATION] = 5
    stream.write(block(saved(image, "WEBP", exif=turned)))
    return stream.getvalue()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The file's bytes."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def looks(random: np.random.Generator) -> bytes:
    """Pictures as PNG, with the six measurements and a bit for each doubt."""
    pictures = [draw_slice(7, index, hemorrhage=bool(index % 2)) for index in range(6)]
    files = [saved(Image.fromarray(picture), "PNG") for picture in pictures]
    files += [saved(Image.fromarray(255 - picture), "PNG") for picture in pictures[:2]]
    files.append(saved(Image.fromarray(pictures[0]).resize((300, 90)), "PNG"))
    files.append(saved(Image.fromarray(pictures[1]).rotate(20), "PNG"))
    tinted = np.stack([pictures[2], np.roll(pictures[2], 40, 1), pictures[2] // 2], -1)
    files.append(saved(Image.fromarray(tinted), "PNG"))
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    files.append(saved(Image.fromarray(tinted[:, :200]), "PNG", exif=turned))
    files.append(saved(Image.fromarray(random.integers(0, 256, (150, 140, 4), np.uint8)), "PNG"))
    files.append(saved(Image.fromarray(random.integers(0, 256, (40, 16, 3), np.uint8)), "PNG"))
    blob = Image.new("L", (200, 200))
    ImageDraw.Draw(blob).ellipse((20, 20, 180, 180), 100)
    blob.paste(250, (90, 90, 110, 110))
    files.append(saved(blob, "PNG"))
    files.append(saved(Image.new("L", (77, 50), 30), "PNG"))
    files.append(saved(Image.new("L", (16, 900), 0), "PNG"))
    stream = io.BytesIO()
    stream.write(struct.pack(">i", len(files)))
    for file in files:
        found = looked(file)
        bits = sum(1 << DOUBTS.index(clause) for clause in judge(found))
        values = (found.coloured, found.corner, found.contrast, found.aspect, found.outline, found.hollow)
        stream.write(block(file) + struct.pack(">ddddddi", *values, bits))
    return stream.getvalue()


def looked(file: bytes) -> PictureMeasures:
    """What Python measures of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(file)
        return measure(*load_with_colours(path))


def text(value: str) -> bytes:
    """As Java's readUTF reads it, for plain letters."""
    return struct.pack(">H", len(value)) + value.encode("ascii")


def block(content: bytes) -> bytes:
    """The bytes after their count."""
    return struct.pack(">i", len(content)) + content


if __name__ == "__main__":
    main(Path(sys.argv[1]))
