"""`hemotk runs`: a list, a comparison, a closer look."""

import json
from pathlib import Path

import pytest
from scored_runs import Judged

from hemotk.cli.main import run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Judged([0, 1, 0, 1], [-1.0, 1.0, 1.0, 1.0]).write(tmp_path / "runs/first")
    return tmp_path


def test_a_list_and_a_run_by_its_name_with_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--sort", "auc", "--json", "r.json"]) == 0
    assert "first" in capsys.readouterr().out
    body = json.loads((home / "r.json").read_text())
    assert body["what"] == "runs" and [row["name"] for row in body["rows"]] == ["first"]
    assert body["rows"][0]["specificity"]["value"] == 0.5
    assert run(["runs", "first", "--by", "level", "--json", "r.json", "--overwrite"]) == 0
    assert "soft tissue = 0.3 or more" in " ".join(capsys.readouterr().out.split())
    assert json.loads((home / "r.json").read_text())["strata"]["rows"]


def test_two_runs_are_held_against_each_other(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Judged([0, 1, 0, 1], [-1.0, 1.0, -1.0, 1.0]).write(home / "runs/second")
    assert run(["runs", "first", "runs/second", "--json", "c.json"]) == 0
    assert "second − first, on 4 images of 4 groups" in capsys.readouterr().out
    assert json.loads((home / "c.json").read_text())["pairs"][0]["gained"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none"], "none: no such folder"),
        (["--by", "level"], "--by: is of one finished run; name it"),
        (["first", "first"], "is named twice"),
        (["first", "none"], "none: no such run"),
        (["--misses", "m.png"], "--misses: is of one finished run"),
        (["first", "--misses", "m.png", "--data", "nowhere"], "nowhere: no such folder; name the one"),
        (["--sort", "colour"], "--sort colour: is no column of runs"),
        (["first", "--by", "scanner"], "images: no such folder; name the one that holds the run's images with --data"),
        (["--json", "there"], "there: already exists"),
    ],
)
def test_wrong_use_is_one_sentence_and_writes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    (home / "there").write_text("")
    assert run(["runs", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and len(said.splitlines()) == 1 and "‹" not in said
    assert sorted(path.name for path in home.iterdir()) == ["runs", "there"]


def test_a_run_with_a_changed_file_is_refused_by_name_and_marked_in_the_list(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (home / "runs/first/scores.csv").open("a") as stream:
        stream.write("\n")
    assert run(["runs", "first"]) == 2
    assert "scores.csv: checksum" in capsys.readouterr().err
    assert run(["runs"]) == 0
    assert "unreadable" in capsys.readouterr().out
