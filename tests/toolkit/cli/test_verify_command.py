"""`hemotk verify`: what is printed and written, and the exit codes."""

import json
from pathlib import Path

import pytest
from planted_apps import write_outputs

from hemotk.artifacts import ComparedOutputs
from hemotk.cli.main import run


def test_an_app_that_agrees_gives_0(fed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    against = write_outputs(tmp_path / "outputs.json", fed, "int8")
    assert run(["verify", str(fed), "--against", str(against)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "agrees in gray, pixels, tensor, logit, probability, verdict"
    assert max(map(len, said)) <= 80


def test_one_that_differs_gives_1_and_says_why(fed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    against, out = write_outputs(tmp_path / "outputs.json", fed, "int8", "platform"), tmp_path / "verified.json"
    assert run(["verify", str(fed), "--against", str(against), "--json", str(out)]) == 1
    said = capsys.readouterr().out
    assert "  pixels       DIFFERS on 5 of 5 pictures\n      as if with pictures resized without antialiasing" in said
    assert "\nDIFFERS in pixels\n" in said and max(map(len, said.splitlines()[:-1])) <= 80
    found = ComparedOutputs.read(out)
    assert not found.agrees and found.steps[1].causes[0].nearly and found.bundle == "fed"
    assert run(["verify", str(fed), "--against", str(against), "--json", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_a_cause_in_an_earlier_step_is_named_with_it(
    fed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    against = write_outputs(tmp_path / "outputs.json", fed, "float32", "stretched", given=("logit",))
    assert run(["verify", str(fed), "--against", str(against)]) == 1
    assert "pixels: as if with pictures stretched to a square" in capsys.readouterr().out


def test_the_result_alone_may_be_printed(fed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    against = write_outputs(tmp_path / "outputs.json", fed, "int8", given=("logit",))
    assert run(["verify", str(fed), "--against", str(against), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["schema"] == "hemotk.verification/1" and "agrees in logit" in said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("{", "is no JSON"),
        (
            '{"schema": "hemotk.outputs/1", "model": "int8.tflite", "pictures": []}',
            "field 'pictures' must be non-empty",
        ),
        ('{"schema": "hemotk.outputs/2"}', "has version 2"),
        ('{"model": "int8.tflite"}', "field 'schema' is not 'hemotk.outputs/1'"),
    ],
)
def test_bad_input_gives_2(
    fed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, words: str
) -> None:
    against = tmp_path / "outputs.json"
    if text is not None:
        against.write_text(text)
    assert run(["verify", str(fed), "--against", str(against)]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and not said.out
