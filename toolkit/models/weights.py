"""Shape file and plain weights: the part of a run folder that is the network. Needs no TensorFlow."""

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.errors import HemotkError
from hemotk.files import unpacked_size, writing
from hemotk.models.layered import LayeredShape
from hemotk.models.shape import ApplicationShape, CnnShape, DenseNetShape, Shape

Weights = Mapping[str, np.ndarray]

_MOST_BYTES, _HEADER = 8, 4096  # per value and per array

_FAMILIES: Mapping[str, type[Shape]] = {
    kind.SCHEMA.partition("/")[0]: kind for kind in (DenseNetShape, CnnShape, ApplicationShape, LayeredShape)
}


def read_shape(path: Path) -> Shape:
    """Read a `shape.json` of any family.

    Raises:
        HemotkError: missing, cut short, or of an unknown family or version.
    """
    try:
        schema = json.loads(path.read_text(encoding="utf-8")).get("schema", "")
    except (OSError, ValueError, AttributeError):
        schema = ""
    return _FAMILIES.get(str(schema).partition("/")[0], DenseNetShape).read(path)


def write_weights(path: Path, weights: Weights) -> None:
    """Write named float32 arrays to `path` (.npz, not compressed).

    Raises:
        HemotkError: the file cannot be written.
    """
    with writing(path), path.open("wb") as stream:
        arrays: dict[str, Any] = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        np.savez(stream, **arrays)


def read_weights(path: Path, shape: Shape) -> dict[str, np.ndarray]:
    """Read the arrays of `shape` from `path`: float32, names as in `shape.arrays()`.

    Raises:
        HemotkError: missing or cut short, arrays that do not fit the shape, or values that are not finite.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            _check_unpacked(unpacked_size(file.zip), shape, path)
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError as error:
        raise HemotkError(f"{path}: no such file; check the path.") from error
    except HemotkError:
        raise
    except Exception as error:  # a damaged zip raises many kinds
        raise HemotkError(f"{path}: is no weight file or was cut short; copy or make it again.") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise HemotkError(f"{path}: '{name}' is no array of numbers; copy or make the file again.")
    check_weights(arrays, shape, path)
    return arrays


def _check_unpacked(size: int, shape: Shape, path: Path) -> None:
    """Refuse a file that unpacks to far more bytes than the arrays of `shape` take."""
    arrays = shape.arrays().values()
    if size > sum(_MOST_BYTES * math.prod(array) + _HEADER for array in arrays):
        raise HemotkError(f"{path}: unpacks to {size} bytes, more than its shape file says; copy or make it again.")


def check_weights(weights: Weights, shape: Shape, where: Path) -> None:
    """Check that `weights` are exactly the arrays of `shape`, and finite.

    Raises:
        HemotkError: naming `where` and the first array that does not fit.
    """
    expected = shape.arrays()
    for name, size in expected.items():
        if name not in weights:
            raise HemotkError(f"{where}: array '{name}' is missing; the weights belong to another shape file.")
        if weights[name].shape != size:
            raise HemotkError(
                f"{where}: array '{name}' is {list(weights[name].shape)}, the shape file says {list(size)}; "
                "the weights belong to another shape file."
            )
        if not np.isfinite(weights[name]).all():
            raise HemotkError(f"{where}: array '{name}' holds NaN or infinity; train again with a lower learning rate.")
    for name in weights:
        if name not in expected:
            raise HemotkError(f"{where}: array '{name}' is unknown; the weights belong to another shape file.")
