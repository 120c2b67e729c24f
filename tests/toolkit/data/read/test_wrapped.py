"""CT slices whose negative values wrapped, files without preamble, and what is no slice."""

from pathlib import Path

import numpy as np
import pytest
from dicom_files import content, dataset, write_slice
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from hemotk.artifacts.pixels import BRAIN
from hemotk.data.read.dicom import is_dicom, load_dicom, was_wrapped, why_no_slice
from hemotk.data.read.dicom_start import SNIFFED, begins_like_elements
from hemotk.data.read.preprocess import load_gray
from hemotk.data.scan.folder import scan
from hemotk.data.scan.listing import list_folder
from hemotk.errors import HemotkError


def head(seed: int = 0) -> np.ndarray:
    """Hounsfield units [64, 64]: brain with noise in air, some bone, and a padding of -2000 in a corner."""
    random = np.random.default_rng(seed)
    units = np.full((64, 64), -1000) + random.integers(-20, 20, (64, 64))
    units[16:48, 16:48] = 35 + random.integers(-8, 8, (32, 32))
    units[16:48, 14:16] = 1500
    return units


@pytest.mark.parametrize("padding", [None, -2000, -1500])
@pytest.mark.parametrize("intercept", ["0", "-50"])
def test_wrapped_values_are_seen_as_they_were(tmp_path: Path, padding: int | None, intercept: str) -> None:
    units = head()
    if padding is not None:
        units[:12, :] = padding
    stored = (units - int(intercept)) % 4096
    wrapped = write_slice(tmp_path / "w.dcm", stored, signed=False, bits=12, intercept=intercept)
    plain = write_slice(tmp_path / "p.dcm", units, signed=True, bits=16, intercept="0")
    assert was_wrapped(wrapped) and not was_wrapped(plain)
    assert np.array_equal(load_gray(wrapped), load_gray(plain))


def test_a_head_that_fills_the_picture_is_recognised_by_its_air(tmp_path: Path) -> None:
    units = np.full((64, 64), 35)
    units[:4] = -1000 + np.arange(64)  # no value of air is common
    path = write_slice(tmp_path / "w.dcm", units % 4096, signed=False, bits=12, intercept="0")
    assert was_wrapped(path) and load_gray(path)[0].max() == 0


@pytest.mark.parametrize(("bits", "intercept"), [(13, "0"), (14, "-1024"), (16, "0"), (16, "-1024"), (16, "1")])
def test_more_bits_wrap_as_twelve_do(tmp_path: Path, bits: int, intercept: str) -> None:
    units = head()
    units[:12, :] = -2000
    stored = (units - int(intercept)) % (1 << bits)
    wrapped = write_slice(tmp_path / "w.dcm", stored, signed=False, bits=bits, intercept=intercept)
    plain = write_slice(tmp_path / "p.dcm", units, signed=True, bits=16, intercept="0")
    assert was_wrapped(wrapped) and not was_wrapped(plain)
    assert np.array_equal(load_gray(wrapped), load_gray(plain))


def test_padding_that_the_header_names_is_not_counted_as_wrapped(tmp_path: Path) -> None:
    stored = head() + 1024
    stored[:12, :] = 63536
    settings = {"signed": False, "bits": 16, "intercept": "-1024", "PixelPaddingValue": 63536}
    path = write_slice(tmp_path / "p.dcm", np.maximum(stored, 0), **settings)
    assert not was_wrapped(path) and load_gray(path)[:12].max() == 0


def test_values_with_a_large_offset_are_not_wrapped(tmp_path: Path) -> None:
    path = write_slice(tmp_path / "o.dcm", head() + 32768, signed=False, bits=16, intercept="-32768")
    plain = write_slice(tmp_path / "p.dcm", head(), signed=True, bits=16, intercept="0")
    assert not was_wrapped(path) and np.array_equal(load_gray(path), load_gray(plain))


@pytest.mark.parametrize(
    "settings",
    [
        {"signed": False, "bits": 12, "intercept": "-1024"},
        {"signed": False, "bits": 16, "intercept": "0"},
        {"signed": True, "bits": 12, "intercept": "0"},
    ],
)
def test_other_slices_stay_as_they_are(tmp_path: Path, settings: dict[str, object]) -> None:
    stored = np.full((64, 64), 1500 if settings["signed"] else 3000)
    path = write_slice(tmp_path / "a.dcm", stored, **settings)
    assert not was_wrapped(path) and load_gray(path).min() == 255


def test_metal_in_a_wrapped_slice_stays_bright(tmp_path: Path) -> None:
    units = head()
    units[30, 30] = 2500
    path = write_slice(tmp_path / "w.dcm", units % 4096, signed=False, bits=12, intercept="0")
    assert was_wrapped(path) and load_gray(path)[30, 30] == 255


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("keep_meta", [True, False])
@pytest.mark.parametrize("name", ["slice.dcm", "IM0001"])
def test_files_without_preamble_are_read(tmp_path: Path, syntax: str, keep_meta: bool, name: str) -> None:
    made = dataset(head() + 1024, syntax=syntax)
    whole = content(made)
    (tmp_path / "whole.dcm").write_bytes(whole)
    start = 132 if keep_meta else 132 + 12 + int.from_bytes(whole[140:144], "little")
    (tmp_path / name).write_bytes(whole[start:])
    assert is_dicom(tmp_path / name)
    assert np.array_equal(load_dicom(tmp_path / name, BRAIN), load_dicom(tmp_path / "whole.dcm", BRAIN))


def test_other_files_do_not_begin_like_dicom() -> None:
    random = np.random.default_rng(0)
    for _ in range(2000):
        assert not begins_like_elements(random.bytes(SNIFFED))
    for start in (
        b"",
        b"id,hemorrhage\n0,1\n",
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        bytes(4096),
        b"\x08\x00" * 64,
        b"PK\x03\x04",
    ):
        assert not begins_like_elements(start)


def test_what_is_no_slice_is_left_out_and_counted(tmp_path: Path) -> None:
    slice_ = write_slice(tmp_path / "a" / "slice.dcm")
    write_slice(tmp_path / "a" / "scout.dcm", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    write_slice(tmp_path / "b" / "dose.dcm", Modality="SR", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.67")
    write_slice(tmp_path / "b" / "capture.dcm", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    write_slice(tmp_path / "b" / "mr", Modality="MR")
    found = list_folder(tmp_path)
    assert found.files == ("a/slice.dcm",) and why_no_slice(slice_) == ""
    assert sum(found.left_out.values()) == 4 and found.left_out["localizers"] == 1
    assert found.left_out["reports (such as dose reports)"] == 1 and found.left_out["files of modality MR"] == 1
    with pytest.raises(HemotkError, match="is a localizer"):
        load_gray(tmp_path / "a" / "scout.dcm")


@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1], [0.8, 0.6, 0, 0, 0, -1]])
def test_slices_along_the_body_are_left_out_and_counted(tmp_path: Path, orientation: list[float]) -> None:
    write_slice(tmp_path / "coronal.dcm", ImageOrientationPatient=orientation)
    found = list_folder(tmp_path)
    assert found.files == () and list(found.left_out.values()) == [1]
    assert "by their orientation" in next(iter(found.left_out))
    with pytest.raises(HemotkError, match=r"lies along the body .* give the axial slices"):
        load_dicom(tmp_path / "coronal.dcm", BRAIN)


def test_a_row_of_a_slice_along_the_body_is_not_said_to_lead_nowhere(tmp_path: Path) -> None:
    for place in range(8):
        told = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]} if place == 0 else {}
        write_slice(tmp_path / f"{place}.dcm", **told)
    (tmp_path / "labels.csv").write_text("id,label\n" + "".join(f"{place},{place % 2}\n" for place in range(8)))
    said = "\n".join(scan(tmp_path).lines())
    assert "1 images that the table names and that are not there or, as below, are no slices" in said
    assert "1 localizers or coronal or sagittal reformats" in said


@pytest.mark.parametrize(
    "orientation",
    [[1, 0, 0, 0, 0.85, -0.53], [-1, 0, 0, 0, -1, 0], [0, 1, 0, -1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0], None],
)
def test_tilted_turned_or_untold_slices_are_axial(tmp_path: Path, orientation: list[float] | None) -> None:
    told = {} if orientation is None else {"ImageOrientationPatient": orientation}
    path = write_slice(tmp_path / "axial.dcm", **told)
    assert list_folder(tmp_path).files == ("axial.dcm",) and load_dicom(path, BRAIN).size
