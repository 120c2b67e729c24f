"""NIfTI volumes: their slices lie as radiologists see them, and what holds no Hounsfield units is refused."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from hemotk.artifacts import SplitManifest
from hemotk.artifacts.pixels import BRAIN
from hemotk.cli.main import main
from hemotk.data.read.nifti import load_volume_slice, slice_paths
from hemotk.data.read.preprocess import load_gray
from hemotk.data.scan.folder import scan
from hemotk.data.scan.listing import list_folder
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.files import file_of, sha256_file

nibabel = pytest.importorskip("nibabel")
SIDES = (20, 24, 3)  # to the right, to the front, up


def head() -> np.ndarray:
    """Hounsfield units [right, front, up]: bright at the patient's right front of slice 1, less at the left back."""
    values = np.full(SIDES, -1000.0)
    values[4:-4, 4:-4] = 20
    values[14:16, 16:20, 1] = 80
    values[4:6, 4:8, 1] = 40
    return values


def save(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "RPI", "SRA", "ASL", "IPR"])
def test_the_patients_right_is_on_the_left_and_the_front_on_top(tmp_path: Path, axes: str) -> None:
    image = nibabel.Nifti1Image(head().astype(np.int16), np.eye(4))
    change = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(axes)
    )
    path = tmp_path / "scan.nii.gz"
    nibabel.save(image.as_reoriented(change), path)
    assert nibabel.aff2axcodes(nibabel.load(path).affine) == tuple(axes)
    assert slice_paths(str(path)) == [f"{path}#{number:04d}" for number in range(3)]
    gray = load_volume_slice(Path(f"{path}#0001"), BRAIN)
    assert gray.shape == (24, 20) and gray.dtype == np.uint8
    assert gray[4:8, 4:6].min() == 255 and gray[16:20, 14:16].min() == 128  # right front; left back
    assert gray[0, 0] == 0 and gray[10, 10] == 64 and (gray == 255).sum() == 8
    assert load_gray(Path(f"{path}#0000")).max() == 64


def test_scaling_and_fractions_become_whole_units(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(head() + 0.4, np.eye(4))
    image.header.set_data_dtype(np.float32)
    nibabel.save(image, tmp_path / "a.nii")
    save(tmp_path / "b.nii", head().astype(np.int16))
    whole, fractions = (load_gray(tmp_path / f"{name}.nii#0001") for name in "ba")
    assert np.array_equal(whole, fractions)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((20, 20)), "no volume of three axes"),
        (np.zeros((20, 20, 3, 2)), "no volume of three axes"),
        (np.linspace(0, 1, 1200).reshape(20, 20, 3), r"from 0 to 1, which cannot be Hounsfield units \(none is below"),
        (np.linspace(-3, 3, 1200).reshape(20, 20, 3), "span less than 100"),
        (np.where(head() > 0, 1000.0, -1000.0), "as in a mask"),
        (np.where(head() == 80, np.nan, head()), "not finite"),
        (head()[:8], "less than 16 on a side"),
    ],
)
def test_what_is_no_volume_of_hounsfield_units_is_refused(tmp_path: Path, values: np.ndarray, said: str) -> None:
    path = save(tmp_path / "scan.nii", values.astype(np.float32))
    with pytest.raises(HemotkError, match=said):
        load_gray(Path(f"{path}#0001"))


def test_headers_that_promise_too_much_or_lie_in_no_known_way_are_refused(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 30_000))
    header["magic"], header["vox_offset"], header["sform_code"] = b"n+1", 352, 1
    (tmp_path / "huge.nii.gz").write_bytes(gzip.compress(header.binaryblock + b"\0" * 4))
    with pytest.raises(HemotkError, match="above the 134,217,728 allowed"):
        slice_paths(str(tmp_path / "huge.nii.gz"))
    image = nibabel.Nifti1Image(head().astype(np.int16), None)
    nibabel.save(image, tmp_path / "lost.nii")
    with pytest.raises(HemotkError, match="does not say how it lies"):
        load_gray(tmp_path / "lost.nii#0001")
    save(tmp_path / "thick.nii", head().astype(np.int16), np.diag([1.0, 5, 1, 1]))
    with pytest.raises(HemotkError, match="are not square"):
        load_gray(tmp_path / "thick.nii#0001")


def test_damaged_files_and_wrong_addresses_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii.gz", head().astype(np.int16))
    with pytest.raises(HemotkError, match="no such slice; the volume has 3"):
        load_gray(Path(f"{path}#0003"))
    with pytest.raises(HemotkError, match="is a volume of 3 slices; name one of them"):
        load_gray(path)
    with pytest.raises(HemotkError, match="no such file"):
        load_gray(tmp_path / "none.nii#0000")
    data = bytearray(path.read_bytes())
    data[-8] ^= 1  # of gzip's checksum
    path.write_bytes(data)
    with pytest.raises(HemotkError, match="corrupt or cut short"):
        load_gray(Path(f"{path}#0001"))
    (tmp_path / "text.nii").write_text("no volume")
    with pytest.raises(HemotkError, match="has no header"):
        load_gray(tmp_path / "text.nii#0000")


def test_the_checksum_of_a_slice_is_that_of_its_volume(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii", head().astype(np.int16))
    assert sha256_file(Path(f"{path}#0002")) == sha256_file(path)
    assert file_of(Path(f"{path}#0002")) == path and file_of(Path("a#0002.png")) == Path("a#0002.png")


def test_without_nibabel_volumes_are_counted_as_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "scan.nii.gz", head().astype(np.int16))
    monkeypatch.setitem(sys.modules, "nibabel", None)
    listing = list_folder(tmp_path)
    assert not listing.files
    assert listing.left_out == {"NIfTI volumes, which need nibabel (pip install 'hemotk[nifti]')": 1}
    with pytest.raises(HemotkError, match=r"needs nibabel; `pip install 'hemotk\[nifti\]'`"):
        load_gray(Path(f"{path}#0001"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0)
    for name in ("normal", "hemorrhage"):
        for number in range(4):
            values = np.full((48, 48, 3), -1000)
            values[6:-6, 6:-6] = np.kron(noise.integers(0, 80, (9, 9, 3)), np.ones((4, 4, 1)))
            save(tmp_path / "ct" / name / f"{name[0]}{number}.nii.gz", values.astype(np.int16))
    return tmp_path / "ct"


def test_a_volume_is_one_patient_and_its_label_that_of_the_scan(folder: Path) -> None:
    found = scan(folder)
    assert len(found.images) == 24 and len({image.patient for image in found.images}) == 8
    assert "patients   8 volumes of unknown patients: each counts as one patient" in found.lines()
    assert any(line.startswith("labels     of 8 volumes are of the whole scan") for line in found.lines())


def test_a_folder_of_volumes_is_split_and_audited(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "split", str(folder), "--out", str(tmp_path / "split.json")])
    assert not ended.value.code
    split = SplitManifest.read(tmp_path / "split.json")
    homes = {(item.path.partition("#")[0], item.part) for item in split.items}
    assert len(split.items) == 24 and len(homes) == 8
    with pytest.raises(SystemExit) as ended:
        main(["data", "audit", str(folder)])
    assert not ended.value.code


def test_a_volume_that_cannot_be_read_is_named_and_not_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "normal" / "odd.nii").write_text("no volume")
    assert "normal/odd.nii" in list_folder(folder).files


def test_the_parts_of_volumes_are_benched_by_their_addresses(folder: Path) -> None:
    from hemotk.benchmarks.measure.pictures import below

    found = below(folder, ("normal", "hemorrhage"))
    assert len(found.images) == 24 and len({image.group for image in found.images}) == 8


def test_calibration_takes_no_more_slices_of_volumes_than_asked_for(folder: Path) -> None:
    from hemotk.exporting.source import calibration_items

    split = make_split(scan(folder), SplitConfig())
    assert len(calibration_items(split, 4)) == 4


def test_a_volume_that_cannot_be_used_is_counted_once(folder: Path) -> None:
    for name in ("normal/one.nii", "hemorrhage/two.nii"):
        save(folder / name, np.full(SIDES, 5.0))
    with pytest.raises(HemotkError, match=r"\(2 files cannot be used: hemorrhage/two\.nii, normal/one\.nii\)"):
        make_split(scan(folder), SplitConfig())
    (folder / "normal" / "one.nii").unlink()
    with pytest.raises(HemotkError, match=r"or remove the file\.$"):
        make_split(scan(folder), SplitConfig())


@pytest.mark.parametrize("called", ["{}.nii.gz", "{}", "scans/{}.nii.gz", "{}.NII"])
def test_a_table_may_name_volumes(tmp_path: Path, called: str) -> None:
    rows = ["filename,label"]
    for number in range(6):
        save(tmp_path / "scans" / f"ct{number}.nii.gz", head())
        rows.append(f"{called.format(f'ct{number}')},{number % 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    found = scan(tmp_path)
    assert [image.label for image in found.images] == [0, 0, 0, 1, 1, 1] * 3
    assert len({image.patient for image in found.images}) == 6
    assert any("labels are of whole volumes" in line for line in found.lines())


def test_volumes_that_are_missing_or_may_be_two_are_said(tmp_path: Path) -> None:
    save(tmp_path / "ct0.nii.gz", head())
    (tmp_path / "labels.csv").write_text("filename,label\nct0.nii.gz,0\nct1.nii.gz,1\n")
    with pytest.raises(HemotkError, match=r"line 3: no image for 'ct1\.nii\.gz'"):
        scan(tmp_path)
    for place in ("a", "b"):
        save(tmp_path / place / "ct1.nii.gz", head())
    with pytest.raises(HemotkError, match=r"line 3: 'ct1\.nii\.gz' may be a/ct1 or b/ct1; write the path instead"):
        scan(tmp_path)
