"""What people see in a terminal: lines that break between words, commands that can be copied."""

import io
import shlex
import sys

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.cli.terminal import Wrapping, echo_as_it_is, for_people, wrapped


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


def test_a_short_line_and_one_that_moves_the_cursor_stay() -> None:
    assert wrapped("all is well", 20) == ["all is well"]
    moving = "\r" + "bar " * 30
    assert wrapped(moving, 40) == [moving]
    bar = "\x1b[2K" + "bar " * 30
    assert wrapped(bar, 40) == [bar]


def test_words_intervals_and_commands_in_backticks_stay_whole() -> None:
    line = "accuracy 0.500 [0.254, 0.746], make it with `hemotk export runs/first` and look"
    assert wrapped(line, 30) == [
        "accuracy 0.500 [0.254, 0.746],",
        "  make it with",
        "  `hemotk export runs/first`",
        "  and look",
    ]


def test_what_follows_stands_under_the_text_beside_a_label() -> None:
    assert wrapped("test part    12 images of 12 groups, as assumed", 30) == [
        "test part    12 images of 12",
        "             groups, as",
        "             assumed",
    ]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("Next: hemotk train 'my slices/split.json' --out runs/first", 3),
        ("$ hemotk train 'my slices/split.json' --out runs/first", 2),
        ("hemotk: interrupted; finished files are whole. To go on: hemotk train a --resume", 3),
    ],
)
def test_a_command_can_be_pasted(line: str, lines: int) -> None:
    found = wrapped(line, 40)
    assert len(found) >= lines and all(len(each) <= 40 for each in found)
    pasted = "\n".join(found)
    pasted = pasted[pasted.rindex("hemotk ") :]
    assert all(each.endswith(" \\") for each in pasted.splitlines()[:-1])  # else the shell takes the first line alone
    assert shlex.split(pasted.replace("\\\n", " ")) == shlex.split(line[line.rindex("hemotk ") :])


@given(st.text("ab [](),.`1:", max_size=120), st.integers(20, 60))
def test_nothing_is_lost_and_only_long_words_are_long(line: str, columns: int) -> None:
    found = wrapped(line, columns)
    assert " ".join(" ".join(found).split()) == " ".join(line.split())
    for each in found[:-1]:
        assert len(each) <= columns or len(each.split()) == 1


def test_colours_take_no_room() -> None:
    line = "\x1b[1m" + "a" * 18 + "\x1b[0m"
    assert wrapped(line, 20) == [line]


def test_a_terminal_is_wrapped_and_a_file_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    terminal, file = Tty(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", file)
    sentence = "a sentence of more than thirty columns"
    with for_people():
        click.echo(sentence)
        click.echo(sentence, err=True)
        echo_as_it_is(sentence)
    assert terminal.getvalue() == "a sentence of more than thirty\n  columns\n" + sentence + "\n"
    assert file.getvalue() == sentence + "\n"
    assert (sys.stdout, sys.stderr) == (terminal, file)


def test_a_line_that_is_written_in_pieces_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    terminal = Tty()
    stream = Wrapping(terminal)
    stream.write("begun ")
    stream.write("and ended after more than thirty columns\n")
    stream.write("\x1b[?25h")  # as a progress bar ends
    stream.write("a sentence of more than thirty columns\n")
    lines = terminal.getvalue().split("\n")
    assert lines[0] == "begun and ended after more than thirty columns"
    assert lines[1:] == ["\x1b[?25ha sentence of more than thirty", "  columns", ""]
