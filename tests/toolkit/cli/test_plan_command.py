"""`hemotk plan`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from noise_pictures import write_pictures

import hemotk
from hemotk.artifacts import SplitManifest
from hemotk.artifacts.plan import PlanReport
from hemotk.cli.main import run
from hemotk.data.duplicates.find import Pair, near_duplicates
from hemotk.data.duplicates.view import View
from hemotk.data.read.preprocess import load_with_colours
from hemotk.data.split.make import make_split
from hemotk.progress import Tell


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


def test_each_picture_is_read_once_and_the_split_is_that_of_a_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    compared: list[int] = []

    def counted(*arguments: Any, **named: Any) -> Any:
        read.append(arguments[0])
        return load_with_colours(*arguments, **named)

    def compare(views: Sequence[View], tell: Tell) -> tuple[Pair, ...]:
        compared.append(len(views))
        return near_duplicates(views, tell)

    (folder / "normal" / "copy.png").write_bytes(next((folder / "normal").iterdir()).read_bytes())
    wanted, audited = hemotk.split(folder, progress=False).manifest, hemotk.audit(folder, progress=False)
    monkeypatch.setattr("hemotk.data.audit.report.load_with_colours", counted)
    monkeypatch.setattr("hemotk.data.split.grouping.load_gray", lambda *_: pytest.fail("was read again"))
    monkeypatch.setattr("hemotk.data.duplicates.find.near_duplicates", compare)
    made: list[SplitManifest] = []

    def kept(*arguments: Any) -> SplitManifest:
        made.append(make_split(*arguments))
        return made[-1]

    monkeypatch.setattr("hemotk.api.planning.make_split", kept)
    found = hemotk.plan(folder, timing=False, progress=False)
    assert sorted(read) == sorted(path for path in folder.rglob("*.png"))
    assert replace(made[0], created=wanted.created) == wanted and found.found.audit == audited.findings
    assert compared == [40, 41]  # the audit leaves copies out
    (folder / "normal" / "copy.png").unlink()
    hemotk.plan(folder, timing=False, progress=False)
    assert compared == [40, 41, 40]


def test_pictures_that_cannot_be_read_are_all_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.png", "b.png"):
        (folder / "normal" / name).write_bytes(b"no picture")
    assert run(["plan", "slices", "--no-timing"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "normal/a.png" in said and "2 files cannot be used" in said and "normal/b.png" in said


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
        (["--accuracy", "1"], "--accuracy 1: must be between 0 and 1"),
        (["--correlation", "1"], "--correlation 1: must be at least 0 and below 1"),
        (["--target", "0"], "--target 0: must be between 0 and 0.5"),
        (["--arch", "resnet"], "resnet"),
    ],
)
def test_values_that_cannot_be(folder: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    timing = [] if "--arch" in words else ["--no-timing"]
    assert run(["plan", "slices", *words, *timing]) == 2
    assert says in capsys.readouterr().err
