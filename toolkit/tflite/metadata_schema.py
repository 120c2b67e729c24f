"""The TFLite Metadata that a .tflite carries for Android tools: its schema, and a reader that needs no other package.

The tables are those of `metadata_schema.fbs` 1.5.0 of github.com/tensorflow/tflite-support, fields in the order of
their slots. Values are nested as flatc prints them in JSON: a table is a dict without its absent fields, an enum is
the name of its value, and a union `x` is the table that `x_type` names.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from hemotk.errors import HemotkError
from hemotk.files import unpacked_size

ENTRY = "TFLITE_METADATA"
IDENTIFIER = b"M001"
ROOT = "ModelMetadata"
UNION = "union"
_MOST_BYTES = 100_000_000  # of all packed files together
_READ_AGAIN = 16  # times its own size: more than a flatbuffer takes whose tables are not shared

FORMATS: Mapping[str, str] = {"int": "<i4", "uint": "<u4", "float": "<f4", "ubyte": "u1"}
ENUMS: Mapping[str, tuple[str, ...]] = {
    "AssociatedFileType": (
        "UNKNOWN",
        "DESCRIPTIONS",
        "TENSOR_AXIS_LABELS",
        "TENSOR_VALUE_LABELS",
        "TENSOR_AXIS_SCORE_CALIBRATION",
        "VOCABULARY",
        "SCANN_INDEX_FILE",
    ),
    "ColorSpaceType": ("UNKNOWN", "RGB", "GRAYSCALE"),
    "BoundingBoxType": ("UNKNOWN", "BOUNDARIES", "UPPER_LEFT", "CENTER"),
    "CoordinateType": ("RATIO", "PIXEL"),
    "ScoreTransformationType": ("IDENTITY", "LOG", "INVERSE_LOGISTIC"),
    "ContentProperties": (
        "NONE",
        "FeatureProperties",
        "ImageProperties",
        "BoundingBoxProperties",
        "AudioProperties",
    ),
    "ProcessUnitOptions": (
        "NONE",
        "NormalizationOptions",
        "ScoreCalibrationOptions",
        "ScoreThresholdingOptions",
        "BertTokenizerOptions",
        "SentencePieceTokenizerOptions",
        "RegexTokenizerOptions",
    ),
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "AssociatedFile": {
        "name": "string",
        "description": "string",
        "type": "AssociatedFileType",
        "locale": "string",
        "version": "string",
    },
    "FeatureProperties": {},
    "ImageSize": {"width": "uint", "height": "uint"},
    "ImageProperties": {"color_space": "ColorSpaceType", "default_size": "ImageSize"},
    "AudioProperties": {"sample_rate": "uint", "channels": "uint"},
    "BoundingBoxProperties": {"index": "[uint]", "type": "BoundingBoxType", "coordinate_type": "CoordinateType"},
    "ValueRange": {"min": "int", "max": "int"},
    "Content": {
        "content_properties_type": "ContentProperties",
        "content_properties": UNION,
        "range": "ValueRange",
    },
    "NormalizationOptions": {"mean": "[float]", "std": "[float]"},
    "ScoreCalibrationOptions": {"score_transformation": "ScoreTransformationType", "default_score": "float"},
    "ScoreThresholdingOptions": {"global_score_threshold": "float"},
    "BertTokenizerOptions": {"vocab_file": "[AssociatedFile]"},
    "SentencePieceTokenizerOptions": {"sentencePiece_model": "[AssociatedFile]", "vocab_file": "[AssociatedFile]"},
    "RegexTokenizerOptions": {"delim_regex_pattern": "string", "vocab_file": "[AssociatedFile]"},
    "ProcessUnit": {"options_type": "ProcessUnitOptions", "options": UNION},
    "Stats": {"max": "[float]", "min": "[float]"},
    "TensorGroup": {"name": "string", "tensor_names": "[string]"},
    "TensorMetadata": {
        "name": "string",
        "description": "string",
        "dimension_names": "[string]",
        "content": "Content",
        "process_units": "[ProcessUnit]",
        "stats": "Stats",
        "associated_files": "[AssociatedFile]",
    },
    "CustomMetadata": {"name": "string", "data": "[ubyte]"},
    "SubGraphMetadata": {
        "name": "string",
        "description": "string",
        "input_tensor_metadata": "[TensorMetadata]",
        "output_tensor_metadata": "[TensorMetadata]",
        "associated_files": "[AssociatedFile]",
        "input_process_units": "[ProcessUnit]",
        "output_process_units": "[ProcessUnit]",
        "input_tensor_groups": "[TensorGroup]",
        "output_tensor_groups": "[TensorGroup]",
        "custom_metadata": "[CustomMetadata]",
    },
    ROOT: {
        "name": "string",
        "description": "string",
        "version": "string",
        "subgraph_metadata": "[SubGraphMetadata]",
        "author": "string",
        "license": "string",
        "associated_files": "[AssociatedFile]",
        "min_parser_version": "string",
    },
}

# Slots of the few fields of TFLite's own schema (schema.fbs) that lead to the metadata.
_MODEL_BUFFERS, _MODEL_METADATA = 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA, _BUFFER_OFFSET, _BUFFER_SIZE = 0, 1, 2


def read_metadata(model: bytes, where: str = "model") -> dict[str, Any]:
    """The metadata of a .tflite given as its bytes; empty if it has none. `where` is named in errors.

    Raises:
        HemotkError: no .tflite, or metadata that is broken or of an unknown version.
    """
    try:
        content = _metadata_buffer(_Flatbuffer(model))
        if content is None:
            return {}
        if content[4:8] != IDENTIFIER:
            raise ValueError(f"its identifier is not {IDENTIFIER.decode()}")
        buffer = _Flatbuffer(content)
        return _table(buffer, buffer.target(0), ROOT)
    except (ValueError, IndexError) as error:
        raise _unreadable(where, error) from error


def read_files(model: bytes, where: str = "model") -> dict[str, bytes]:
    """The files that are packed behind a .tflite as a ZIP, by name; empty if there are none.

    Raises:
        HemotkError: a packed file is damaged.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(model))
    except zipfile.BadZipFile:
        return {}
    except (NotImplementedError, ValueError) as error:  # of a version that zipfile does not know, or damaged
        raise _unreadable(where, error) from error
    with archive:
        try:
            size = unpacked_size(archive)
        except zipfile.BadZipFile as error:
            raise _unreadable(where, error) from error
        if size > _MOST_BYTES:
            raise HemotkError(
                f"{where}: its packed files unpack to {size} bytes, more than {_MOST_BYTES // 1_000_000} MB; export it "
                "again, or copy it again."
            )
        try:
            return {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError) as error:
            raise _unreadable(where, error) from error


class _Flatbuffer:
    """The bytes of a flatbuffer; what points outside of them, or to the same again and again, raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = _READ_AGAIN * len(data) + (1 << 20)

    def number(self, form: str, at: int) -> Any:
        """The little-endian number of that `struct` format at `at`."""
        stop = at + struct.calcsize(form)
        return struct.unpack("<" + form, self.piece(at, stop))[0]

    def piece(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to `stop`."""
        if not 0 <= start <= stop <= len(self.data):
            raise ValueError("it is cut short")
        self._left -= stop - start
        if self._left < 0:
            raise ValueError("its parts are used again and again")
        return self.data[start:stop]

    def target(self, at: int) -> int:
        """The place that the offset at `at` points to."""
        return at + self.number("I", at)

    def field(self, table: int, slot: int) -> int | None:
        """The place of the field in that slot of the table; None if it is absent."""
        vtable = table - self.number("i", table)
        entry = 4 + 2 * slot
        if entry + 2 > self.number("H", vtable):
            return None
        offset = self.number("H", vtable + entry)
        return table + offset if offset else None

    def tables(self, table: int, slot: int) -> list[int]:
        """The places of the tables (or strings) of the vector in that slot."""
        place = self.field(table, slot)
        return [] if place is None else self.targets(place)

    def targets(self, place: int) -> list[int]:
        """The places that the offsets lead to, of the vector that the field at `place` points to."""
        return [self.target(at) for at in self.vector(place, "<u4")]

    def vector(self, place: int, dtype: str) -> range:
        """The places of the elements of the vector that the field at `place` points to."""
        start, width = self.target(place), np.dtype(dtype).itemsize
        return range(start + 4, start + 4 + width * self.number("I", start), width)

    def content(self, start: int) -> bytes:
        """The byte vector or string at `start`."""
        return self.piece(start + 4, start + 4 + self.number("I", start))


def _metadata_buffer(model: _Flatbuffer) -> bytes | None:
    """The bytes of the model's entry `ENTRY`, None if it has none."""
    if model.data[4:8] != b"TFL3":
        raise ValueError("it does not begin like a .tflite")
    root = model.target(0)
    for entry in model.tables(root, _MODEL_METADATA):
        name, index = model.field(entry, _METADATA_NAME), model.field(entry, _METADATA_BUFFER)
        if name is not None and model.content(model.target(name)) == ENTRY.encode():
            buffers = model.tables(root, _MODEL_BUFFERS)
            return _buffer(model, buffers[0 if index is None else model.number("I", index)])
    return None


def _buffer(model: _Flatbuffer, table: int) -> bytes:
    """The contents of a buffer, inside the flatbuffer or, in the newer layout, behind it."""
    data = model.field(table, _BUFFER_DATA)
    if data is not None:
        return model.content(model.target(data))
    offset, size = (model.field(table, slot) for slot in (_BUFFER_OFFSET, _BUFFER_SIZE))
    if offset is None or size is None:
        return b""
    start = model.number("Q", offset)
    return model.piece(start, start + model.number("Q", size))


def _table(buffer: _Flatbuffer, at: int, name: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for slot, (field, kind) in enumerate(TABLES[name].items()):
        place = buffer.field(at, slot)
        if place is None:
            continue
        if kind != UNION:
            fields[field] = _value(buffer, place, kind)
        elif fields.get(f"{field}_type") in TABLES:
            fields[field] = _table(buffer, buffer.target(place), fields[f"{field}_type"])
    return fields


def _value(buffer: _Flatbuffer, place: int, kind: str) -> Any:
    """The value of the field at `place`; of an enum that the schema has no name for, the number."""
    if kind in ENUMS:
        names, index = ENUMS[kind], buffer.number("B", place)
        return names[index] if index < len(names) else index
    if kind in FORMATS:
        return _numbers(buffer, place, 1, FORMATS[kind])[0]
    if not kind.startswith("["):
        return _pointed(buffer, buffer.target(place), kind)
    element = kind[1:-1]
    if element in FORMATS:
        elements = buffer.vector(place, FORMATS[element])
        return _numbers(buffer, elements.start, len(elements), FORMATS[element])
    return [_pointed(buffer, at, element) for at in buffer.targets(place)]


def _pointed(buffer: _Flatbuffer, at: int, kind: str) -> Any:
    return buffer.content(at).decode() if kind == "string" else _table(buffer, at, kind)


def _numbers(buffer: _Flatbuffer, start: int, count: int, dtype: str) -> list[Any]:
    """Numbers in a row; a float32 as the shortest decimal fraction that is stored like it."""
    numbers = np.frombuffer(buffer.piece(start, start + count * np.dtype(dtype).itemsize), dtype)
    return [float(str(number)) for number in numbers] if numbers.dtype.kind == "f" else numbers.tolist()


def _unreadable(where: str, error: Exception) -> HemotkError:
    return HemotkError(f"{where}: its metadata cannot be read ({error}); export the model again, or copy it again.")
