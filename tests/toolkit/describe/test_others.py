"""What `hemotk info` says of things without a description of their own."""

import json
import shutil
from pathlib import Path

import pytest
from written_artefacts import write_run

from hemotk.artifacts.json_schema import PUBLISHED
from hemotk.cli.main import run
from hemotk.describe.descriptions import OtherDescription
from hemotk.describe.facts import describe
from hemotk.describe.others import _FILES
from hemotk.describe.text import text
from hemotk.errors import HemotkError
from hemotk.store.cards import run_card


def said(path: Path) -> str:
    found = describe(path)
    assert isinstance(found, OtherDescription)
    return "\n".join(text(found))


@pytest.mark.parametrize("schema", _FILES)
def test_a_file_is_called_by_its_schema(tmp_path: Path, schema: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"schema": f"{schema}/7"}))
    kind, advice = _FILES[schema]
    assert said(file).splitlines() == [f"{file}: {kind}", f"{advice[0].upper()}{advice[1:]}."]


def test_every_published_file_is_known(tmp_path: Path) -> None:
    for kind in PUBLISHED:
        file = tmp_path / "some.json"
        file.write_text(json.dumps({"schema": kind.SCHEMA}))
        if kind.SCHEMA.partition("/")[0] in _FILES:
            said(file)
        else:
            with pytest.raises(HemotkError) as refused:  # it has a description, which needs all of the file
                describe(file)
            assert "is no run, bundle" not in str(refused.value)


def test_pictures_unfinished_work_and_projects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slices = tmp_path / "slices"
    for name in ("normal/a.png", "hemorrhage/b.dcm", "notes.txt"):
        (slices / name).parent.mkdir(parents=True, exist_ok=True)
        (slices / name).touch()
    assert f"a folder with 2 pictures\n`hemotk data audit {slices}`" in said(slices)
    assert "a picture" in said(slices / "normal" / "a.png")
    (tmp_path / "first.partial").mkdir()
    assert "unfinished work" in said(tmp_path / "first.partial") and "makes first again" in said(
        tmp_path / "first.partial"
    )
    (tmp_path / "app" / "core").mkdir(parents=True)
    (tmp_path / "app" / "settings.gradle.kts").touch()
    assert "an Android project" in said(tmp_path / "app")
    for name, says in (("site.json", "a web page"), ("sweep.json", "a sweep of prunings")):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).touch()
        assert says in said(folder)
    folds = tmp_path / "folds"
    folds.mkdir()
    for number in (1, 2, 3):
        (folds / f"fold{number}.json").touch()
    assert f"the splits of 3 folds\n`hemotk train {folds} --folds 3`" in said(folds)
    assert run(["info", str(slices), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "a folder with 2 pictures"
    hidden = slices / ".normal.0123abcd.old"  # what a killed --overwrite left
    hidden.mkdir()
    (hidden / "c.png").touch()
    assert "a folder with 2 pictures" in said(slices)
    (tmp_path / "empty").mkdir()
    assert run(["info", str(tmp_path / "empty")]) == 2


def test_what_a_killed_overwrite_left_is_no_run_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    write_run(runs / "one")
    shutil.copytree(runs / "one", runs / ".one.0123abcd.old")
    assert "a folder with 1 run\n" in said(runs)
    monkeypatch.setattr("hemotk.aside._SETTLED", -1.0)
    assert describe(runs / "one").what == "run"
    assert [path.name for path in runs.iterdir()] == ["one"]
    (runs / "one").rename(runs / ".one.0123abcd.old")  # killed between the two renames
    assert describe(runs / "one").what == "run"
    (runs / "one").rename(runs / ".one.0123abcd.old")
    assert run_card(runs / "one").arch and [path.name for path in runs.iterdir()] == ["one"]
