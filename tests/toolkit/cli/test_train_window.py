"""`hemotk data split` and `hemotk train` on DICOM: the run records the window, and nothing names a patient."""

import re
from pathlib import Path

import numpy as np
import pytest
from dicom_files import write_slice

from hemotk.artifacts import RUN_CARD, SPLIT_FILE, RunCard, SplitManifest
from hemotk.artifacts.pixels import Window
from hemotk.cli.main import run
from hemotk.errors import HemotkError
from hemotk.store.unfinished import check_identity
from hemotk.training.config import EARLIER, TrainConfig

PATIENTS = 8


@pytest.fixture
def series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of series folders, half of them below hemorrhage/."""
    monkeypatch.chdir(tmp_path)
    for patient in range(PATIENTS):
        for number in range(2):
            folder = tmp_path / "ct" / ("hemorrhage" if patient % 2 else "normal") / f"series{patient}"
            hu = np.random.default_rng([patient, number]).integers(-20, 180, (32, 32))
            write_slice(folder / f"IM{number}.dcm", hu + 1024, PatientID=f"PLANTED-{patient}")
    return tmp_path / "ct"


def test_a_run_on_dicom_keeps_the_window_and_no_patient(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", "ct", "--out", "split.json", "--test", "0.25", "--validation", "0.34"]) == 0
    arguments = ["--arch", "cnn", "--size", "16", "--epochs", "1", "--batch", "4", "--window", "80/200"]
    assert run(["train", "split.json", *arguments, "--out", "runs/r"]) == 0
    card = RunCard.read(Path("runs/r") / RUN_CARD)
    assert card.preprocess.window == Window(80, 200)
    assert card.settings["window"] == {"level": 80, "width": 200}
    items = SplitManifest.read(Path("runs/r") / SPLIT_FILE).items
    assert len(items) == 2 * PATIENTS and len({item.group for item in items}) == PATIENTS
    said = capsys.readouterr()
    made = [file.read_bytes() for file in Path().rglob("*") if file.is_file() and file.suffix != ".dcm"]
    assert len(made) > 4
    born = rb"(?<![\d.])1901"  # and no digits of a figure
    assert not any(re.search(rb"PLANTED|" + born, text) for text in [*made, (said.out + said.err).encode()])


def test_what_is_no_window_trains_nothing(series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "ct", "--window", "brain,subdural,bone"]) == 2
    assert "--window brain,subdural,bone: is several windows" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_training_begun_before_windows_goes_on_with_the_usual_one() -> None:
    kept = {name: value for name, value in TrainConfig().settings().items() if name != "window"}
    kept = {**kept, "augment": dict(kept["augment"])}
    check_identity(Path("a"), kept, TrainConfig().settings(), EARLIER)
    with pytest.raises(HemotkError, match=r"was trained with window \{'level': 40.0, 'width': 80.0\}, now it is"):
        check_identity(Path("a"), kept, TrainConfig(window=Window(80, 200)).settings(), EARLIER)
