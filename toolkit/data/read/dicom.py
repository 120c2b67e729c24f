"""Computed tomography slices in DICOM files: Hounsfield units, seen through a window, as gray bytes.

Only what is needed is read from a file: names, dates and the like never reach memory. pydicom is imported when the
first DICOM file is read.
"""

import re
import warnings
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.pixels import Window
from hemotk.data.read.dicom_sizes import check_deflated, is_one_frame
from hemotk.data.read.dicom_start import SNIFFED, begins_like_elements, plain_syntax
from hemotk.data.read.limits import check_sides
from hemotk.data.read.wrapped import is_wrapped, may_be_wrapped, unwrapped
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from pydicom import FileDataset

DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
_MAGIC, _PREAMBLE = b"DICM", 128
_DIRECTORY = "DICOMDIR"
# CT Image Storage, and its Enhanced and Legacy Converted kinds, which may hold a single frame.
_SLICES = frozenset(f"1.2.840.10008.5.1.4.1.1.2{kind}" for kind in ("", ".1", ".2"))
_PYDICOM = r"pydicom\b"
# An error may quote these words of a file: other text could name somebody.
_COLOURS = frozenset({"RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420"})
_UNITS = frozenset({"HU_MOD", "OD", "PCT", "Z_EFF", "ED", "EDW", "MGML"})
_MODALITIES = {"SR": "reports (such as dose reports)", "PR": "presentation states", "KO": "lists of key images"}
_KIND = ("SOPClassUID", "Modality", "ImageType", "ImageOrientationPatient")
_LEAST_AXIAL = 0.7  # of the normal along the body: gantries tilt up to 30°, heads lie as much askew
_TAGS = (
    "SOPClassUID",
    "Modality",
    "ImageType",
    "ImageOrientationPatient",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "PixelData",
)


class NoSlice(HemotkError):
    """A DICOM file that was never meant to be a slice, such as a localizer; `kind` says what it is, in plural."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


def is_dicom(path: Path) -> bool:
    """Whether the file at `path` is called like a DICOM file or begins like one; directories of media are none.

    Files without the 128 bytes of preamble count if they begin with a group of elements as DICOM writes them.
    """
    if path.name == _DIRECTORY:
        return False
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(SNIFFED)
            return head[_PREAMBLE : _PREAMBLE + len(_MAGIC)] == _MAGIC or begins_like_elements(head)
    except OSError:
        return False


def why_no_slice(path: Path) -> str:
    """The kind of the DICOM file at `path`, in plural, if it was never meant to be a slice; else, or unread, ''."""
    try:
        _check_kind(read_tags(path, _KIND, pixels=False), path)
    except NoSlice as error:
        return error.kind
    except HemotkError:
        return ""
    return ""


def load_dicom(path: Path, window: Window) -> NDArray[np.uint8]:
    """The slice at `path` through `window`: uint8 [rows, columns], 0 for what is as dense as its lower edge or less.

    Pixels marked as padding are 0. Negative values that had wrapped to large ones are put right. A slice of
    MONOCHROME1, whose least value is to be shown white, is inverted after the window, as a viewer shows it.

    Raises:
        HemotkError: pydicom is not installed, or the file is no single whole slice of computed tomography.
    """
    dataset = read_tags(path, _TAGS)
    _check_slice(dataset, path)
    stored = _stored_values(dataset, path)
    padding = _padding(dataset, stored)
    if is_wrapped(dataset, stored, padding):
        stored = unwrapped(stored, dataset.BitsStored)
    slope, intercept = (_decimal(dataset, name, path) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope <= 0:
        raise HemotkError(f"{path}: has RescaleSlope {float(slope):g}, which must be above 0; mend or remove the file.")
    gray = np.searchsorted(thresholds(slope, intercept, window), stored, side="right").astype(np.uint8)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        gray = 255 - gray
    gray[padding] = 0
    return gray


def was_wrapped(path: Path) -> bool:
    """Whether `load_dicom` puts wrapped values right in the file at `path`; false for what it cannot read."""
    try:
        if not may_be_wrapped(read_tags(path, _TAGS, pixels=False)):
            return False
        dataset = read_tags(path, _TAGS)
        _check_slice(dataset, path)
        stored = _stored_values(dataset, path)
        return is_wrapped(dataset, stored, _padding(dataset, stored))
    except HemotkError:
        return False


def thresholds(slope: Fraction, intercept: Fraction, window: Window) -> NDArray[np.int64]:
    """The least stored value that becomes 1, 2, … 255: int64 [255], not falling.

    A slice's gray is the number of thresholds that its stored value v reaches. This is, with HU = slope · v +
    intercept, floor(255 · ((HU - level) / width + 1/2) + 1/2) held within 0 and 255, computed without any rounding in
    between: the window function LINEAR_EXACT of DICOM (PS3.3 C.11.2.1.3.2).
    """
    low = Fraction(window.level) - Fraction(window.width) / 2
    step = Fraction(window.width) / 510
    edges = ((low + step * (2 * gray - 1) - intercept) / slope for gray in range(1, 256))
    limit = 1 << 40  # beyond any stored value
    return np.array([min(max(-(-edge // 1), -limit), limit) for edge in edges], np.int64)


def read_tags(path: Path, names: Sequence[str], *, pixels: bool = True) -> "FileDataset":
    """Read the elements called `names` of the DICOM file at `path`; without `pixels`, what comes before them.

    Raises:
        HemotkError: pydicom is not installed, or the file is missing or no DICOM file.
    """
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise HemotkError(f"{path}: is DICOM, which needs pydicom; `pip install 'hemotk[dicom]'`.") from error
    _hold_tongue()
    if path.exists() and not path.is_file():
        raise HemotkError(f"{path}: is no file; name a DICOM file or a folder of them.")
    try:
        force = _without_preamble(path)
        check_deflated(path, force)
        dataset = pydicom.dcmread(path, specific_tags=list(names), stop_before_pixels=not pixels, force=force)
        if not hasattr(dataset.file_meta, "TransferSyntaxUID"):
            dataset.file_meta.TransferSyntaxUID = plain_syntax(dataset)
        for name in names:  # values are parsed when they are first asked for
            if isinstance(dataset.get(name), pydicom.Sequence):  # none is one; what lies in it may be broken too
                raise HemotkError(_broken(path))
        return dataset
    except FileNotFoundError as error:
        raise HemotkError(f"{path}: no such file; check the path.") from error
    except InvalidDicomError as error:
        raise HemotkError(f"{path}: is called like a DICOM file but is none; replace or remove the file.") from error
    except HemotkError:
        raise
    except MemoryError as error:
        raise HemotkError(f"{path}: does not fit into memory; remove the file.") from error
    except Exception as error:  # whatever a parser meets in a broken file
        raise HemotkError(_broken(path)) from error


def _without_preamble(path: Path) -> bool:
    with path.open("rb") as stream:
        return begins_like_elements(stream.read(SNIFFED))


def _hold_tongue() -> None:
    """Silence pydicom's warnings, which quote what they complain of; for good, since files are read by threads."""
    if not any(getattr(pattern, "pattern", "") == _PYDICOM for _, _, _, pattern, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=_PYDICOM)


def _check_slice(dataset: "FileDataset", path: Path) -> None:
    """Refuse what is no single gray slice in Hounsfield units."""
    if "PixelData" not in dataset and (dataset.get("Modality") or "CT") == "CT":
        raise HemotkError(f"{path}: holds no pixel data or was cut short; copy the file again or remove it.")
    _check_kind(dataset, path)
    frames = dataset.get("NumberOfFrames") or 1
    if not isinstance(frames, int):
        raise HemotkError(_broken(path))
    if frames != 1:
        raise HemotkError(f"{path}: has {frames} frames; save each slice as a file of its own.")
    photometric = dataset.get("PhotometricInterpretation") or ""
    if dataset.get("SamplesPerPixel") != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise HemotkError(
            f"{path}: holds {_word(photometric, _COLOURS)} pixels instead of gray ones; give the original slice, not "
            "a capture of it."
        )
    unit = dataset.get("RescaleType") or "HU"
    if unit not in ("HU", "US"):
        raise HemotkError(
            f"{path}: holds values of type {_word(unit, _UNITS)} instead of Hounsfield units; remove the file."
        )
    rows, columns, stored, high = (dataset.get(name) for name in ("Rows", "Columns", "BitsStored", "HighBit"))
    if not all(isinstance(value, int) for value in (rows, columns, stored, high)):
        raise HemotkError(_broken(path))
    check_sides(columns, rows, path)
    if high != stored - 1 or not 1 < stored <= 16:
        raise HemotkError(
            f"{path}: keeps {stored} bits below bit {high + 1}; only up to 16 bits from the lowest one on are read."
        )


def _check_kind(dataset: "FileDataset", path: Path) -> None:
    """Refuse what is no slice of computed tomography, by what its header says it is."""
    modality = dataset.get("Modality") or ""
    if not modality:
        raise HemotkError(f"{path}: is of modality {_word(modality)}, not CT; remove the file.")
    if modality != "CT":
        kind = _MODALITIES.get(str(modality), f"files of modality {_word(modality)}")
        raise NoSlice(f"{path}: is of modality {_word(modality)}, not CT; remove the file.", kind)
    if str(dataset.get("SOPClassUID") or min(_SLICES)) not in _SLICES:
        raise NoSlice(
            f"{path}: is a capture or something else made from a slice; give the original slice.",
            "captures and the like made from slices",
        )
    if "LOCALIZER" in (dataset.get("ImageType") or ()):
        raise NoSlice(f"{path}: is a localizer, not a slice; remove the file.", "localizers")
    if not _may_be_axial(dataset.get("ImageOrientationPatient")):
        raise NoSlice(
            f"{path}: lies along the body (ImageOrientationPatient), as a localizer or a coronal or sagittal reformat "
            "does; give the axial slices.",
            "localizers or coronal or sagittal reformats, by their orientation",
        )


def _may_be_axial(orientation: Any) -> bool:
    """Whether the slice lies across the body, or does not say how it lies."""
    try:
        sides = np.array([float(value) for value in orientation], float).reshape(2, 3)
    except (TypeError, ValueError):
        return True
    normal = np.cross(*sides)
    length = float(np.linalg.norm(normal))
    return not np.isfinite(length) or length < 1e-6 or abs(float(normal[2])) >= _LEAST_AXIAL * length


def _stored_values(dataset: "FileDataset", path: Path) -> NDArray[Any]:
    """The stored values, integers [rows, columns]."""
    try:
        _check_decoder(getattr(dataset.file_meta, "TransferSyntaxUID", None), path)
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated and not is_one_frame(dataset):
            raise HemotkError(_broken(path))
        values: NDArray[Any] = dataset.pixel_array
        exact = _is_whole(dataset)
    except HemotkError:
        raise
    except NotImplementedError as error:  # by the decoder that there is, of what the file holds
        raise _undecodable(dataset.file_meta.TransferSyntaxUID, path) from error
    except MemoryError as error:
        raise HemotkError(f"{path}: does not fit into memory; remove the file.") from error
    except Exception as error:  # whatever a decoder meets in a broken file
        raise HemotkError(_broken(path)) from error
    if values.shape != (dataset.Rows, dataset.Columns) or not exact:
        raise HemotkError(_broken(path))
    return values


def _is_whole(dataset: "FileDataset") -> bool:
    """Whether uncompressed pixels are as many bytes as rows and columns say, but for one that makes them even."""
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return True
    wanted = dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
    return len(dataset.PixelData) in (wanted, wanted + wanted % 2)


def _check_decoder(syntax: Any, path: Path) -> None:
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(syntax)
    except (NotImplementedError, AttributeError, TypeError) as error:
        name = str(getattr(syntax, "name", "") or "")[:40] or "'' (none given)"
        raise HemotkError(
            f"{path}: has the transfer syntax {name}, which cannot be decoded; save it uncompressed."
        ) from error
    if syntax.is_encapsulated and not decoder.is_available:
        raise _undecodable(syntax, path)


def _undecodable(syntax: Any, path: Path) -> HemotkError:
    return HemotkError(
        f"{path}: is compressed as {syntax.name}, which needs another package; `pip install python-gdcm`, or "
        "pylibjpeg with pylibjpeg-libjpeg and pylibjpeg-openjpeg."
    )


def _decimal(dataset: "FileDataset", name: str, path: Path) -> Fraction:
    """A decimal string of DICOM as the number that it says."""
    value = dataset.get(name)
    if value is None:
        raise HemotkError(f"{path}: has no {name}, so its Hounsfield units are not known; remove the file.")
    try:
        number = Decimal(str(value).strip())
        least = -6 if name == "RescaleSlope" else -30
        if number and not least <= number.adjusted() <= 6:  # before it is written out in digits
            raise HemotkError(f"{path}: has a {name} that cannot be one of Hounsfield units; mend or remove the file.")
        return Fraction(number)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise HemotkError(f"{path}: has a {name} that is no number; mend or remove the file.") from error


def _padding(dataset: "FileDataset", stored: NDArray[Any]) -> NDArray[np.bool_]:
    """The mask of padding: pixels of PixelPaddingValue, or between it and PixelPaddingRangeLimit."""
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return np.zeros(stored.shape, np.bool_)
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [_wrapped(end, dataset) for end in (value, limit) if isinstance(end, int)]
    lost = dataset.BitsAllocated - dataset.BitsStored
    if any(_wrapped(end << lost, dataset) >> lost != end for end in ends):
        stored = _with_unused_bits(dataset, stored)
    return (stored >= min(ends)) & (stored <= max(ends))


def _with_unused_bits(dataset: "FileDataset", stored: NDArray[Any]) -> NDArray[Any]:
    """The values as they lie in the file: some writers mark padding in bits above BitsStored."""
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        return stored
    values: NDArray[Any] = get_decoder(syntax).as_array(dataset, raw=True, correct_unused_bits=False)[0]  # type: ignore[arg-type]
    return values


def _wrapped(value: int, dataset: "FileDataset") -> int:
    """A padding value as a stored one: some writers keep the bits of -2000 as 63536."""
    bits = int(dataset.BitsAllocated)
    value %= 1 << bits
    return value - (1 << bits) if dataset.PixelRepresentation == 1 and value >= 1 << (bits - 1) else value


def _word(value: str, known: frozenset[str] = frozenset()) -> str:
    """The file's own word if it is one of `known` or two capital letters: other text could name somebody."""
    if not value:
        return "'' (none given)"
    text = str(value)  # a damaged file may hold several values
    return text if text in known or re.fullmatch("[A-Z]{2}", text) else "(unknown)"


def _broken(path: Path) -> str:
    return f"{path}: is corrupt or cut short; copy the file again or remove it."
