"""The pixel contract: golden bytes, an independent resize, and every kind of file that is no slice."""

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hemotk.artifacts import PreprocessSpec
from hemotk.data.read.preprocess import load_gray, load_pixels, normalize, to_pixels
from hemotk.errors import HemotkError


def pattern(height: int, width: int, channels: int = 1) -> np.ndarray:
    """Integers that no resize or mode confuses: a fixed mix of row, column and channel."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((y * 7 + x * 13 + c * 61 + (x * y) % 31 * 5) % 256).astype(np.uint8)


def save(folder: Path, image: Image.Image, name: str = "a.png", **options: Any) -> Path:
    path = folder / name
    image.save(path, **options)
    return path


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def pillow_bilinear(gray: np.ndarray, size: int) -> np.ndarray:
    """Pillow's 8-bit antialiased triangle filter written out: what any other platform has to repeat."""
    for axis in (1, 0):
        length = gray.shape[axis]
        scale = length / size
        support = max(scale, 1.0)
        rows = np.moveaxis(gray, axis, 0).astype(np.int64)
        out = np.empty((size, *rows.shape[1:]), np.int64)
        for i in range(size):
            center = (i + 0.5) * scale
            low, high = max(int(center - support + 0.5), 0), min(int(center + support + 0.5), length)
            w = np.array([max(0.0, 1 - abs((x - center + 0.5) / support)) for x in range(low, high)])
            fixed = np.floor(w / w.sum() * (1 << 22) + 0.5).astype(np.int64)
            out[i] = np.clip((np.tensordot(fixed, rows[low:high], 1) + (1 << 21)) >> 22, 0, 255)
        gray = np.moveaxis(out, 0, axis)
    return gray.astype(np.uint8)


GOLDEN = {
    ((300, 200), 64): "19ae2969d96c6b6b",
    ((200, 301), 64): "0338f91ba647d028",
    ((64, 64), 64): "faebc12110b7f257",
    ((33, 57), 224): "571afeea60e911b7",
}


@pytest.mark.parametrize(("shape", "size"), list(GOLDEN))
def test_golden_bytes(shape: tuple[int, int], size: int) -> None:
    assert digest(to_pixels(pattern(*shape)[..., 0], size)) == GOLDEN[shape, size]


@given(st.integers(16, 90), st.integers(16, 90), st.integers(16, 70))
def test_resize_is_the_written_out_integer_filter(height: int, width: int, size: int) -> None:
    gray = pattern(height, width)[..., 0]
    side = max(height, width)
    square = np.zeros((side, side), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = gray
    assert np.array_equal(to_pixels(gray, size), pillow_bilinear(square, size))


def test_odd_padding_goes_right_and_bottom() -> None:
    tall = to_pixels(np.full((20, 17), 255, np.uint8), 20)
    assert tall[:, 0].max() == 0 and tall[:, 1:18].min() == 255 and tall[:, 18:].max() == 0
    wide = to_pixels(np.full((17, 20), 255, np.uint8), 20)
    assert wide[0].max() == 0 and wide[1:18].min() == 255 and wide[18:].max() == 0


def test_gray_is_the_integer_itu_formula(tmp_path: Path) -> None:
    rgb = pattern(40, 50, 3)
    r, g, b = rgb.astype(np.int64).transpose(2, 0, 1)
    expected = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16
    assert np.array_equal(load_gray(save(tmp_path, Image.fromarray(rgb))), expected)


def test_transparency_is_composited_over_black(tmp_path: Path) -> None:
    rgba = pattern(40, 50, 4)
    colour = (rgba[..., :3].astype(np.int64) * rgba[..., 3:] + 127) // 255
    expected = (colour @ [19595, 38470, 7471] + 32768) >> 16
    assert np.array_equal(load_gray(save(tmp_path, Image.fromarray(rgba))), expected)
    opaque = np.dstack([rgba[..., :3], np.full((40, 50), 255, np.uint8)])
    assert np.array_equal(
        load_gray(save(tmp_path, Image.fromarray(opaque), "o.png")),
        load_gray(save(tmp_path, Image.fromarray(rgba[..., :3]), "r.png")),
    )


def test_sixteen_bit_gray_keeps_the_upper_byte(tmp_path: Path) -> None:
    values = (np.arange(1600, dtype=np.uint16) * 40).reshape(40, 40)
    assert np.array_equal(load_gray(save(tmp_path, Image.fromarray(values))), values >> 8)


def test_palette_bilevel_and_gray_alpha(tmp_path: Path) -> None:
    gray = Image.fromarray(pattern(32, 32)[..., 0] // 64 * 64)
    assert np.array_equal(load_gray(save(tmp_path, gray.convert("P"), "p.png")), np.asarray(gray))
    bilevel = Image.fromarray(pattern(32, 32)[..., 0] > 127)
    assert set(np.unique(load_gray(save(tmp_path, bilevel, "1.png")))) == {0, 255}
    black = Image.merge("LA", (Image.new("L", gray.size, 0), Image.new("L", gray.size, 0)))
    assert load_gray(save(tmp_path, black, "la.png")).max() == 0


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_wholly_transparent_picture_is_not_read_as_black(tmp_path: Path, mode: str) -> None:
    hidden = Image.fromarray(pattern(32, 32)[..., 0] if mode == "LA" else pattern(32, 32, 3)).convert(mode)
    hidden.putalpha(0)
    with pytest.raises(HemotkError, match="wholly transparent"):
        load_gray(save(tmp_path, hidden))


HU = np.linspace(-1600, 2000, 48 * 48).round().astype(int).reshape(48, 48).clip(-1000)  # with air


@pytest.mark.parametrize("offset", [1024, 32768])
def test_ct_values_in_16_bits_are_seen_through_the_window(tmp_path: Path, offset: int) -> None:
    path = save(tmp_path, Image.fromarray((HU + offset).astype(np.uint16)))
    with pytest.raises(HemotkError, match=f"Hounsfield units plus {offset}.*hu_offset {offset}"):
        load_gray(path)
    expected = np.clip((510 * HU + 80) // 160, 0, 255)
    assert np.array_equal(load_gray(path, hu_offset=offset), expected)


@pytest.mark.parametrize(("most", "says"), [(255, "fit into 8 bits"), (4095, "hu_offset NUMBER")])
def test_values_that_the_upper_byte_loses_are_refused(tmp_path: Path, most: int, says: str) -> None:
    values = np.linspace(most // 8, most, 48 * 48).astype(np.uint16).reshape(48, 48)
    with pytest.raises(HemotkError, match=f"of which the upper byte keeps .*{says}"):
        load_gray(save(tmp_path, Image.fromarray(values)))


@pytest.mark.parametrize("offset", [1024, 32768])
@pytest.mark.parametrize("densest", [3071, 8000, 20000])
def test_metal_and_padding_do_not_hide_ct_values_in_16_bits(tmp_path: Path, offset: int, densest: int) -> None:
    values = HU.copy()
    values.flat[-40:] = np.linspace(2000, densest, 40).round().astype(int)
    values.flat[:10] = -1024
    with pytest.raises(HemotkError, match=f"say so with hu_offset {offset}"):
        load_gray(save(tmp_path, Image.fromarray((values + offset).astype(np.uint16))))


def test_masks_and_black_pictures_in_16_bits_are_read(tmp_path: Path) -> None:
    assert load_gray(save(tmp_path, Image.fromarray(np.zeros((32, 32), np.uint16)))).max() == 0
    mask = np.where(np.arange(1024).reshape(32, 32) % 3, 0, 65535).astype(np.uint16)
    assert set(np.unique(load_gray(save(tmp_path, Image.fromarray(mask), "m.png")))) == {0, 255}


def test_the_first_picture_of_a_phone_is_read(tmp_path: Path) -> None:
    first, second = (Image.fromarray(pattern(64, 48, 3)), Image.new("RGB", (48, 64)))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    assert load_gray(tmp_path / "a.jpg").shape == first.size[::-1] and load_gray(tmp_path / "a.jpg").max() > 0


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.fromarray(pattern(40, 60)[..., 0])
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = load_gray(save(tmp_path, image, exif=exif))
    assert np.array_equal(turned, np.rot90(np.asarray(image), -1))


def test_normalize_makes_the_byte_115_zero() -> None:
    spec = PreprocessSpec(size=16)
    h = normalize(np.array([0, 115, 255], np.uint8), spec)
    assert h.dtype == np.float32 and h[1] == 0
    np.testing.assert_allclose(h, (np.array([0, 115, 255]) - 115) / (255 * 0.226), rtol=1e-6)


def huge_png(width: int, height: int) -> bytes:
    """A valid PNG header that promises many pixels; the pixels never come."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def good_png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pattern(64, 64)[..., 0]).save(stream, "PNG")
    return stream.getvalue()


def two_frames() -> bytes:
    stream = io.BytesIO()
    frame = Image.fromarray(pattern(32, 32)[..., 0])
    frame.save(stream, "TIFF", save_all=True, append_images=[frame])
    return stream.getvalue()


def floats() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((32, 32), np.float32)).save(stream, "TIFF")
    return stream.getvalue()


def one_by_one() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (1, 1)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no picture"),
        (b"this is text, not a picture", "no picture"),
        (good_png()[: len(good_png()) // 2], "corrupt or cut short"),
        (good_png()[:60] + b"\xff" * 40 + good_png()[100:], "corrupt or cut short"),
        (one_by_one(), "1×1 pixels"),
        (huge_png(20_000, 20_000), "larger than 40 megapixels"),
        (huge_png(13_000, 100), "larger than 40 megapixels or 12000 pixels"),
        (two_frames(), "2 frames"),
        (floats(), "floating-point"),
    ],
)
def test_bad_files_give_one_sentence_with_the_name(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "slice.png"
    path.write_bytes(content)
    with pytest.raises(HemotkError, match=says) as caught:
        load_pixels(path, PreprocessSpec(size=32))
    assert "slice.png" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="no such file"):
        load_gray(tmp_path / "none.png")


@given(st.binary(max_size=300), st.integers(0, 250))
def test_damaged_files_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.png"
    data = good_png()
    path.write_bytes(data[:at] + noise + data[at + len(noise) :])
    try:
        pixels = load_pixels(path, PreprocessSpec(size=32))
    except HemotkError:
        return
    assert pixels.shape == (32, 32) and pixels.dtype == np.uint8
