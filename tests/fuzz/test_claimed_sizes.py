"""Sizes that a file claims are held against what may be, before anything is allocated or unpacked."""

import gzip
import io
import struct
import types
import zlib
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pydicom
import pytest
from dicom_files import content, dataset, ramp
from PIL import Image, features
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from hemotk.artifacts.pixels import BRAIN
from hemotk.data.read import dicom_sizes, nifti
from hemotk.data.read.dicom import load_dicom, why_no_slice
from hemotk.data.read.dicom_sizes import is_one_frame
from hemotk.errors import HemotkError
from hemotk.models.pretrained import load_pretrained
from hemotk.models.shape import densenet
from hemotk.store.unfinished import CHECKPOINT_FILE
from hemotk.training import checkpoint

GRAY = (ramp() > 0).astype(np.uint8)
JPEG_2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow cannot do JPEG 2000")


def deflated(spare: int) -> bytes:
    """A slice whose data set is deflated, and inflates to `spare` bytes more than it needs."""
    stream = io.BytesIO()
    made = dataset(ramp() + 1024, syntax=DeflatedExplicitVRLittleEndian)
    made.add_new(0x7FE10010, "OB", bytes(spare))
    pydicom.dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()


def test_a_deflated_slice_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(deflated(1000))
    (tmp_path / "b.dcm").write_bytes(content(dataset(ramp() + 1024)))
    a, b = (load_dicom(tmp_path / f"{name}.dcm", BRAIN) for name in "ab")
    assert np.array_equal(a, b)


def test_a_deflated_file_of_gigabytes_is_never_inflated_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(deflated(4_000_000))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(dicom_sizes, "_MOST_BYTES", 3_000_000)
    monkeypatch.setattr(zlib, "decompress", lambda *_: pytest.fail("was inflated whole"))
    with pytest.raises(HemotkError, match=r"a\.dcm: is larger than 40 megapixels"):
        load_dicom(path, BRAIN)
    assert why_no_slice(path) == ""


def picture(form: str, sides: tuple[int, int] = (48, 40), mode: str = "L", **settings: object) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, sides, 7).save(stream, form, **settings)
    return stream.getvalue()


def held(*frames: bytes, syntax: str = JPEGBaseline8Bit) -> pydicom.FileDataset:
    """A slice of 40 rows and 48 columns whose encapsulated pixels are `frames`."""
    made = dataset(GRAY, bits=8, signed=False, syntax=syntax)
    made.PixelData = encapsulate(list(frames))
    return cast(pydicom.FileDataset, made)  # of a file it has all but the name


def test_a_frame_of_the_headers_sides_is_one() -> None:
    assert is_one_frame(held(picture("JPEG")))
    assert is_one_frame(held(picture("JPEG", progressive=True)))
    made = dataset(ramp() + 1024)
    made.compress(RLELossless)
    assert is_one_frame(made)


@pytest.mark.parametrize("marker", [0xC3, 0xF7], ids=["lossless", "JPEG-LS"])
def test_frames_of_other_jpegs_say_their_sides_likewise(marker: int) -> None:
    before = b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + b"\xff\xff\xf8\x00\x03c"
    for sides, whether in (((40, 48), True), ((4000, 48), False)):
        frame = before + struct.pack(">BBHBHHB", 0xFF, marker, 11, 8, *sides, 1) + b"\x01\x11\x00\xff\xd9"
        assert is_one_frame(held(frame)) == whether


@JPEG_2000
@pytest.mark.parametrize("boxes", [True, False])
def test_a_jpeg_2000_frame_is_one_of_its_own_sides_only(boxes: bool) -> None:
    frame = picture("JPEG2000", no_jp2=not boxes)
    assert is_one_frame(held(frame, syntax=JPEG2000Lossless))
    shifted, at = bytearray(frame), frame.index(b"\xff\x4f\xff\x51") + 8
    struct.pack_into(">4I", shifted, at, 48 + 8, 40 + 4, 8, 4)
    assert is_one_frame(held(bytes(shifted), syntax=JPEG2000Lossless))
    assert not is_one_frame(held(picture("JPEG2000", (49, 40), no_jp2=not boxes), syntax=JPEG2000Lossless))
    assert not is_one_frame(held(picture("JPEG2000", mode="RGB", no_jp2=not boxes), syntax=JPEG2000Lossless))


@pytest.mark.parametrize(
    "frames",
    [
        [picture("JPEG", (48, 41))],
        [picture("JPEG", (49, 40))],
        [picture("JPEG", mode="RGB")],
        [picture("JPEG"), picture("JPEG")],
        [picture("JPEG")[:20]],
        [b"\xff\xd8\xff\xd9"],
        [b"\xff\xd8" + b"\xff\xd0" * 9],
        [b"\xff\xd8" + b"\xff" * 9],
        [picture("JPEG") + bytes(100_000)],
    ],
)
def test_frames_of_other_sides_or_more_than_one_are_never_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: list[bytes]
) -> None:
    made = held(*frames)
    assert not is_one_frame(made)
    made["PixelData"].is_undefined_length = True
    (tmp_path / "a.dcm").write_bytes(content(made))
    monkeypatch.setattr(pydicom.Dataset, "pixel_array", property(lambda _: pytest.fail("was decoded")))
    with pytest.raises(HemotkError, match="is corrupt or cut short"):
        load_dicom(tmp_path / "a.dcm", BRAIN)


def test_a_frame_that_says_gigapixels_is_never_decoded() -> None:
    frame = bytearray(picture("JPEG"))
    at = frame.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", frame, at, 65500, 65500)
    made = held(bytes(frame))
    assert next(generate_frames(made.PixelData, number_of_frames=1)).startswith(b"\xff\xd8")
    assert not is_one_frame(made)


@pytest.mark.parametrize("packed", [False, True])
def test_a_volume_longer_than_its_file_can_hold_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    nibabel = pytest.importorskip("nibabel")
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((512, 512, 400))
    header.set_sform(np.eye(4), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    data = header.binaryblock + bytes(250_000)
    path = tmp_path / ("scan.nii.gz" if packed else "scan.nii")
    path.write_bytes(gzip.compress(data) if packed else data)
    counts: list[int] = []
    kept = nifti._start

    def watched(file: Any, count: int) -> bytes:
        counts.append(count)
        return kept(file, count)

    monkeypatch.setattr(nifti, "_start", watched)
    with pytest.raises(HemotkError, match="is corrupt or cut short"):
        nifti.load_volume_slice(Path(f"{path}#0001"), BRAIN)
    assert max(counts) < 1000


def test_the_shortest_that_deflate_makes_a_volume_is_not_refused(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    values = np.full((256, 256, 64), -1000, np.int16)
    values[100:110, 100, 3] = range(1, 11)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scan.nii")
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress((tmp_path / "scan.nii").read_bytes(), 9))
    assert nifti.load_volume_slice(Path(f"{tmp_path / 'scan.nii.gz'}#0003"), BRAIN).max() > 0


def test_values_longer_than_float64_count_as_long_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="above the 67,108,864 allowed"):
        nifti._check_sides(tmp_path, (500, 500, 400), 16)
    nifti._check_sides(tmp_path, (500, 500, 400), 8)


def test_a_checkpoint_that_unpacks_to_more_than_the_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "named_variables", lambda _: {})
    trainer = types.SimpleNamespace(model=None, optimizer=types.SimpleNamespace(variables=[]))
    np.savez_compressed(tmp_path / CHECKPOINT_FILE, about=np.zeros(65_000_000, np.uint8))
    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", lambda *_: pytest.fail("was unpacked"))
    with pytest.raises(HemotkError, match=r"checkpoint\.npz: is damaged; remove"):
        checkpoint.load_checkpoint(tmp_path, trainer, {})  # type: ignore[arg-type]


def test_a_checkpoint_that_is_one_array_is_one_sentence(tmp_path: Path) -> None:
    with (tmp_path / CHECKPOINT_FILE).open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(HemotkError, match="is damaged"):
        checkpoint.load_checkpoint(tmp_path, None, {})  # type: ignore[arg-type]


def test_given_weights_of_gigabytes_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = densenet((1,), growth=2)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = ["a"]
        file.create_dataset("a/b", (10**10,), "f4", chunks=(1000,))
        file["a"].attrs["weight_names"] = ["b"]
    with pytest.raises(HemotkError, match=r"w\.h5: unpacks to 40000000000 bytes"):
        load_pretrained(str(tmp_path / "w.h5"), "densenet121", shape)
    monkeypatch.setattr("hemotk.models.pretrained._MOST_BYTES", 1000)
    np.savez(tmp_path / "w.npz", a=np.zeros(1000))
    with pytest.raises(HemotkError, match=r"w\.npz: unpacks to 8\d\d\d bytes"):
        load_pretrained(str(tmp_path / "w.npz"), "densenet121", shape)
