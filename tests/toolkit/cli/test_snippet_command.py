"""`hemotk snippet`."""

from pathlib import Path

import pytest

from hemotk.cli.main import run
from hemotk.cli.snippet import LANGUAGES
from hemotk.embedding import snippets


def test_the_languages_are_those_that_can_be_written() -> None:
    assert list(LANGUAGES) == list(snippets.LANGUAGES)


def test_code_is_printed_or_written_and_nothing_is_overwritten(
    fed: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run(["snippet", str(fed), "--python"]) == 0
    printed = capsys.readouterr().out
    assert printed == snippets.snippet(fed, "python")
    out = tmp_path / "slices.py"
    assert run(["snippet", str(fed), "--python", "-o", str(out)]) == 0
    assert out.read_text("utf-8") == printed and f"wrote {out}" in capsys.readouterr().out
    assert run(["snippet", str(fed), "--python", "--variant", "float32", "-o", str(out)]) == 2
    assert out.read_text("utf-8") == printed and "--overwrite" in capsys.readouterr().err
    assert run(["snippet", str(fed), "--python", "--variant", "float32", "-o", str(out), "--overwrite"]) == 0
    assert "float32.tflite" in out.read_text("utf-8")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "no language was named; choose one of --kotlin, --swift, --dart, --javascript, --python, --cpp."),
        (("--kotlin", "--swift"), "2 languages were named; choose one of --kotlin"),
        (("--kotlin", "--variant", "fp16"), "--variant fp16: is not in"),
    ],
)
def test_a_wrong_choice_is_one_sentence(fed: Path, capsys: pytest.CaptureFixture, flags: tuple, said: str) -> None:
    assert run(["snippet", str(fed), *flags]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.out == "" and captured.err.count("\n") == 1


def test_an_older_bundle_is_refused_and_nothing_is_written(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "Slices.kt"
    assert run(["snippet", str(bundle), "--kotlin", "-o", str(out)]) == 2
    assert "export its run again" in capsys.readouterr().err and not out.exists()
