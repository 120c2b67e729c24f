"""DICOM: exact bytes through the window, every way to store them, and every kind of file that is no CT slice."""

import hashlib
import io
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydicom")
from dicom_files import IDENTITY, content, dataset, ramp, write_slice
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from hemotk.artifacts import PreprocessSpec
from hemotk.artifacts.pixels import BRAIN, Window
from hemotk.data.read.dicom import is_dicom, load_dicom, thresholds
from hemotk.data.read.dicom_headers import patient_numbers, places, read_headers
from hemotk.data.read.preprocess import load_gray, load_pixels, to_pixels
from hemotk.data.scan.folder import list_folder, scan
from hemotk.data.scan.patients import owners
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import FieldError, HemotkError

HU = ramp()
# The brain window in integers, as another platform may write it: 255 · ((HU - 40) / 80 + 1/2), rounded half up.
BYTES = np.clip((510 * HU + 80) // 160, 0, 255)


def test_the_brain_window_in_integers(tmp_path: Path) -> None:
    found = load_gray(write_slice(tmp_path / "a.dcm"))
    assert found.dtype == np.uint8
    assert np.array_equal(found, BYTES)
    some = np.array([[-1, 0, 1, 39, 40, 41, 79, 80, 81, 3000]] * 16).repeat(2, 1)
    found = load_gray(write_slice(tmp_path / "b.dcm", some + 1024))
    assert found[0, ::2].tolist() == [0, 0, 3, 124, 128, 131, 252, 255, 255, 255]


decimals = st.decimals(-3000, 3000, places=3).map(Fraction)
widths = st.decimals("0.5", 5000, places=2)


@settings(max_examples=30)
@given(
    slope=st.decimals("0.001", 20, places=6).map(Fraction), intercept=decimals, level=decimals.map(float), width=widths
)
def test_every_stored_value_gets_the_exactly_rounded_byte(
    slope: Fraction, intercept: Fraction, level: float, width: float
) -> None:
    window = Window(level, float(width))
    edges = thresholds(slope, intercept, window)
    stored = np.unique(
        [-32768, 0, 65535, *np.clip(edges, -32768, 65535)[::32], *np.clip(edges - 1, -32768, 65535)[::32]]
    )
    found = np.searchsorted(edges, stored, side="right")
    for value, byte in zip(stored.tolist(), found.tolist(), strict=True):
        exact = 255 * ((slope * value + intercept - Fraction(level)) / Fraction(window.width) + Fraction(1, 2))
        assert byte == min(max(int((exact + Fraction(1, 2)) // 1), 0), 255)


def test_another_window_is_the_spec_s(tmp_path: Path) -> None:
    path = write_slice(tmp_path / "a.dcm", ramp(48, 48) + 1024)
    spec = PreprocessSpec(32, window_level=300, window_width=1500)
    assert spec.window == Window(300, 1500)
    expected = np.clip(np.floor(255 * ((ramp(48, 48) - 300) / 1500 + 0.5) + 0.5), 0, 255).astype(np.uint8)
    assert np.array_equal(load_pixels(path, spec), to_pixels(expected, 32))
    assert not np.array_equal(load_pixels(path, spec), load_pixels(path, PreprocessSpec(32)))


@pytest.mark.parametrize(
    ("stored", "settings"),
    [
        (HU, {"intercept": "0"}),
        (HU, {"intercept": "0.000"}),
        (HU, {"intercept": "0", "bits": 12}),
        (HU + 1100, {"intercept": "-1100", "signed": False, "bits": 12}),
        (HU + 32768, {"intercept": "-32768", "signed": False}),
        (4 * HU, {"intercept": "0", "slope": "0.25"}),
        (HU + 1024, {"WindowCenter": "500", "WindowWidth": "1"}),
        (HU + 1024, {"RescaleType": "HU", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}),
    ],
)
def test_however_it_is_stored_the_bytes_are_the_same(tmp_path: Path, stored: np.ndarray, settings: dict) -> None:
    assert np.array_equal(load_gray(write_slice(tmp_path / "a.dcm", stored, **settings)), BYTES)


@pytest.mark.parametrize("signed", [True, False])
def test_bits_beyond_the_stored_ones_do_not_count(tmp_path: Path, signed: bool) -> None:
    offset = 0 if signed else 1100
    made = dataset(HU + offset, intercept=str(-offset), signed=signed, bits=12)
    stored = np.frombuffer(made.PixelData, "<u2")
    made.PixelData = (stored & 0x0FFF | 0xA000).astype("<u2").tobytes()
    (tmp_path / "a.dcm").write_bytes(content(made))
    assert np.array_equal(load_gray(tmp_path / "a.dcm"), BYTES)


def test_monochrome1_is_shown_inverted(tmp_path: Path) -> None:
    path = write_slice(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(load_gray(path), 255 - BYTES)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("elements", "low", "high"),
    [
        ({"PixelPaddingValue": 1064}, 40, 40),
        ({"PixelPaddingValue": 1064, "PixelPaddingRangeLimit": 1164}, 40, 140),
        ({"PixelPaddingValue": 1164, "PixelPaddingRangeLimit": 1064}, 40, 140),
        ({"PixelPaddingValue": -2000}, 1, 0),
    ],
)
def test_padding_is_black(tmp_path: Path, photometric: str, elements: dict, low: int, high: int) -> None:
    found = load_gray(write_slice(tmp_path / "a.dcm", PhotometricInterpretation=photometric, **elements))
    expected = 255 - BYTES if photometric == "MONOCHROME1" else BYTES
    assert np.array_equal(found, np.where((low <= HU) & (high >= HU), 0, expected))


@pytest.mark.parametrize(("signed", "value"), [(False, 63536), (True, -3024)])
def test_padding_above_the_bits_that_are_stored_is_still_padding(tmp_path: Path, signed: bool, value: int) -> None:
    made = dataset(np.where(HU > 1000, value, np.clip(HU + 1024, 0, 2000)), bits=12, signed=signed)
    made.add_new("PixelPaddingValue", "SS" if signed else "US", value)
    (tmp_path / "a.dcm").write_bytes(content(made))
    found = load_gray(tmp_path / "a.dcm")
    assert (found[HU > 1000] == 0).all()
    assert np.array_equal(found[(HU > -1000) & (HU < 900)], BYTES[(HU > -1000) & (HU < 900)])


def test_padding_written_without_its_sign_is_still_padding(tmp_path: Path) -> None:
    made = dataset(np.where(HU > 1000, -2000, HU), intercept="2040", PhotometricInterpretation="MONOCHROME1")
    made.add_new("PixelPaddingValue", "US", 63536)
    (tmp_path / "a.dcm").write_bytes(content(made))
    assert (load_gray(tmp_path / "a.dcm")[HU > 1000] == 0).all()


def test_run_length_encoding_is_read(tmp_path: Path) -> None:
    made = dataset(HU + 1024)
    made.compress(RLELossless)
    (tmp_path / "a.dcm").write_bytes(content(made))
    assert np.array_equal(load_gray(tmp_path / "a.dcm"), BYTES)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow cannot do JPEG 2000")
def test_jpeg_2000_is_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray((HU + 1100).astype(np.uint16)).save(stream, "JPEG2000", no_jp2=True)
    made = dataset(HU, syntax=JPEG2000Lossless, signed=False, intercept="-1100")
    made.PixelData = encapsulate([stream.getvalue()])
    made["PixelData"].is_undefined_length = True
    whole = content(made)
    (tmp_path / "a.dcm").write_bytes(whole)
    assert np.array_equal(load_gray(tmp_path / "a.dcm"), BYTES)
    (tmp_path / "a.dcm").write_bytes(whole[:-400])
    with pytest.raises(HemotkError, match="cut short"):
        load_gray(tmp_path / "a.dcm")


def bad(stored: np.ndarray | None = None, **settings: object) -> bytes:
    return content(dataset(HU + 1024 if stored is None else stored, **settings))


def encapsulated(syntax: str) -> bytes:
    made = dataset(HU + 1024, syntax=syntax)
    made.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\xd8\xff\xd9"
    made["PixelData"].is_undefined_length = True
    return content(made)


def sequence_as_modality() -> bytes:
    """A slice whose Modality holds a data set, in which an element is of an unknown type."""
    item = b"\xfe\xff\x00\xe0\x08\x00\x00\x00" + b"AAAATE\x00\x00"
    held = b"\x08\x00\x60\x00SQ\x00\x00" + len(item).to_bytes(4, "little") + item
    whole = bad()
    assert whole.count(b"\x08\x00\x60\x00CS\x02\x00CT") == 1
    return whole.replace(b"\x08\x00\x60\x00CS\x02\x00CT", held)


WRONG = {
    "empty": (lambda: b"", "is called like a DICOM file but is none"),
    "text": (lambda: b"this is text" * 99, "is called like a DICOM file but is none"),
    "head only": (lambda: bad()[:140], "cut short"),
    "no pixels": (lambda: bad(PixelData=None), "holds no pixel data or was cut short"),
    "cut in header": (lambda: bad()[:600], "cut short"),
    "cut in pixels": (lambda: bad()[:-900], "is corrupt or cut short; copy the file again or remove it."),
    "too long": (lambda: bad(Columns=44), "is corrupt or cut short"),
    "capture": (lambda: bad(SOPClassUID="1.2.840.10008.5.1.4.1.1.7.2"), "is a capture or something else made from"),
    "name as unit": (lambda: bad(RescaleType="DOE^JOHN"), "holds values of type (unknown) instead of Hounsfield"),
    "name as modality": (lambda: bad(Modality="DOE^JOHN"), "is of modality (unknown), not CT"),
    "endless slope": (lambda: bad(slope="1E999999999"), "has a RescaleSlope that cannot be one of Hounsfield units"),
    "endless fraction": (lambda: bad(intercept="1E-99999999"), "has a RescaleIntercept that cannot be one of"),
    "steep": (lambda: bad(slope="1E400"), "has a RescaleSlope that cannot be one of Hounsfield units"),
    "frames": (lambda: bad(NumberOfFrames=3), "has 3 frames; save each slice as a file of its own."),
    "MR": (lambda: bad(Modality="MR"), "is of modality MR, not CT; remove the file."),
    "CR": (lambda: bad(Modality="CR"), "is of modality CR, not CT; remove the file."),
    "none": (lambda: bad(Modality=None), "is of modality '' (none given), not CT"),
    "scout": (lambda: bad(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "is a localizer, not a slice"),
    "colour": (lambda: bad(SamplesPerPixel=3, PhotometricInterpretation="RGB"), "holds RGB pixels instead of gray"),
    "palette": (lambda: bad(PhotometricInterpretation="PALETTE COLOR"), "holds PALETTE COLOR pixels"),
    "unit": (lambda: bad(RescaleType="Z_EFF"), "holds values of type Z_EFF instead of Hounsfield units"),
    "no slope": (lambda: bad(RescaleSlope=None), "has no RescaleSlope, so its Hounsfield units are not known"),
    "no intercept": (lambda: bad(RescaleIntercept=None), "has no RescaleIntercept"),
    "zero slope": (lambda: bad(slope="0"), "has RescaleSlope 0, which must be above 0"),
    "high bit": (lambda: bad(HighBit=14, BitsStored=12), "keeps 12 bits below bit 15; only up to 16 bits"),
    "tiny": (lambda: bad(np.zeros((8, 8), int)), "is 8×8 pixels, less than 16 on a side"),
    "huge": (lambda: bad(Rows=20000, Columns=20000), "is larger than 40 megapixels"),
    "no rows": (lambda: bad(Rows=None), "is corrupt or cut short"),
    "no number": (lambda: bad(NumberOfFrames=77).replace(b"IS\x02\x0077", b"IS\x02\x00ab"), "is corrupt or cut short"),
    "odd slope": (lambda: bad(slope=["1", "2"]), "has a RescaleSlope that is no number"),
    "odd rows": (lambda: bad().replace(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00LO"), "is corrupt or cut short"),
    "sequence": (sequence_as_modality, "is corrupt or cut short"),
    "garbage": (lambda: encapsulated(RLELossless), "is corrupt or cut short"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_what_is_no_slice_is_refused_in_a_sentence(tmp_path: Path, case: str) -> None:
    make, says = WRONG[case]
    path = tmp_path / "a.dcm"
    path.write_bytes(make())
    with pytest.raises(HemotkError) as caught:
        load_gray(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value) and IDENTITY not in str(caught.value)


def test_a_missing_file_and_a_missing_decoder(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"gone\.dcm: no such file; check the path\."):
        load_gray(tmp_path / "gone.dcm")
    from pydicom.pixels import get_decoder

    if get_decoder(JPEGLosslessSV1).is_available:
        pytest.skip("a package that decodes JPEG lossless is installed")
    (tmp_path / "a.dcm").write_bytes(encapsulated(JPEGLosslessSV1))
    with pytest.raises(HemotkError, match=r"is compressed as JPEG Lossless.*`pip install python-gdcm`"):
        load_gray(tmp_path / "a.dcm")


def test_without_pydicom_the_remedy_is_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_slice(tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(HemotkError, match=r"is DICOM, which needs pydicom; `pip install 'hemotk\[dicom\]'`\."):
        load_gray(path)


def test_a_window_without_width_is_none() -> None:
    for level, width in ((40, 0), (40, -1), (40, float("nan")), (float("inf"), 80)):
        with pytest.raises(FieldError):
            Window(level, width)
    assert str(BRAIN) == "40/80"


def test_files_are_dicom_by_name_or_by_content(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.DCM", "c", "1.2.840.99", "DICOMDIR", ".d.dcm", "e.txt"):
        write_slice(tmp_path / name)
    (tmp_path / "e.txt").write_text("notes")
    assert sorted(list_folder(tmp_path).files) == ["1.2.840.99", "a.dcm", "b.DCM", "c"]
    assert is_dicom(tmp_path / "c") and not is_dicom(tmp_path / "DICOMDIR") and not is_dicom(tmp_path / "gone")
    assert np.array_equal(load_dicom(tmp_path / "c", BRAIN), BYTES)


def series(folder: Path, patients: int = 6, slices: int = 3) -> Path:
    """Series folders of three slices, a folder per patient, and a labels.csv: every second patient bleeds."""
    rows = ["path,hemorrhage"]
    for patient in range(patients):
        for number in range(slices):
            name = f"series{patient}/IM{number}"
            stored = np.random.default_rng([patient, number]).integers(1000, 1200, (32, 32))
            uids = {"StudyInstanceUID": f"1.{patient}", "SOPInstanceUID": f"1.{patient}.{number}"}
            write_slice(folder / name, stored, PatientID=f"{IDENTITY}-{patient}", **uids)
            rows.append(f"{name},{patient % 2}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def test_patients_of_dicom_files_stay_together_under_numbers(tmp_path: Path) -> None:
    folder = series(tmp_path / "ct")
    split = make_split(scan(folder), SplitConfig(0.34, 0.5))
    assert split.grouping != "none"
    groups = {item.path: item.group for item in split.items}
    assert len(set(groups.values())) == 6
    assert all(groups[f"series{p}/IM0"] == groups[f"series{p}/IM2"] for p in range(6))
    written = split.to_json().decode()
    assert "PLANTED" not in written and "1901" not in written
    assert not any(hashlib.sha256(f"{IDENTITY}-{p}".encode()).hexdigest()[:16] in written for p in range(6))
    again = make_split(scan(folder), SplitConfig(0.34, 0.5))
    assert again.items == split.items


def test_numbers_are_of_the_patient_and_say_nothing_of_who_it_is(tmp_path: Path) -> None:
    for name, patient in (("a", "p1"), ("b", "p1 "), ("c", "p2"), ("d", ""), ("e", "")):
        write_slice(tmp_path / name, PatientID=patient, StudyInstanceUID="1.2.3" if name < "e" else "1.2.4")
    keys = patient_numbers(tmp_path, list("edcba"))
    assert keys == {"a": "00000", "b": "00000", "c": "00001", "d": "00002", "e": "00003"}
    write_slice(tmp_path / "g", PatientID="p3", StudyInstanceUID="1.2.4")
    keys = patient_numbers(tmp_path, list("abcdeg"))
    assert keys["e"] == keys["g"] and len(set(keys.values())) == 4  # d may be either of its study's two patients
    write_slice(tmp_path / "f", PatientID="", StudyInstanceUID="")
    with pytest.raises(HemotkError, match="f: names neither patient nor study"):
        patient_numbers(tmp_path, ["f"])
    (tmp_path / "h.dcm").write_bytes(b"")
    assert patient_numbers(tmp_path, ["a", "b", "f", "h.dcm"], leave_out=True) == {"a": "00000", "b": "00000"}


def test_a_slice_without_patient_is_of_the_one_its_study_names() -> None:
    slices = [("p1", "s1"), ("", "s1"), ("p2", "s2"), ("", "s2"), ("p3", "s2"), ("", "s3"), ("p4", ""), ("p5", "")]
    found = owners(slices)
    assert found[:4] == ["patient p1", "patient p1", "patient p2", "study s2"]
    assert found[4:] == ["patient p3", "study s3", "patient p4", "patient p5"]
    assert sorted(owners(slices[::-1])) == sorted(found)


def test_a_table_s_patients_come_first(tmp_path: Path) -> None:
    folder = series(tmp_path / "ct", 6, 1)
    rows = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join([rows[0] + ",patient", *(row + ",w" + row[6] for row in rows[1:])]))
    assert {image.patient for image in scan(folder).images} == {f"w{p}" for p in range(6)}


def test_a_study_that_names_several_patients_is_said(tmp_path: Path) -> None:
    for place in range(12):  # three slices a study, each with an id of its own
        path = tmp_path / ("normal", "hemorrhage")[place % 2] / f"{place}.dcm"
        write_slice(path, PatientID=f"p{place}", StudyInstanceUID=f"1.2.{place // 3}")
    assert "in 4 of 4 studies PatientID differs" in "\n".join(scan(tmp_path).lines())
    together = scan(tmp_path, patient="study")  # as the sentence advises
    assert len({image.patient for image in together.images}) == 4
    assert "PatientID differs" not in "\n".join(together.lines())


def test_places_along_the_normal(tmp_path: Path) -> None:
    tilted = [1, 0, 0, 0, 0.8, 0.6]
    order = [3, 0, 2, 1]
    for index, height in enumerate(order):
        position = [-100, -0.6 * 5 * height + 7, 0.8 * 5 * height]
        write_slice(tmp_path / f"{index}", ImagePositionPatient=position, ImageOrientationPatient=tilted)
    headers = read_headers([tmp_path / str(index) for index in range(4)])
    found = places(headers)
    assert found is not None
    assert np.allclose(np.subtract(found, found[1]), [15, 0, 10, 5], atol=1e-3)


@pytest.mark.parametrize(
    ("numbers", "expected"), [((7, 3), [7.0, 3.0]), ((4, 4), None), ((None, 3), None), ((0, 1), [0.0, 1.0])]
)
def test_without_positions_the_numbers_count(tmp_path: Path, numbers: tuple, expected: list | None) -> None:
    for index, number in enumerate(numbers):
        more = {} if number is None else {"InstanceNumber": number}
        write_slice(
            tmp_path / f"{index}", ImagePositionPatient=[0, 0, 9], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], **more
        )
    assert places(read_headers([tmp_path / "0", tmp_path / "1"])) == expected
