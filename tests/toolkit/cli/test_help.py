"""The help: a screen that says what most people need, and all the rest below it."""

import re
from collections.abc import Iterator

import click
import pytest

from hemotk.cli.help import HEADINGS, Command, first_sentence, long_name
from hemotk.cli.main import COMMANDS, cli, load_command, run
from hemotk.cli.options import ARCHITECTURES

SCREEN, COLUMNS = 40, 80
BEFORE_OPTIONS = 24


def commands() -> Iterator[tuple[str, ...]]:
    for name in COMMANDS:
        command = load_command(name)
        yield from ((name, inner) for inner in command.commands) if isinstance(command, click.Group) else [(name,)]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_the_short_help_is_one_screen(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "-h"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= SCREEN and all(len(line) <= COLUMNS for line in lines)
    assert lines[0].startswith(f"Usage: hemotk {' '.join(words)} ")
    assert lines[-1].startswith(f"Everything: hemotk {' '.join(words)} --help")
    assert any(re.match("  Examples?:$", line) for line in lines)


def test_hemotk_alone_is_one_screen_with_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert run(["-h"]) == 0
    assert capsys.readouterr().out == said.err
    lines = said.err.splitlines()
    assert len(lines) <= SCREEN and all(len(line) <= COLUMNS for line in lines)
    assert lines[-1].startswith("Everything: hemotk --help;")
    for name in COMMANDS:
        assert any(line.startswith(f"  {name} ") for line in lines)
    assert any("hemotk demo" in line for line in lines) and "Research, not for diagnosis." in lines


@pytest.mark.parametrize("words", [["data"], ["config"]])
def test_a_group_alone_is_one_screen(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert len(capsys.readouterr().err.splitlines()) <= SCREEN


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_the_long_help_begins_alike_and_has_every_option(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "-h"]) == run([*words, "--help"]) == 0
    said = capsys.readouterr().out
    lines = said[said.index("Usage: ", 1) :].splitlines()
    assert all(len(line) <= COLUMNS for line in lines), [line for line in lines if len(line) > COLUMNS]
    assert next(place for place, line in enumerate(lines) if re.match(r"\S.*:$", line)) <= BEFORE_OPTIONS
    command = load_command(words[0])
    for inner in words[1:]:
        command = command.commands[inner]  # type: ignore[attr-defined]
    assert isinstance(command, Command)
    for option in command.params:
        if isinstance(option, click.Option):
            assert re.search(rf"^  .*{max(option.opts, key=len)}\b", "\n".join(lines), re.MULTILINE)


@pytest.mark.parametrize("path", HEADINGS)
def test_headings_name_options_once(path: str) -> None:
    command: click.Command = cli
    for word in path.split():
        command = load_command(word) if command is cli else command.commands[word]  # type: ignore[attr-defined]
    known = {long_name(option) for option in command.params if isinstance(option, click.Option)}
    named = [name for names in HEADINGS[path].values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) - known <= {"csv"}  # an option may be called before it is there


def test_the_first_sentence_keeps_the_default() -> None:
    assert first_sentence("Do this. Not that.  [default: 1]") == "Do this.  [default: 1]"
    assert first_sentence("With 0.5, e.g. so. And more.  [x>=0]") == "With 0.5, e.g. so.  [x>=0]"
    assert first_sentence("One thing") == "One thing."


def test_the_commands_know_the_architectures() -> None:
    from hemotk.models import families

    assert ARCHITECTURES == families.ARCHITECTURES


@pytest.mark.parametrize(("typed", "meant"), [("resnet", "resnet50"), ("densnet121", "densenet121"), ("dense", "")])
def test_a_misspelt_architecture_gets_the_nearest(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["train", "none.json"], ["plan", "none"], ["demo"]):
        assert run([*command, "--arch", typed]) == 2
        said = capsys.readouterr().err
        assert f"did you mean '{meant}'?" in said if meant else "densenet201" in said


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["trian"], "train"), (["data", "splt"], "split"), (["train", "--epoch", "3"], "--epochs"), (["bnch"], "bench")],
)
def test_a_misspelt_command_or_option_gets_the_nearest(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    assert f"'{meant}'" in capsys.readouterr().err
