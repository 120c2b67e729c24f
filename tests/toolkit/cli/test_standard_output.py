"""`-` as an output: the result alone on the standard output, text on stderr."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from noise_pictures import write_pictures
from PIL import Image

from hemotk.cli.main import run


def test_the_result_alone_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "slices", 8)
    for name in ("-", "/dev/stdout"):
        assert run(["data", "audit", str(folder), "--json", name]) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["schema"].startswith("hemotk.audit/")
        assert "wrote the result to the standard output" in said.err
    assert run(["data", "audit", str(folder), "--html", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")
    assert not list(tmp_path.glob("*.json")) and not Path("-").exists()


def test_it_is_printed_although_a_check_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "slices", 8)
    Image.new("L", (30, 30)).save(folder / "normal" / "blank.png")
    assert run(["data", "audit", str(folder), "--json", "-", "--fail-on", "blank"]) == 1
    assert json.loads(capsys.readouterr().out)["schema"].startswith("hemotk.audit/")


def test_nothing_is_printed_where_nothing_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", str(tmp_path / "none"), "--json", "-"]) == 2
    said = capsys.readouterr()
    assert not said.out and "none" in said.err


def test_one_output_alone_can_be_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", str(tmp_path), "--json", "-", "--html", "-"]) == 2
    assert "--json and --html: only one can be the standard output" in capsys.readouterr().err


def test_a_pipe_gets_the_bytes(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "slices", 8)
    words = [sys.executable, "-m", "hemotk", "data", "audit", str(folder), "--json", "-"]
    made = subprocess.run(words, capture_output=True, check=True)
    assert json.loads(made.stdout)["folder"].endswith("slices")
