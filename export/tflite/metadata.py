"""Putting TFLite Metadata into a finished .tflite, and the files that belong to it behind it."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from hemotk.artifacts import TensorSpec
from hemotk.errors import HemotkError
from hemotk.exporting.tflite.about import OUTPUT_NAMES, ModelAbout, associated_files, model_metadata
from hemotk.exporting.tflite.aligned import pack
from hemotk.exporting.tflite.flatbuffer import INPUT, read_model, specs
from hemotk.exporting.tflite.metadata_writer import write_metadata
from hemotk.tflite.metadata_schema import ENTRY

_ROOM = 1 << 17  # for metadata and alignment
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def add_metadata(content: bytes, about: ModelAbout) -> bytes:
    """The same .tflite with metadata and its files; what it carried of these before is replaced.

    The same model and `about` give the same bytes, also if metadata was added before.

    Raises:
        HemotkError: no .tflite with a signature, the input `pixels` of the size in `about`, and the outputs `logit`,
            `probability` and perhaps `cam`.
    """
    if content[4:8] != b"TFL3":
        raise HemotkError("metadata: the model does not begin like a .tflite; give the bytes of a whole model.")
    model = read_model(content)
    names = _output_names(model)
    pixels, outputs = specs(content)
    _check(about, pixels, names)
    _set_entry(model, write_metadata(model_metadata(about, pixels, [outputs[name] for name in names])))
    return _append(pack(model, len(content) + _ROOM), associated_files(about))


def _output_names(model: Any) -> list[str]:
    """The names in the signature of the subgraph's outputs, in the subgraph's order, which is the metadata's."""
    if not model.signatureDefs:
        raise HemotkError("metadata: the model has no signature; export it again.")
    entries = model.signatureDefs[0].outputs
    named = {int(entry.tensorIndex): entry.name.decode() for entry in entries}
    return [named.get(int(index), "unnamed") for index in model.subgraphs[0].outputs]


def _check(about: ModelAbout, pixels: TensorSpec, outputs: list[str]) -> None:
    size = about.preprocess.size
    if pixels.name != INPUT or pixels.shape != (1, size, size, 1):
        raise HemotkError(
            f"metadata: the model's input is '{pixels.name}' {list(pixels.shape)} instead of '{INPUT}' "
            f"{[1, size, size, 1]}; export it again."
        )
    if not {"logit", "probability"} <= set(outputs) <= set(OUTPUT_NAMES) or len(set(outputs)) < len(outputs):
        raise HemotkError(
            f"metadata: the model's outputs are {', '.join(outputs)} instead of logit, probability and perhaps cam; "
            "export it again."
        )


def _set_entry(model: Any, metadata: bytes) -> None:
    """Give the model's entry for metadata a buffer of its own with these bytes."""
    model.metadata = model.metadata or []
    entry = next((entry for entry in model.metadata if entry.name == ENTRY.encode()), None)
    if entry is None:
        entry = schema.MetadataT(ENTRY.encode())
        model.metadata.append(entry)
    if not entry.buffer:  # buffer 0 is the empty one
        entry.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(metadata, np.uint8)


def _append(model: bytes, files: Mapping[str, bytes]) -> bytes:
    """The model with a ZIP behind it: uncompressed, as its readers want it, and without the time of day."""
    stream = io.BytesIO(model)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # Unix, readable by all
            archive.writestr(entry, content)
    return stream.getvalue()
