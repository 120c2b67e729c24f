"""Slices of computed tomography in NIfTI volumes: Hounsfield units, seen through a window, as gray bytes.

A slice has an address, `scan.nii.gz#0017`: the file, and the number of the slice from the feet up, from 0. nibabel is
imported when the first volume is read.
"""

import gzip
import threading
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.pixels import MAX_HOUNSFIELD, Window
from hemotk.data.read.deep_gray import through_window
from hemotk.data.read.limits import check_sides
from hemotk.errors import HemotkError
from hemotk.files import file_of, slice_number

VOLUME_SUFFIXES = (".nii", ".nii.gz")
WITHOUT_NIBABEL = "NIfTI volumes, which need nibabel (pip install 'hemotk[nifti]')"
_HEADER_BYTES = 540  # of NIfTI-2, the longer
_MOST_BEFORE = 1 << 24  # bytes before the values, of notes that nobody reads
_MOST_BYTES = 1 << 30  # of the values as float64, or as what is longer
_FLOAT64 = 8
_GZIP = b"\x1f\x8b"
_MOST_DEFLATED = 1032  # times that deflate makes anything shorter
_FEW_VALUES = 3
_LEAST_SPAN = 100  # Hounsfield units between the lowest and the highest value
_MOST_STRETCHED = 1.1
_LOCK = threading.Lock()


@dataclass(frozen=True)
class _Shape:
    """The shape by the header: `orientation` [3, 2] is nibabel's, `slices` counts along the axis from feet to head."""

    end: int
    orientation: NDArray[np.float64]
    slices: int
    second: bool


def is_volume(path: Path | str) -> bool:
    """Whether `path` is called like a NIfTI volume, or is the address of a slice of one."""
    return file_of(Path(path)).name.lower().endswith(VOLUME_SUFFIXES)


def volume_of(path: str) -> str | None:
    """The file that the slice with the address `path` is of; None for other pictures."""
    return None if slice_number(Path(path)) is None else path.rpartition("#")[0]


def has_nibabel() -> bool:
    """Whether volumes can be read."""
    try:
        import nibabel
    except ImportError:
        return False
    return bool(nibabel)


def slice_paths(file: str) -> list[str]:
    """The address of every slice of the volume `file`, from the feet up; only its header is read.

    Raises:
        HemotkError: nibabel is not installed, or `file` is no volume that can be read.
    """
    return [f"{file}#{number:04d}" for number in range(_shape(Path(file)).slices)]


def load_volume_slice(path: Path, window: Window) -> NDArray[np.uint8]:
    """The slice with the address `path` through `window`: uint8 [rows, columns].

    The patient's right is on the left and the front on top, as radiologists see it. Values are rounded to whole
    Hounsfield units.

    Raises:
        HemotkError: nibabel is not installed, or the file is no volume of Hounsfield units with such a slice.
    """
    file, number = file_of(path), slice_number(path)
    try:
        state = file.stat()
    except OSError as error:
        raise HemotkError(f"{file}: no such file; check the path.") from error
    with _LOCK:  # one decompression for all slices of a volume
        values = _values(file, state.st_mtime_ns, state.st_size)
    if isinstance(values, str):
        raise HemotkError(values)
    if number is None:
        raise HemotkError(
            f"{file}: is a volume of {values.shape[2]} slices; name one of them, such as {file.name}#0000."
        )
    if number >= values.shape[2]:
        raise HemotkError(f"{path}: no such slice; the volume has {values.shape[2]}, from #0000.")
    return through_window(np.ascontiguousarray(values[::-1, ::-1, number].T), window, 0)


@lru_cache(maxsize=2)
def _values(file: Path, changed: int, size: int) -> NDArray[Any] | str:
    """Whole Hounsfield units [right, front, up]; or the sentence that says why not, to be said for every slice."""
    try:
        shape = _shape(file)
        values = _upright(_decoded(file, shape), shape)
        check_sides(values.shape[0], values.shape[1], file)
        return _hounsfield(values, file)
    except HemotkError as error:
        return str(error)
    except MemoryError:
        return f"{file}: does not fit into memory; cut the volume to the head."


def _shape(file: Path) -> _Shape:
    """Read and check the header of the volume `file`: nothing is allocated for what it promises."""
    try:
        import nibabel
        from nibabel.spatialimages import HeaderDataError
    except ImportError as error:
        raise HemotkError(f"{file}: is a NIfTI volume, which needs nibabel; `pip install 'hemotk[nifti]'`.") from error
    block = _start(file, _HEADER_BYTES)
    second = bool(nibabel.Nifti2Header.may_contain_header(block))
    kind = nibabel.Nifti2Header if second else nibabel.Nifti1Header
    try:
        if not kind.may_contain_header(block):
            raise HeaderDataError("no header")
        header = kind(block[: kind.template_dtype.itemsize])
        sides = tuple(int(side) for side in header.get_data_shape())
        values, offset = header.get_data_dtype(), int(header["vox_offset"])
        affine = header.get_best_affine()
        told = int(header["qform_code"]) > 0 or int(header["sform_code"]) > 0
    except (HeaderDataError, ValueError, OverflowError, KeyError, TypeError) as error:
        raise HemotkError(f"{file}: has no header of a NIfTI volume; copy the file again or remove it.") from error
    _check_sides(file, sides, max(values.itemsize, _FLOAT64))
    if values.kind not in "iuf":
        raise HemotkError(f"{file}: holds colours or complex numbers, no Hounsfield units; remove it.")
    if not 0 <= offset <= _MOST_BEFORE:
        raise HemotkError(f"{file}: its values begin at byte {offset}; save the volume anew.")
    orientation = _orientation(file, affine, told)
    axis = int(np.flatnonzero(orientation[:, 0] == 2)[0])
    return _Shape(offset + int(np.prod(sides, dtype=object)) * values.itemsize, orientation, sides[axis], second)


def _check_sides(file: Path, sides: tuple[int, ...], itemsize: int) -> None:
    shown = " × ".join(map(str, sides))
    if len(sides) < 3 or any(side != 1 for side in sides[3:]):
        raise HemotkError(f"{file}: is {shown}, no volume of three axes; save each scan as a volume of its own.")
    if min(sides) < 1 or int(np.prod(sides, dtype=object)) * itemsize > _MOST_BYTES:
        most = _MOST_BYTES // itemsize
        raise HemotkError(f"{file}: is {shown} values, above the {most:,} allowed; cut it to the head.")


def _orientation(file: Path, affine: NDArray[Any], told: bool) -> NDArray[np.float64]:
    """The axes' directions, as nibabel gives them; pixels must be about square in axial slices."""
    from nibabel.orientations import io_orientation

    remedy = "save it anew with its affine"
    if not told:
        raise HemotkError(f"{file}: does not say how it lies (qform_code and sform_code are 0); {remedy}.")
    try:
        orientation = io_orientation(affine)
    except (ValueError, np.linalg.LinAlgError):
        orientation = np.full((3, 2), np.nan)
    if not np.isfinite(orientation).all() or not np.isfinite(affine).all():
        raise HemotkError(f"{file}: its affine says no orientation; {remedy}.")
    steps = np.sqrt((affine[:3, :3] ** 2).sum(0))
    across = sorted(float(step) for step, (axis, _) in zip(steps, orientation, strict=True) if axis != 2)
    if across[1] > across[0] * _MOST_STRETCHED:
        raise HemotkError(
            f"{file}: its axial slices have pixels of {across[0]:.2f} × {across[1]:.2f} mm, which are not square: it "
            "is no axial scan; resample it, or remove it."
        )
    return np.asarray(orientation, np.float64)


def _start(file: Path, count: int) -> bytes:
    """The first `count` bytes, decompressed, or fewer if there are no more.

    Raises:
        HemotkError: missing or corrupt.
    """
    try:
        with gzip.open(file) if _is_packed(file) else file.open("rb") as stream:
            return stream.read(count)
    except FileNotFoundError as error:
        raise HemotkError(f"{file}: no such file; check the path.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise HemotkError(f"{file}: is corrupt or cut short; copy the file again or remove it.") from error


def _is_packed(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def _decoded(file: Path, shape: _Shape) -> NDArray[Any]:
    """The values as the file's scaling makes them [x, y, z]."""
    import nibabel
    from nibabel.spatialimages import HeaderDataError

    if shape.end > file.stat().st_size * (_MOST_DEFLATED if _is_packed(file) else 1):
        raise HemotkError(f"{file}: is corrupt or cut short; copy the file again or remove it.")
    data = _start(file, shape.end + 1)  # one more: gzip compares its checksum at the end
    if len(data) < shape.end:
        raise HemotkError(f"{file}: is corrupt or cut short; copy the file again or remove it.")
    kind = nibabel.Nifti2Image if shape.second else nibabel.Nifti1Image
    try:
        values = np.asanyarray(kind.from_bytes(data[: shape.end]).dataobj)
    except (HeaderDataError, ValueError, OSError, nibabel.filebasedimages.ImageFileError) as error:
        raise HemotkError(f"{file}: is corrupt or cut short; copy the file again or remove it.") from error
    return values.reshape(values.shape[:3])


def _upright(values: NDArray[Any], shape: _Shape) -> NDArray[Any]:
    """`values` with the axes to the patient's right, to the front, up."""
    from nibabel.orientations import apply_orientation

    return np.asarray(apply_orientation(values, shape.orientation))


def _hounsfield(values: NDArray[Any], file: Path) -> NDArray[Any]:
    """`values` rounded to whole Hounsfield units, int16 where they fit.

    Raises:
        HemotkError: they cannot be Hounsfield units.
    """
    if not np.isfinite(values).all():
        raise HemotkError(f"{file}: holds values that are not finite; set them to -1024, the Hounsfield units of air.")
    low, high = float(values.min()), float(values.max())
    why = ""
    if low >= 0:
        why = "none is below 0, as those of air and fat are"
    elif high - low < _LEAST_SPAN:
        why = f"they span less than {_LEAST_SPAN}"
    elif max(-low, high) > MAX_HOUNSFIELD:
        why = f"some are beyond ±{MAX_HOUNSFIELD:,}"
    elif _few(values):
        why = f"there are at most {_FEW_VALUES} different ones, as in a mask"
    if why:
        raise HemotkError(
            f"{file}: holds values from {low:g} to {high:g}, which cannot be Hounsfield units ({why}); give the volume "
            "of the scan, or remove the file."
        )
    whole = np.rint(values)
    return whole.astype(np.int16 if low >= -32768 and high <= 32767 else np.int32)


def _few(values: NDArray[Any]) -> bool:
    """Whether there are at most `_FEW_VALUES` different values."""
    left = values.ravel()
    for _ in range(_FEW_VALUES):
        left = left[left != left[0]]
        if not len(left):
            return True
    return False
