"""`hemotk plan`."""

import json
from pathlib import Path

import pytest
from noise_pictures import write_pictures

import hemotk
from hemotk.artifacts.plan import PlanReport
from hemotk.cli.main import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_pictures(tmp_path / "slices", 40)


def test_a_folder_is_split_and_audited_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.rglob("*"))
    assert run(["plan", "slices", "--no-timing"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("test part    8 images of 8 groups; assumed: right on 0.9")
    assert [line.split()[0] for line in said[1:5]] == ["accuracy", "sensitivity", "specificity", "int8"]
    assert "put some" in said[1] and "it takes 381 groups" in said[4]
    assert sorted(folder.rglob("*")) == before and sorted(folder.parent.iterdir()) == [folder]


def test_training_is_timed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--arch", "cnn", "--size", "32", "--batch", "4", "--epochs", "7"]
    assert run(["plan", "slices", *words, "--json", "plan.json"]) == 0
    found = PlanReport.read(Path("plan.json"))
    assert found.pace is not None and 0 < found.pace.seconds < 30
    assert found.pace.images == 26 and found.pace.epoch == pytest.approx(7 * found.pace.seconds)
    assert "cnn at 32×32 on the CPU" in capsys.readouterr().out


def test_a_split_file_is_not_audited(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", "slices", "--out", "split.json"]) == 0
    capsys.readouterr()
    assert run(["plan", "split.json", "--no-timing", "--target", "0.4", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "hemotk.plan/1" and found["audit"] is None
    assert "put some" not in "\n".join(hemotk.plan("split.json", target=0.4, timing=False).lines)
    made = hemotk.plan(hemotk.Split.open("split.json"), timing=False)
    assert "sensitivity" in made._repr_html_() and "8 groups" in repr(made)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--accuracy", "1"], "'accuracy' must be between 0 and 1"),
        (["--correlation", "1"], "'correlation' must be at least 0 and below 1"),
        (["--target", "0"], "--target 0: must be between 0 and 0.5"),
        (["--arch", "resnet"], "resnet"),
    ],
)
def test_values_that_cannot_be(folder: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    timing = [] if "--arch" in words else ["--no-timing"]
    assert run(["plan", "slices", *words, *timing]) == 2
    assert says in capsys.readouterr().err
