"""Small files that would unpack to gigabytes, and archives whose members cannot be opened."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from dicom_files import content, dataset, ramp
from PIL import Image

from hemotk.artifacts.pixels import BRAIN
from hemotk.data.read.dicom import load_dicom, why_no_slice
from hemotk.data.read.preprocess import load_gray
from hemotk.errors import HemotkError
from hemotk.importing.stored import open_stored
from hemotk.models.shape import densenet
from hemotk.models.weights import read_weights, write_weights
from hemotk.tflite import metadata_schema as tflite_metadata
from hemotk.tflite.metadata_schema import read_files, read_metadata

SHAPE = densenet((1,), growth=2)


def zeros(count: int) -> bytes:
    """An archive whose one member `big.npy` unpacks to `count` zeros."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.npy", bytes(count))
    return stream.getvalue()


def claimed(data: bytes, old: int, new: int) -> bytes:
    """`data` whose members claim `new` bytes instead of `old`."""
    changed = data.replace(old.to_bytes(4, "little"), new.to_bytes(4, "little"))
    assert changed != data
    return changed


def test_weights_that_unpack_to_more_than_their_shape_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_bytes(zeros(30_000_000))
    with pytest.raises(HemotkError, match=r"w\.npz: unpacks to 30000000 bytes, more than its shape file says"):
        read_weights(tmp_path / "w.npz", SHAPE)


def test_weights_with_an_encrypted_member_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    write_weights(path, {name: np.zeros(size) for name, size in SHAPE.arrays().items()})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 0x41
    path.write_bytes(bytes(data))
    with pytest.raises(HemotkError, match="is no weight file or was cut short"):
        read_weights(path, SHAPE)


def test_one_array_instead_of_an_archive_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "w.npz").open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(HemotkError, match="is no weight file or was cut short"):
        read_weights(tmp_path / "w.npz", SHAPE)


def test_a_keras_file_with_an_array_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = "{}"
        file.create_dataset("model_weights/a", (10**10,), "f4", chunks=(1000,))
    with pytest.raises(HemotkError, match=r"m\.h5: unpacks to 40000000000 bytes"):
        open_stored(tmp_path / "m.h5")


def test_a_keras_archive_of_gigabytes_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(claimed(zeros(5_000_001), 5_000_001, 4_000_000_001))
    with pytest.raises(HemotkError, match=r"m\.keras: unpacks to 4000000001 bytes"):
        open_stored(tmp_path / "m.keras")


def test_packed_files_of_gigabytes_are_refused_unread() -> None:
    with pytest.raises(HemotkError, match="model: its packed files unpack to 4000000001 bytes"):
        read_files(claimed(zeros(5_000_001), 5_000_001, 4_000_000_001))


def test_packed_files_of_an_unknown_version_are_refused() -> None:
    data = bytearray(zeros(3))
    data[data.index(b"PK\x01\x02") + 6] = 236
    with pytest.raises(HemotkError, match=r"model: .*zip file version 23\.6"):
        read_files(bytes(data))


def packed(name: str, count: int, method: int) -> bytes:
    """An archive whose one member unpacks to `count` zeros by `method`, and claims to be one byte."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, bytes(count))
    data = bytearray(stream.getvalue())
    struct.pack_into("<I", data, data.rindex(b"PK\x01\x02") + 24, 1)
    return bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_may_unpack_to_more_than_they_claim_are_never_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: int
) -> None:
    data = packed("config.json", 1_000_000, method)
    (tmp_path / "w.npz").write_bytes(data)
    (tmp_path / "m.keras").write_bytes(data)
    opened: list[str] = []
    kept = zipfile.ZipFile.open

    def noted(archive: zipfile.ZipFile, name: str, *rest: str) -> object:
        opened.append(name)
        return kept(archive, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile.ZipFile, "open", noted)
    with pytest.raises(HemotkError, match="not deflate"):
        read_files(data)
    with pytest.raises(HemotkError, match="is no weight file"):
        read_weights(tmp_path / "w.npz", SHAPE)
    with pytest.raises(HemotkError, match="is no saved Keras model"):
        open_stored(tmp_path / "m.keras")
    assert opened == []


def nested(count: int) -> bytes:
    """TFLite Metadata of four levels, each of which names the one table of the next `count` times."""
    data, vector = bytearray(b"\0\0\0\0M001"), 0
    for slot in (3, 2, 6, None):  # subgraph_metadata, input_tensor_metadata, associated_files
        slots = b"" if slot is None else bytes(2 * slot) + struct.pack("<H", 4)
        vtable = len(data)
        data += struct.pack("<HH", 4 + len(slots), 8) + slots
        data += bytes(-len(data) % 4)
        table = len(data)
        data += struct.pack("<iII", table - vtable, 4, count)
        struct.pack_into("<I", data, 0, table if slot == 3 else struct.unpack_from("<I", data)[0])
        for at in range(vector, vector + 4 * count, 4) if vector else ():
            struct.pack_into("<I", data, at, table - at)
        vector = len(data)
        data += bytes(4 * count)
    return bytes(data)


def test_metadata_that_names_the_same_tables_again_and_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = nested(3)
    monkeypatch.setattr(tflite_metadata, "_metadata_buffer", lambda _: content)
    files = read_metadata(b"")["subgraph_metadata"][2]["input_tensor_metadata"][2]["associated_files"]
    assert files == [{}, {}, {}]
    content = nested(60)
    with pytest.raises(HemotkError, match="again and again"):
        read_metadata(b"")


def test_a_tiff_whose_second_frame_has_no_width_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("L", (20, 16), 7).save(stream, "TIFF")
    data = bytearray(stream.getvalue())
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, len(data))
    (tmp_path / "p.tif").write_bytes(bytes(data) + bytes(6))
    with pytest.raises(HemotkError, match="is corrupt or cut short"):
        load_gray(tmp_path / "p.tif")


def test_a_dicom_file_of_several_modalities_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content(dataset(ramp(), Modality=["CT", "MR"])))
    assert why_no_slice(path) == "files of modality (unknown)"
    with pytest.raises(HemotkError, match=r"is of modality \(unknown\), not CT"):
        load_dicom(path, BRAIN)


@pytest.mark.parametrize("kind", ["bytes", "texts"])
def test_weights_that_are_no_numbers_are_one_sentence(tmp_path: Path, kind: str) -> None:
    path, name = tmp_path / "w.npz", next(iter(SHAPE.arrays()))
    if kind == "bytes":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"no array")
    else:
        savez: Callable[..., None] = np.savez
        savez(path, **{name: np.array(["a", "b"])})
    with pytest.raises(HemotkError, match="is no array of numbers"):
        read_weights(path, SHAPE)
