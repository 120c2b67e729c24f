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
        (["data", "--classes", "one,one"], "the two class names must be different"),
        (["data", "--fail-on", "leaks,luck,shortcut"], "--fail-on luck,shortcut: is unknown; choose of unreadable,"),
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


@pytest.mark.parametrize("word", ["unreadable", "duplicates", "unreadable,shortcuts"])
def test_what_was_asked_for_and_found_ends_with_1(folder: Path, capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert run(["data", "audit", "data", "--fail-on", word]) == 1
    said = capsys.readouterr().out
    assert f"failed: {word.partition(',')[0]}: 1 " in said and "failed: shortcuts" not in said


def test_what_was_not_found_or_not_asked_for_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", "data", "--fail-on", "contradictions, leaks,blank,grays,patients,shortcuts"]) == 0
    assert "failed" not in capsys.readouterr().out


def test_a_folder_of_one_class_is_audited_but_passes_no_gate_of_shortcuts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("data/hemorrhage")
    assert run(["data", "audit", "data", "--fail-on", "contradictions"]) == 0
    said = capsys.readouterr().out
    assert "no split can be made: has 0 images of class 'hemorrhage'" in said and "11 normal, 0 hemorrhage" in said
    assert "not checked: No image is of class 'hemorrhage'" in said and "file size" not in said
    assert "2 images form 1 groups of duplicates" in said
    assert run(["data", "audit", "data", "--fail-on", "shortcuts", "--html", "a.html"]) == 1
    assert "failed: shortcuts: shortcuts could not be looked for" in capsys.readouterr().out
    assert "No image is of class" in Path("a.html").read_text(encoding="utf-8")


def test_every_phase_has_its_own_bar(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", "data"]) == 0
    error = capsys.readouterr().err
    phases = [line.partition(",")[0] for line in error.splitlines()]
    assert phases[-3:] == ["reading images 22/22", "comparing images 20/20", "probing shortcuts 7/7"]


def test_on_a_phone_every_cell_of_the_page_says_what_it_is(folder: Path) -> None:
    assert run(["data", "audit", "data", "--html", "a.html"]) == 0
    page = ElementTree.fromstring(Path("a.html").read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>\n"))
    cells = list(page.iter("td"))
    assert cells and all(cell.get("data-label") for cell in cells)
    title = page.find("head/title")
    assert title is not None and title.text == "Audit of data"
    words = "".join(page.itertext())
    assert "`" not in words and "hemotk data split" in [code.text for code in page.iter("code")]
