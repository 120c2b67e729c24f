"""`hemotk train --folds`, and what a resumed training goes on with."""

from pathlib import Path

import pytest
from prunable_runs import split_of_squares

from hemotk.api.runs import split_to_train_on
from hemotk.artifacts import SPLIT_FILE
from hemotk.artifacts.cv import CV_FILE, CvReport
from hemotk.cli.main import run
from hemotk.errors import HemotkError
from hemotk.store.unfinished import partial_of

pytest.importorskip("tf_keras")
from hemotk.store.lock import locked

SMALL = ["--arch", "cnn", "--size", "32", "--batch", "8", "--epochs", "1"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where thirty pictures and a split of them lie."""
    split_of_squares(tmp_path / "pictures").write(tmp_path / "split.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_folds_as_typed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "pictures", *SMALL, "--folds", "2"]) == 0
    said = capsys.readouterr().out
    report = CvReport.read(Path("runs/cnn-cv") / CV_FILE)
    assert "fold-1" in said and "pooled" in said and "wrote runs/cnn-cv after" in said
    assert report.pooled.count == report.pooled.groups == 30 and len(report.folds) == 2
    assert run(["export", "runs/cnn-cv/fold-2", "--quantize", "none", "--out", "bundle"]) == 0
    assert run(["train", "runs/cnn-cv/splits", *SMALL, "--folds", "3", "--out", "again"]) == 2
    assert "holds 2 folds; give --folds 2" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["pictures", "split.json"])
def test_more_folds_than_groups(home: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    assert run(["train", source, *SMALL, "--folds", "16"]) == 2
    assert "class 'normal' has 15 independent groups, --folds 16" in capsys.readouterr().err
    assert run(["train", source, *SMALL, "--folds", "1"]) == 2
    assert "--folds 1: must be 2 or more" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_second_training_on_the_same_output(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(partial_of(Path("runs/cnn-cv"))):
        assert run(["train", "split.json", *SMALL, "--folds", "2"]) == 2
    assert "another hemotk holds it" in capsys.readouterr().err


def test_a_resumed_training_of_a_folder_keeps_its_split(home: Path) -> None:
    out = Path("runs/cnn")
    partial_of(out).mkdir(parents=True)
    begun = split_to_train_on("pictures").manifest
    begun.write(partial_of(out) / SPLIT_FILE)
    assert split_to_train_on("pictures", resumed=out).manifest == begun
    assert split_to_train_on("pictures").manifest != begun
    with pytest.raises(HemotkError, match=r"^classes hemorrhage,normal: .* was begun with normal,hemorrhage"):
        split_to_train_on("pictures", classes=("hemorrhage", "normal"), resumed=out)
    (home / "pictures").rename("others")
    assert split_to_train_on("others", resumed=out).manifest.root() == home / "others"


@pytest.mark.parametrize("out", ["both/pictures", "both", "both/pictures/normal"])
@pytest.mark.parametrize("more", [(), ("--folds", "2")])
def test_the_pictures_are_not_replaced(
    home: Path, capsys: pytest.CaptureFixture[str], out: str, more: tuple[str, ...]
) -> None:
    """Also where the output is of hemotk's making."""
    Path("both").mkdir()
    split = split_of_squares(home / "both" / "pictures")
    split.write(home / "both.json")
    for folder in (Path("both"), Path("both/pictures"), Path("both/pictures/normal")):
        (folder / "phantoms.json").write_text('{"schema": "hemotk.phantoms/1"}')
    for source in ("both/pictures", "both.json"):
        assert run(["train", source, *SMALL, *more, "--out", out, "--overwrite"]) == 2
        said = capsys.readouterr().err
        assert f"hemotk: --out {out}: " in said and "holds" in said
    assert all((home / "both" / "pictures" / item.path).is_file() for item in split.items)


@pytest.mark.parametrize("out", [".", "/"])
def test_an_output_without_a_name(home: Path, capsys: pytest.CaptureFixture[str], out: str) -> None:
    assert run(["train", "split.json", *SMALL, "--out", out, "--overwrite"]) == 2
    assert f"hemotk: --out {out}: has no name of its own" in capsys.readouterr().err


@pytest.mark.parametrize("more", [(), ("--folds", "2")])
@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("hemorrhage,normal", "the classes of split.json are normal,hemorrhage; leave the option out"),
        ("normal,bleed", "the classes of split.json are normal,hemorrhage"),
        ("normal", "must be two names with a comma"),
        ("a,b,c", "must be two names with a comma"),
    ],
)
def test_classes_that_contradict_a_split_are_refused(
    home: Path, capsys: pytest.CaptureFixture[str], classes: str, words: str, more: tuple[str, ...]
) -> None:
    assert run(["train", "split.json", *SMALL, *more, "--classes", classes]) == 2
    said = capsys.readouterr().err
    assert f"hemotk: --classes {classes}: " in said and words in said
    assert not Path("runs").exists()


@pytest.mark.parametrize("more", [(), ("--folds", "2")])
def test_a_split_of_other_classes_needs_no_classes_option(
    home: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    text = Path("split.json").read_text(encoding="utf-8")
    Path("other.json").write_text(text.replace('"hemorrhage"', '"bleed"'), encoding="utf-8")
    assert run(["train", "other.json", *SMALL, *more, "--out", "other"]) == 0
    assert run(["train", "other.json", *SMALL, *more, "--out", "same", "--classes", "normal, bleed"]) == 0
    assert run(["train", "other.json", *SMALL, *more, "--out", "not", "--classes", "normal,hemorrhage"]) == 2
    assert "the classes of other.json are normal,bleed" in capsys.readouterr().err


def test_resuming_what_is_finished_is_nothing_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "pictures", "--arch", "cnn", "--size", "16", "--epochs", "1", "--out", "runs/done"]
    assert run([*words, "--resume"]) == 0
    before = (home / "runs/done/run.json").read_bytes()
    capsys.readouterr()
    assert run([*words, "--resume"]) == 0
    assert "runs/done is finished: nothing to do" in capsys.readouterr().out
    assert (home / "runs/done/run.json").read_bytes() == before
    assert run(["prune", "runs/done", "--method", "magnitude", "--epochs", "1", "--out", "runs/done", "--resume"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert run(words) == 2 and "exists" in capsys.readouterr().err
