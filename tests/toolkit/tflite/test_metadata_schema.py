import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from mean_models import Writer, mean_model

from hemotk.errors import HemotkError
from hemotk.exporting.tflite.metadata_writer import write_metadata
from hemotk.tflite.metadata_schema import ENUMS, FORMATS, ROOT, TABLES, UNION, read_files, read_metadata

GOLDEN = Path(__file__).parent / "golden_metadata"
SMALL = {"name": "m", "subgraph_metadata": [{"custom_metadata": [{"name": "c", "data": [1, 2, 255]}]}]}

floats = st.floats(-(2.0**100), 2.0**100, width=32).map(lambda number: float(str(np.float32(number))))
numbers = {
    "int": st.integers(-(2**31), 2**31 - 1),
    "uint": st.integers(0, 2**32 - 1),
    "ubyte": st.integers(0, 255),
    "float": floats,
}


def model_with(metadata: bytes, name: str = "TFLITE_METADATA") -> bytes:
    """A model whose metadata entry holds these bytes."""
    writer = Writer()
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    writer.model.buffers.append(buffer)
    writer.model.metadata = [schema.MetadataT(b"min_runtime_version", 0), schema.MetadataT(name.encode(), 1)]
    return writer.bytes()


def values(kind: str) -> st.SearchStrategy:
    """What a field of that kind may hold; 0 is the default of numbers and enums, and never stored."""
    if kind in ENUMS:
        return st.sampled_from(ENUMS[kind][1:])
    if kind in FORMATS:
        return numbers[kind].filter(bool)
    if kind == "string":
        return st.text(max_size=5)
    if not kind.startswith("["):
        return tables(kind)
    element = kind[1:-1]
    return st.lists(numbers[element] if element in FORMATS else values(element), max_size=3)


@st.composite
def tables(draw: st.DrawFn, name: str = ROOT) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, kind in TABLES[name].items():
        if kind == UNION:
            if f"{field}_type" in found:
                found[field] = draw(tables(name=found[f"{field}_type"]))
        elif draw(st.integers(0, 2)) == 0:
            found[field] = draw(values(kind))
    return found


@settings(max_examples=50)
@given(tables())
def test_what_was_written_is_read(metadata: dict) -> None:
    assert read_metadata(model_with(write_metadata(metadata))) == metadata


def test_every_field_reads_as_in_the_public_reader() -> None:
    """One value in each field, written and read with tflite-support 0.4.4."""
    content = (GOLDEN / "every_field.tflitemeta").read_bytes()
    golden = json.loads((GOLDEN / "every_field.json").read_text("utf-8"))
    assert read_metadata(model_with(content)) == golden
    assert read_metadata(model_with(write_metadata(golden))) == golden
    assert {name for name, _ in fields(golden, ROOT)} == set(TABLES)
    assert set(fields(golden, ROOT)) >= {(name, field) for name in TABLES for field in TABLES[name]}


def fields(table: dict, name: str) -> Iterator[tuple[str, str]]:
    """Table and field of everything that is set."""
    yield name, ""
    for field, value in table.items():
        yield name, field
        kind = TABLES[name][field].strip("[]")
        kind = table[f"{field}_type"] if kind == UNION else kind
        for item in value if isinstance(value, list) else [value]:
            if kind in TABLES:
                yield from fields(item, kind)


def test_a_model_without_metadata_has_none() -> None:
    assert read_metadata(mean_model()) == {}
    assert read_metadata(model_with(write_metadata(SMALL), "OTHER")) == {}
    assert read_files(mean_model()) == {}


def test_metadata_behind_the_model_is_read() -> None:
    """Big models keep their arrays behind the flatbuffer."""
    metadata = write_metadata(SMALL)
    writer = Writer()
    writer.model.buffers.append(schema.BufferT(None, 4096, len(metadata)))
    writer.model.metadata = [schema.MetadataT(b"TFLITE_METADATA", 1)]
    assert read_metadata(writer.bytes().ljust(4096, b"\0") + metadata) == SMALL


def test_a_name_that_came_later_is_its_number() -> None:
    content = bytearray(write_metadata({"associated_files": [{"type": "SCANN_INDEX_FILE"}]}))
    content[content.rindex(6)] = 99
    assert read_metadata(model_with(bytes(content))) == {"associated_files": [{"type": 99}]}


@pytest.mark.parametrize("metadata", [{"nmae": "x"}, {"associated_files": [{"type": "LABELS"}]}])
def test_what_the_schema_does_not_have_is_not_written(metadata: dict) -> None:
    with pytest.raises(ValueError, match=r"nmae|tuple\.index"):
        write_metadata(metadata)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not begin like a .tflite"),
        (b"not a model at all", "does not begin like a .tflite"),
        (model_with(b""), "identifier is not M001"),
        (model_with(write_metadata(SMALL).replace(b"M001", b"M002")), "identifier is not M001"),
        (model_with(write_metadata(SMALL)[:-8]), "cut short"),
        (model_with(write_metadata(SMALL))[:100], "cut short"),
        (struct.pack("<I4si", 8, b"TFL3", 1000) + bytes(40), "cut short"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, reason: str) -> None:
    with pytest.raises(HemotkError, match=reason) as caught:
        read_metadata(content, "a.tflite")
    assert str(caught.value).startswith("a.tflite: its metadata cannot be read (")
    assert str(caught.value).endswith("); export the model again, or copy it again.")


@given(st.data())
def test_a_damaged_model_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(model_with(write_metadata(SMALL)))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(read_metadata(bytes(content)), dict)
    except HemotkError as error:
        assert "its metadata cannot be read" in str(error)


def test_a_damaged_file_is_said() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("labels.txt", "normal\n")
    with pytest.raises(HemotkError, match=r"^b\.tflite: its metadata cannot be read \(Bad CRC-32"):
        read_files(stream.getvalue().replace(b"normal", b"narmol"), "b.tflite")
