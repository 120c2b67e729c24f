"""From nested values to the flatbuffer of TFLite Metadata; the schema is `hemotk.tflite.metadata_schema.TABLES`."""

from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np

from hemotk.tflite.metadata_schema import ENUMS, FORMATS, IDENTIFIER, ROOT, TABLES, UNION


def write_metadata(metadata: Mapping[str, Any]) -> bytes:
    """The flatbuffer of a `ModelMetadata`, in the form that `hemotk.tflite.metadata_schema.read_metadata` gives.

    Raises:
        ValueError: a field or a name of an enum that the schema does not have.
    """
    builder = flatbuffers.Builder()
    builder.Finish(_table(builder, ROOT, metadata), IDENTIFIER)
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, name: str, values: Mapping[str, Any]) -> int:
    """Write a table, what it points to first; its offset."""
    fields = TABLES[name]
    unknown = set(values) - set(fields)
    if unknown:
        raise ValueError(f"{name} has no field {', '.join(sorted(unknown))}")
    ready = {
        field: _ready(builder, values[f"{field}_type"] if kind == UNION else kind, values[field])
        for field, kind in fields.items()
        if field in values
    }
    builder.StartObject(len(fields))
    for slot, (field, kind) in enumerate(fields.items()):
        if field in ready:
            _put(builder, slot, kind, ready[field])
    return int(builder.EndObject())


def _ready(builder: flatbuffers.Builder, kind: str, value: Any) -> Any:
    """What a field holds: a number, or the offset of what was written for it."""
    if kind in ENUMS:
        return ENUMS[kind].index(value)
    if kind in FORMATS:
        return value
    if kind == "string":
        return builder.CreateString(value)
    if not kind.startswith("["):
        return _table(builder, kind, value)
    element = kind[1:-1]
    if element in FORMATS:
        return builder.CreateNumpyVector(np.asarray(value, FORMATS[element]))
    offsets = [_ready(builder, element, item) for item in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _put(builder: flatbuffers.Builder, slot: int, kind: str, value: Any) -> None:
    """Put a value into its slot of the open table; 0 is the default of every number and is left out."""
    if kind in ENUMS:
        builder.PrependUint8Slot(slot, value, 0)
    elif kind == "int":
        builder.PrependInt32Slot(slot, value, 0)
    elif kind == "uint":
        builder.PrependUint32Slot(slot, value, 0)
    elif kind == "float":
        builder.PrependFloat32Slot(slot, value, 0.0)
    else:
        builder.PrependUOffsetTRelativeSlot(slot, value, 0)
