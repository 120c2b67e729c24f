"""The bundle's drawn pictures and what its model says about them, for the page to check the device by."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import GOLDEN_FILE, GoldenPicture, TensorSpec, Variant
from hemotk.errors import HemotkError

TOLERANCE = 1e-4  # of a logit of float32


def golden_part(folder: Path, model: Variant, size: int) -> tuple[bytes, tuple[GoldenPicture, ...]]:
    """The part `golden` of a page, and what stands of it in its card.

    The part holds, for each picture, its gray bytes and the size·size bytes that the network sees of it.

    Raises:
        HemotkError: the bundle's golden.npz lacks something, or holds other shapes.
    """
    path = folder / GOLDEN_FILE
    arrays = _arrays(path)
    pixels = arrays.get("pixels")
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[1:] != (size, size):
        raise _broken(path, "pixels")
    data, pictures = [], []
    for row, seen in enumerate(pixels):
        picture = arrays.get(f"picture_{row}")
        if picture is None or picture.dtype != np.uint8 or picture.ndim != 2:
            raise _broken(path, f"picture_{row}")
        data += [picture.tobytes(), seen.tobytes()]
        outputs = {spec.name: _stored(arrays, spec, model.kind, row, path) for spec in model.outputs}
        pictures.append(GoldenPicture(picture.shape[1], picture.shape[0], outputs))
    return b"".join(data), tuple(pictures)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _broken(path, "arrays") from error


def _stored(arrays: Mapping[str, NDArray[Any]], spec: TensorSpec, kind: str, row: int, path: Path) -> str:
    """The bytes of an output as its tensor held them, in hexadecimal digits."""
    name = f"{kind}_{spec.name}"
    if name not in arrays or len(arrays[name]) <= row or arrays[name][row].size != np.prod(spec.shape):
        raise _broken(path, name)
    values = np.asarray(arrays[name][row], np.float64).reshape(spec.shape)
    if spec.dtype == "float32":
        return values.astype("<f4").tobytes().hex()
    stored = np.rint(values / spec.scale + spec.zero_point)
    if np.abs(spec.scale * (stored - spec.zero_point) - values).max() > 1e-6 * spec.scale or not _are_bytes(stored):
        raise _broken(path, name)
    return stored.astype(np.uint8).tobytes().hex()


def _are_bytes(values: NDArray[np.float64]) -> bool:
    return bool((values >= 0).all() and (values <= 255).all())


def _broken(path: Path, name: str) -> HemotkError:
    return HemotkError(f"{path}: has no usable '{name}'; export the run again.")
