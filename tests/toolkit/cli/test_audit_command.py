"""`hemotk data audit` as a user types it."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import AuditReport
from hemotk.cli.main import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for i in range(20):
        path = Path("data") / ("normal" if i % 2 else "hemorrhage") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32), np.uint8)).save(path)
    shutil.copy("data/normal/1.png", "data/normal/<b>.png")
    Path("data/normal/cut.png").write_bytes(b"\x89PNG")
    return Path("data")


def test_audit_says_what_it_found_and_writes_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--html", "a.html", "--json", "a.json", "--sheet", "a.png"]
    assert run(["data", "audit", "data", *files]) == 0
    said = capsys.readouterr().out
    assert "11 normal, 10 hemorrhage" in said and "normal/cut.png: is no picture" in said
    assert "2 images form 1 groups of duplicates (pairs: 1 equal" in said
    assert "border brightness" in said and "wrote a.png (shows pixels of patients)" in said and "wrote a.html\n" in said
    report = AuditReport.read(Path("a.json"))
    assert report.groups == (("normal/1.png", "normal/<b>.png"),)
    assert Image.open("a.png").format == "PNG"
    page = Path("a.html").read_text(encoding="utf-8")
    ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    assert "normal/&lt;b&gt;.png" in page and "<img" not in page and "data:image" not in page


def test_pictures_are_embedded_only_when_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", "data", "--html", "a.html", "--pictures"]) == 0
    assert "wrote a.html (shows pixels of patients)" in capsys.readouterr().out
    page = Path("a.html").read_text(encoding="utf-8")
    assert "data:image/png;base64,iVBOR" in page and "Shows pixels of patients" in page
    ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["data", "--pictures"], "--pictures: needs the page they go into; add --html FILE"),
        (["data", "--json", "data/normal/1.png"], "data/normal/1.png: already exists"),
        (["data", "--sheet", "data/normal/1.png"], "data/normal/1.png: already exists"),
        (["data", "--html", "data"], "data: already exists"),
        (["data", "--classes", "one"], "--classes one"),
    ],
)
def test_bad_use_is_one_sentence_and_exit_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    before = sorted(Path().rglob("*"))
    assert run(["data", "audit", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and "Traceback" not in error
    assert sorted(Path().rglob("*")) == before
