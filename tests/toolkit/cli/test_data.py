"""`hemotk data split`, `hemotk data phantom` and `hemotk train` as a user types them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import RUN_CARD, RunCard, SplitManifest
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for i in range(20):
        path = tmp_path / "data" / ("normal" if i % 2 else "hemorrhage") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32), np.uint8)).save(path)
    return Path("data")


def test_split_writes_a_manifest_and_says_what_it_did(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", str(folder), "--out", "split.json"]) == 0
    said = capsys.readouterr().out
    assert "train          12 images, 6 of class hemorrhage" in said and "patients are not known" in said
    assert len(SplitManifest.read(Path("split.json")).items) == 20
    assert run(["data", "split", str(folder), "--out", "split.json"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(["data", "split", str(folder), "--out", "split.json", "--overwrite", "--seed", "5"]) == 0
    assert SplitManifest.read(Path("split.json")).seed == 5


@pytest.mark.parametrize("out", ["data", ".", "data/../data"])
def test_split_does_not_replace_the_images(folder: Path, capsys: pytest.CaptureFixture[str], out: str) -> None:
    (folder / "phantoms.json").write_text('{"schema": "hemotk.phantoms/1"}')
    for more in (["--folds", "2"], []):
        assert run(["data", "split", str(folder), *more, "--out", out, "--overwrite"]) == 2
        assert "is the image folder data or holds it; choose another --out" in capsys.readouterr().err
    assert len(list(folder.rglob("*.png"))) == 20
    assert run(["data", "split", str(folder), "--out", "data/split.json"]) == 0


def test_split_writes_folds_and_says_what_stays_together(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.open(folder / "normal" / "1.png").rotate(0).save(folder / "normal" / "copy.bmp")
    assert run(["data", "split", str(folder), "--folds", "3"]) == 0
    said = capsys.readouterr().out
    assert "fold 3 of 3\n" in said and "kept together: 1 groups of equal pictures, 2 images" in said
    assert sorted(path.name for path in Path("folds").iterdir()) == ["fold1.json", "fold2.json", "fold3.json"]
    assert SplitManifest.read(Path("folds/fold2.json")).fold == 2
    assert run(["data", "split", str(folder), "--folds", "3"]) == 2
    assert "folds: already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["data", "split", "nowhere"], "nowhere: no such folder"),
        (["data", "split", "data", "--test", "1.5"], "--test 1.5: must be between 0 and 1"),
        (["data", "split", "data", "--classes", "one"], "--classes one"),
        (["data", "split", "data", "--out", "data/normal"], "data/normal: already exists"),
        (["data", "split", "data", "--folds", "1"], "--folds 1: must be 2 or more"),
        (["data", "split", "data", "--folds", "11"], "class 'normal' has 10 independent groups, --folds 11 needs 11"),
        (["data", "split", "data", "--groups", "patient"], "needs a column 'patient'"),
        (["data", "split", "data", "--groups", "all"], "Invalid value for '--groups'"),
        (["train", "split.json"], "split.json: no such file"),
        (["train", "data", "--arch", "vgg"], "'vgg' is not one of 'densenet121'"),
        (["train", "data", "--epochs", "0"], "--epochs 0: must be 1 or more"),
        (["train", "data", "--size", "4"], "--size 4: must be between 16 and 1024"),
        (["train", "data", "--arch", "densenet121", "--size", "20"], "too small for densenet121"),
        (["train", "data", "--recipe", "best"], "Invalid value for '--recipe'"),
        (["train", "data", "--weights", "none.h5", "--arch", "densenet-tiny", "--size", "32"], "--weights none.h5"),
        (["train", "data", "--out", "data"], "data: already exists"),
        (["data", "phantom", "data"], "data: already exists"),
        (["data", "phantom", "new", "--count", "0"], "--count 0: must be"),
    ],
)
def test_bad_use_is_one_sentence_and_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    before = sorted(Path().rglob("*"))
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert sorted(Path().rglob("*")) == before


def test_a_full_disk_while_splitting(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert run(["data", "split", str(folder), "--out", "out/split.json"]) == 2
    assert "no space left on device" in capsys.readouterr().err
    assert not list(Path().rglob("*split.json*"))


def test_train_makes_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tf_keras")
    small = ["--arch", "densenet-tiny", "--size", "32", "--epochs", "2", "--batch", "4", "--seed", "3"]
    assert run(["train", str(folder), *small, "--out", "runs/a"]) == 0
    said = capsys.readouterr()
    assert "test       accuracy" in said.out and "training 2/2" in said.err
    card = RunCard.read(Path("runs/a") / RUN_CARD)
    assert card.settings["seed"] == 3 and card.preprocess.size == 32
    assert run(["train", str(folder), *small, "--out", "runs/a"]) == 2


def test_phantoms_can_be_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "phantom", str(tmp_path / "p"), "--count", "12", "--seed", "1"]) == 0
    assert scan(tmp_path / "p").counts() == (6, 6)
    assert run(["data", "split", str(tmp_path / "p"), "--out", str(tmp_path / "s.json")]) == 0
