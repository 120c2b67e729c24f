"""`hemotk import` as a user types it."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import tf_keras
from PIL import Image

from hemotk.artifacts import RUN_CARD, RunCard
from hemotk.cli.main import run

SIZE = 32


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, a classifier that says nothing of its normalization, and one that cannot be taken in."""
    folder = tmp_path_factory.mktemp("foreign")
    rng = np.random.default_rng(0)
    for index in range(20):
        path = folder / "data" / ("bleed", "clear")[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (SIZE, SIZE), np.uint8)).save(path)
    densenet = importlib.import_module("tf_keras.src.applications.densenet").DenseNet
    densenet([1, 1, 1, 1], weights=None, input_shape=(SIZE, SIZE, 3), classes=2).save(folder / "theirs.h5")
    layers = [tf_keras.Input((SIZE, SIZE, 3)), tf_keras.layers.Flatten(name="flat"), tf_keras.layers.Dense(1)]
    tf_keras.Sequential(layers).save(folder / "plain.h5")
    (folder / "notes.txt").write_text("no model")
    return folder


@pytest.fixture
def here(saved: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to work in, with the files of `saved` beside it."""
    monkeypatch.chdir(tmp_path)
    for path in saved.iterdir():
        Path(path.name).symlink_to(path)
    return tmp_path


ASKED = ["--data", "data", "--classes", "clear,bleed", "--normalization", "torch"]


def test_import_writes_a_run_and_says_what_it_did(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "theirs.h5", *ASKED]) == 0
    said = capsys.readouterr().out
    # The weights are random: on a test part this small they may even get everything right.
    assert (
        re.search(r"^test       accuracy [01]\.\d{3} \[", said, re.MULTILINE)
        and "wrote runs/theirs after" in said
        and "may be optimistic" in said
    )
    card = RunCard.read(Path("runs/theirs") / RUN_CARD)
    assert card.source == "imported" and card.labels == ("clear", "bleed") and card.preprocess.size == SIZE
    assert card.settings["normalization"] == "torch" and card.settings["positive_class"] == 1
    assert run(["import", "theirs.h5", *ASKED]) == 2
    assert "runs/theirs: already exists" in capsys.readouterr().err
    assert run(["import", "theirs.h5", *ASKED, "--overwrite", "--positive-class", "0"]) == 0
    assert RunCard.read(Path("runs/theirs") / RUN_CARD).settings["positive_class"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["theirs.h5"], "Missing option '--data'"),
        (["theirs.h5", *ASKED, "--output", "1"], "output 1: theirs.h5 ends in a softmax over 2 numbers"),
        (["theirs.h5", *ASKED, "--output", "-1"], "Invalid value for '--output'"),
        (["theirs.h5", "--data", "nowhere"], "nowhere: no such file"),
        (["theirs.h5", *ASKED[:4]], "theirs.h5: does not say how its pixels were normalized"),
        (["theirs.h5", *ASKED, "--size", "64"], "--size 64: theirs.h5 was made for pictures of 32×32"),
        (["theirs.h5", *ASKED, "--out", "data"], "data: already exists"),
        (["theirs.h5", *ASKED[:-1], "caffe"], "Invalid value for '--normalization'"),
        (["theirs.h5", *ASKED[:-1], "123/58"], "'123/58' must be MEAN/STD with means between 0 and 1"),
        (["theirs.h5", *ASKED, "--positive-class", "2"], "Invalid value for '--positive-class'"),
        (["plain.h5", *ASKED], "plain.h5: layer 'flat' (Flatten) stands where ZeroPadding2D is expected"),
        (["notes.txt", *ASKED], "notes.txt: is no saved Keras model"),
        (["nothing.h5", *ASKED], "nothing.h5: no such file or folder"),
        (["data", *ASKED], "data: holds no saved_model.pb"),
    ],
)
def test_bad_use_is_one_sentence_and_exit_2(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    before = sorted(here.rglob("*"))
    assert run(["import", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert sorted(here.rglob("*")) == before
