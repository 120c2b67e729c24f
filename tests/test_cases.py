"""Every drawn case of odd input, through the command line: what is read, what is said, what is refused."""

import re
from pathlib import Path

import pytest
from noise_pictures import write_pictures

from hemotk.artifacts import SplitManifest
from hemotk.cli.main import run
from hemotk.data.read.dicom import was_wrapped
from hemotk.data.read.preprocess import load_gray


class Shell:
    """Runs commands and keeps what they say; writes splits to a new file each."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._folder = folder

    def __call__(self, *words: object) -> tuple[int, str]:
        self._capsys.readouterr()
        code = run([str(word) for word in words])
        streams = self._capsys.readouterr()
        return code, streams.out + streams.err

    def split(self, folder: Path, *options: str) -> tuple[SplitManifest, str]:
        """The split that the command makes of `folder`, and what it prints."""
        out = self._folder / f"{len(list(self._folder.iterdir()))}.json"
        code, said = self("data", "split", folder, "--out", out, *options)
        assert code == 0, said
        return SplitManifest.read(out), said

    def refusal(self, folder: Path, *options: str) -> str:
        """What the command says when it refuses `folder`."""
        out = self._folder / "refused.json"
        code, said = self("data", "split", folder, "--out", out, *options)
        assert code == 2 and not out.exists(), said
        return said


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


@pytest.mark.parametrize("name", ["data", "data2"])
def test_black_slices_join_no_patients(cases: Path, shell: Shell, name: str) -> None:
    made, said = shell.split(cases / "blank_slices_join_patients" / name)
    patients = {"data": 12, "data2": 24}[name]
    assert len({item.group for item in made.items}) == patients and "blank slices" in said


def test_patients_under_another_name_stay_together(cases: Path, shell: Shell) -> None:
    made, said = shell.split(cases / "patient_column_other_name" / "data")
    assert len({item.group for item in made.items}) == 12
    assert "patient 'PatientID' (12 patients)" in said


def test_wrapped_slices_have_black_air(cases: Path, shell: Shell) -> None:
    folder = cases / "rsna_wrapped_12bit" / "data"
    made, said = shell.split(folder)
    assert len(made.items) == 24 and "wrapped" in said
    wrapped = [folder / item.path for item in made.items if was_wrapped(folder / item.path)]
    assert len(wrapped) == 11 and max(load_gray(path)[0, 0] for path in wrapped) == 0


def test_ct_values_in_16_bits_need_their_offset(cases: Path, shell: Shell) -> None:
    folder = cases / "png16_ct" / "hu1024"
    assert "--hu-offset" in shell.refusal(folder)
    shell.split(folder, "--hu-offset", "1024")


def test_a_small_number_in_16_bits_is_not_read_as_black(cases: Path, shell: Shell) -> None:
    folder = cases / "png16_ct" / "only8in16"
    assert "16" in shell.refusal(folder)


def test_a_table_that_contradicts_the_folders_is_refused_with_the_number(cases: Path, shell: Shell) -> None:
    assert "in 24 of 24 pictures" in shell.refusal(cases / "table_contradicts_folders" / "data")


def test_given_parts_are_kept(cases: Path, shell: Shell) -> None:
    made, said = shell.split(cases / "split_column_ignored" / "data")
    assert len(made.part("test")) == 6 and "train 18, test 6" in said
    made, _ = shell.split(cases / "folder_layouts" / "presplit")
    assert all(
        item.path.startswith(("train", "val", "test")[("train", "validation", "test").index(item.part)])
        for item in made.items
    )


def test_no_picture_vanishes_by_its_suffix(cases: Path, shell: Shell) -> None:
    made, _ = shell.split(cases / "suffix_left_out" / "data")
    assert len(made.items) == 24


def test_scouts_and_reports_are_left_out_and_counted(cases: Path, shell: Shell) -> None:
    made, said = shell.split(cases / "ct_export_with_scouts" / "data")
    assert len(made.items) == 24 and len({item.group for item in made.items}) == 12
    assert "12 localizer" in said


def test_files_without_preamble_are_dicom(cases: Path, shell: Shell) -> None:
    made, _ = shell.split(cases / "dicom_without_preamble" / "data")
    assert len(made.items) == 24


def test_label_tables_and_layouts_are_read(cases: Path, shell: Shell) -> None:
    folders = [*sorted((cases / "label_tables").iterdir()), *sorted((cases / "folder_layouts").iterdir())]
    for folder in folders:
        if folder.is_dir():
            made, said = shell.split(folder)
            assert len(made.items) >= 20 and said.startswith("read "), folder


@pytest.mark.parametrize("command", [("bench",), ("android",)])
def test_a_bare_model_is_told_what_it_is(cases: Path, shell: Shell, command: tuple[str, ...]) -> None:
    code, said = shell(*command, cases / "bench_of_a_tflite" / "sig_uint8io.tflite")
    assert code == 2 and "cannot be read as text" not in said and ".tflite" in said


def test_a_bare_model_of_bytes_is_scored_and_benched(cases: Path, shell: Shell, tmp_path: Path) -> None:
    model = cases / "bench_of_a_tflite" / "sig_uint8io.tflite"
    pictures = write_pictures(tmp_path / "ct")
    code, said = shell("predict", model, pictures)
    assert code == 0 and "range of its input says (raw)" in said
    assert len(re.findall(r"  (?:normal|hemorrhage)(?:  may be no head CT slice)?$", said, re.MULTILINE)) == 12
    code, said = shell("bench", model, "--images", pictures, "--min-runs", "3", "--min-seconds", "0")
    assert code == 0 and "PASS: sig_uint8io.tflite runs" in " ".join(said.split())
