"""-q and -v: how much every command says, before or after its name."""

from pathlib import Path

import pytest
from noise_pictures import write_pictures

from hemotk.cli.main import run
from hemotk.cli.next_step import say_next
from hemotk.progress import NORMAL, QUIET, VERBOSE, bars, remark, talk, talking
from hemotk.quiet import held_back, quiet


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with pictures and a settings file."""
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "slices", 8)
    (tmp_path / "hemotk.toml").write_text("[split]\nseed = 3\n")
    return tmp_path


@pytest.mark.parametrize("words", [("-q", "data", "split"), ("data", "-q", "split"), ("data", "split", "--quiet")])
def test_a_quiet_command_prints_results_and_errors_alone(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run([*words, "slices"]) == 0
    said = capsys.readouterr()
    assert said.err == "" and "wrote split.json" in said.out
    assert run([*words, "slices"]) == 2
    assert capsys.readouterr().err.startswith("hemotk: split.json: already exists")
    assert talk() == NORMAL


@pytest.mark.parametrize("words", [("-v", "data", "split"), ("data", "split", "--verbose")])
def test_a_verbose_command_says_how_long_each_stage_took(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run([*words, "slices"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert "hemotk: settings from hemotk.toml: [split] seed" in lines
    assert any(line.startswith("hemotk: reading images took ") for line in lines)
    assert lines[-1].startswith("hemotk: all took ")


def test_it_may_come_from_the_environment(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMOTK_QUIET", "1")
    assert run(["data", "split", "slices"]) == 0
    assert capsys.readouterr().err == ""


def test_both_contradict_each_other(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-q", "data", "split", "slices", "-v"]) == 2
    assert "--quiet and --verbose: contradict each other" in capsys.readouterr().err
    assert not Path("split.json").exists()


def test_what_stands_behind_two_dashes_is_no_option(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", "--", "-q"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("hemotk: -q: no such folder")


def test_what_other_libraries_say_is_held_back_unless_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    import os
    import sys

    for much, heard in ((NORMAL, ""), (VERBOSE, "native\npython\n")):
        with talking(much):
            with held_back():
                os.write(2, b"native\n")
            with quiet():
                sys.stderr.write("python\n")
        assert capfd.readouterr().err.partition("hemotk: all")[0] == heard


def test_a_finished_command_says_what_to_type_next(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", "slices", "--out", "my split.json"]) == 0
    assert "Next: hemotk train 'my split.json'\n" in capsys.readouterr().out
    with talking(QUIET):
        say_next("train", "split.json")
    assert capsys.readouterr().out == ""


def test_a_quiet_job_tells_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with talking(QUIET), bars() as tell:
        tell("scoring", 3, 3)
        remark("three were scored")
    assert capsys.readouterr().err == ""
    with bars() as tell:
        tell("scoring", 3, 3)
        remark("three were scored")
    assert capsys.readouterr().err == "scoring 3/3, 0 s\nhemotk: three were scored\n"
