"""The pixel contract: from a picture file to the bytes a network sees. Everything that looks at pixels calls this."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from hemotk.artifacts import PreprocessSpec
from hemotk.artifacts.pixels import BRAIN, Window
from hemotk.data.read.deep_gray import through_window, upper_byte
from hemotk.data.read.dicom import is_dicom, load_dicom
from hemotk.data.read.limits import check_sides, too_large
from hemotk.data.read.nifti import is_volume, load_volume_slice
from hemotk.errors import HemotkError

T = TypeVar("T")


def load_pixels(path: Path, spec: PreprocessSpec) -> np.ndarray:
    """The network's view of the picture at `path`: uint8 [size, size], 0 black to 255 white.

    Raises:
        HemotkError: the file is no readable picture of a sensible size.
    """
    return to_pixels(load_gray(path, spec.window, spec.hu_offset), spec.size)


def load_gray(path: Path, window: Window = BRAIN, hu_offset: int | None = None) -> np.ndarray:
    """Decode the picture at `path` to gray: uint8 [height, width].

    DICOM, and a slice of a volume by its address, are seen through `window`.
    In any other picture EXIF orientation is applied, transparency is composited over
    black, 16-bit gray keeps its upper byte, colours become ITU-R 601-2 gray in integers. With `hu_offset` the values of
    16-bit gray are Hounsfield units plus that, and seen through `window` too.

    Raises:
        HemotkError: missing, corrupt, cut short, no picture, several frames, of a size outside the limits, wholly
            transparent, or 16-bit gray whose upper byte tells almost nothing.
    """
    if is_volume(path):
        return load_volume_slice(path, window)
    if is_dicom(path):
        return load_dicom(path, window)
    return _decoded(path, lambda image, path: _gray(image, path, window, hu_offset))


def load_with_colours(
    path: Path, window: Window = BRAIN, hu_offset: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode the picture at `path` once, to gray as `load_gray` and to colours.

    Colours are uint8 [height, width, 3], transparency left away; None where the picture is gray.

    Raises:
        HemotkError: as for `load_gray`.
    """
    if is_volume(path):
        return load_volume_slice(path, window), None
    if is_dicom(path):
        return load_dicom(path, window), None
    return _decoded(path, lambda image, path: (_gray(image, path, window, hu_offset), _colours(image)))


def _decoded(path: Path, convert: Callable[[Image.Image, Path], T]) -> T:
    """Open the picture at `path` upright and return what `convert` makes of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                upright = _loaded(image, path)
                return convert(upright, path)
    except FileNotFoundError as error:
        raise HemotkError(f"{path}: no such file; check the path.") from error
    except UnidentifiedImageError as error:
        raise HemotkError(f"{path}: is no picture that can be decoded; replace or remove the file.") from error
    except Image.DecompressionBombError as error:
        raise HemotkError(too_large(path)) from error
    except MemoryError as error:
        raise HemotkError(f"{path}: does not fit into memory; scale the picture down.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise HemotkError(_corrupt(path)) from error


def _loaded(image: Image.Image, path: Path) -> Image.Image:
    """The opened picture, decoded and upright."""
    try:
        _check_size(image, path)
        image.load()
        return ImageOps.exif_transpose(image)
    except (HemotkError, MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise HemotkError(_corrupt(path)) from error


def _corrupt(path: Path) -> str:
    return f"{path}: is corrupt or cut short; copy the file again or remove it."


def to_pixels(gray: np.ndarray, size: int) -> np.ndarray:
    """Pad uint8 [height, width] with black to a square, resize to uint8 [size, size] (antialiased bilinear, 8-bit)."""
    height, width = gray.shape
    side = max(height, width)
    if height != width:
        square = np.zeros((side, side), np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = gray
        gray = square
    if side == size:
        return np.ascontiguousarray(gray)
    return np.asarray(Image.fromarray(gray).resize((size, size), Image.Resampling.BILINEAR))


def normalize(pixels: np.ndarray, spec: PreprocessSpec) -> np.ndarray:
    """Bytes of any shape as the float32 network input h = scale · (p − zero_point)."""
    return (pixels.astype(np.float32) - np.float32(spec.zero_point)) * np.float32(spec.scale)


def _check_size(image: Image.Image, path: Path) -> None:
    check_sides(*image.size, path)
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # of a phone: its main picture comes first
        raise HemotkError(f"{path}: has {image.n_frames} frames; save each slice as a file of its own.")  # type: ignore[attr-defined]


def _gray(image: Image.Image, path: Path, window: Window, hu_offset: int | None) -> np.ndarray:
    mode = image.mode
    if mode.startswith("I"):
        values = np.asarray(image)
        return upper_byte(values, path) if hu_offset is None else through_window(values, window, hu_offset)
    if mode == "F":
        raise HemotkError(f"{path}: holds floating-point pixels; save it as 8-bit or 16-bit gray.")
    if mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _over_black(np.asarray(image.convert("RGBA")), path)
    if mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _colours(image: Image.Image) -> np.ndarray | None:
    if image.mode.startswith("I") or image.mode in ("1", "L", "LA", "La", "F"):
        return None
    return np.asarray(image.convert("RGB"))


def _over_black(rgba: np.ndarray, path: Path) -> np.ndarray:
    """Integer compositing with rounding, written out so that any other platform can repeat it bit for bit."""
    alpha = rgba[..., 3:].astype(np.uint32)
    if not alpha.any() and rgba[..., :3].any():
        raise HemotkError(f"{path}: is wholly transparent, though it has colours; save it without transparency.")
    colour = (rgba[..., :3] * alpha + 127) // 255
    return ((colour @ np.array([19595, 38470, 7471], np.uint32) + 32768) >> 16).astype(np.uint8)
