"""Pictures, maps and scores with what the Python side makes of them, for the tests of the app's core.

Run as `python write_vectors.py FOLDER`; numbers are big-endian, as Java's DataInputStream reads them.
"""

import io
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import PreprocessSpec
from hemotk.data.read.preprocess import load_gray, to_pixels
from hemotk.predict.heatmap import overlay
from hemotk.stats.metrics import calibrated, decide
from hemotk.stats.paired import percentile

PICTURES = 200
SEED = 20_210
MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "I;16", "RGB", "transparent RGB", "transparent P")
SIZES = (224, 160, 64, 96, 33, 16, 299)
MAPS = 30
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Case:
    """A decoded picture, uint8 [height, width, 4] as RGBA, and what the network sees, uint8 [size, size]."""

    name: str
    orientation: int
    rgba: NDArray[np.uint8]
    pixels: NDArray[np.uint8]


def main(folder: Path) -> None:
    """Write `pictures.bin`, `maps.bin` and `scores.bin`."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    (folder / "pictures.bin").write_bytes(pictures(random, folder / "picture.png"))
    (folder / "maps.bin").write_bytes(maps(random))
    (folder / "scores.bin").write_bytes(scores(random))


def pictures(random: np.random.Generator, file: Path) -> bytes:
    """`PICTURES` of all modes, odd sizes and aspect ratios: name, orientation, width, height, ARGB, size, bytes."""
    stream = io.BytesIO()
    stream.write(struct.pack(">i", PICTURES))
    for index in range(PICTURES):
        case = draw(random, index, file)
        height, width = case.rgba.shape[:2]
        name = case.name.encode()
        stream.write(struct.pack(">H", len(name)) + name + struct.pack(">iii", case.orientation, width, height))
        stream.write(np.roll(case.rgba, 1, axis=2).tobytes())
        stream.write(struct.pack(">i", len(case.pixels)) + case.pixels.tobytes())
    return stream.getvalue()


def draw(random: np.random.Generator, index: int, file: Path) -> Case:
    """One picture of noise and flat areas, saved as PNG and read as `hemotk` reads it."""
    mode, size = MODES[index % len(MODES)], SIZES[index % len(SIZES)]
    width, height = shape(random, index, size)
    image = noise(random, mode, width, height)
    orientation = index % 9 if index % 3 == 0 else 1
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image.save(file, "PNG", exif=exif, **({"transparency": transparent(image)} if "transparent" in mode else {}))
    with Image.open(file) as stored:
        rgba = decoded(stored)
    pixels = to_pixels(load_gray(file), PreprocessSpec(size).size)
    file.unlink()
    return Case(f"{index}: {mode} {width}×{height} turned {orientation} to {size}", orientation, rgba, pixels)


def shape(random: np.random.Generator, index: int, size: int) -> tuple[int, int]:
    """Small, large, long and narrow ones, and now and then just the network's size."""
    if index % 20 == 0:
        return size, size
    if index % 20 == 1:
        return size, max(16, size - 5)
    if index % 20 == 2:
        return 16 + index % 3, int(random.integers(300, 900))
    if index % 50 == 3:
        return int(random.integers(700, 1100)), int(random.integers(700, 1100))
    width, height = random.integers(16, 330, 2)
    return int(width), int(height)


def noise(random: np.random.Generator, mode: str, width: int, height: int) -> Image.Image:
    """Noise with a bright block, and with extremes, which is where rounding and clipping differ."""
    values = random.integers(0, 256, (height, width, 4), np.uint8)
    values[height // 4 : height // 2, width // 4 : width // 2] = (255, 255, 255, 255)
    values[: height // 8] = (random.integers(0, 2, (height // 8, width, 4)) * 255).astype(np.uint8)
    plain = mode.removeprefix("transparent ")
    if plain == "I;16":
        return Image.fromarray(random.integers(0, 1 << 16, (height, width)).astype(np.uint16))
    image = Image.fromarray(values)
    return image.convert("RGB").convert(plain) if plain in ("P", "1", "L", "RGB") else image.convert(plain)


def transparent(image: Image.Image) -> bytes | tuple[int, ...]:
    """Which colour, or how much of each palette colour, is seen through."""
    if image.mode == "P":
        return bytes(range(256))
    return (255, 255, 255)


def decoded(image: Image.Image) -> NDArray[np.uint8]:
    """RGBA as a decoder gives it; of 16-bit gray the upper byte."""
    if image.mode.startswith("I"):
        gray = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.asarray(Image.fromarray(gray).convert("RGBA"))
    return np.asarray(image.convert("RGBA"))


def maps(random: np.random.Generator) -> bytes:
    """`MAPS` pictures with a class-activation map over them: sizes, gray bytes, float64 map, ARGB."""
    stream = io.BytesIO()
    stream.write(struct.pack(">i", MAPS))
    for index in range(MAPS):
        size = SIZES[index % len(SIZES)]
        width, height = (int(side) for side in random.integers(16, 200, 2))
        gray = random.integers(0, 256, (height, width), np.uint8)
        cells = -(-size // 32)
        cam = random.normal(0, 6, (cells, cells))
        rgba = np.asarray(Image.fromarray(overlay(gray, cam, size)).convert("RGBA"))
        stream.write(struct.pack(">iiiii", size, width, height, cells, cells))
        stream.write(gray.tobytes() + cam.astype(">f8").tobytes() + np.roll(rgba, 1, axis=2).tobytes())
    return stream.getvalue()


def scores(random: np.random.Generator) -> bytes:
    """Logits with temperature, threshold, probability and decision; then samples with their percentiles."""
    stream = io.BytesIO()
    logits = [0.0, -0.0, 800.0, -800.0, *random.normal(0, 5, 200)]
    stream.write(struct.pack(">i", len(logits)))
    for logit in logits:
        temperature, threshold = random.uniform(0.25, 8), random.uniform(0.01, 0.99)
        values = (logit, temperature, threshold, float(calibrated(logit, temperature)))
        stream.write(struct.pack(">dddd?", *values, bool(decide(logit, threshold, temperature))))
    samples = random.integers(1_000_000, 90_000_000, 57)
    stream.write(struct.pack(">i", len(samples)) + samples.astype(">i8").tobytes())
    stream.write(struct.pack(">ddd", *(percentile(samples, share) for share in (0.5, 0.9, 0.99))))
    return stream.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
