"""Text for people in a terminal: lines break between words, and a command can be copied as it stands.

Only what goes to a terminal is changed. Files, pipes and logs get every line whole.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

INDENT = "  "
CONTINUED = " \\"
_NARROWEST = 20

_STYLE = re.compile(r"\x1b\[[\d;]*m")
_CONTROL = re.compile(r"\r|\x1b\[[?\d;]*[A-Za-z]")
_MOVES = re.compile(r"\r|\x1b(?!\[[\d;]*m)")
# What stays in one line: a command between backticks, an interval, a word; each with the spaces before it.
_PIECE = re.compile(r"\s*(?:\S*`[^`]+`\S*|\[[-+\d., ]+\]\S*|\S+)")
# "test part    12 images": a few words, and a gap to the next column.
_LABEL = re.compile(r"(?! )(?=.{0,18}\S {2,}\S)(?:\S| (?! ))+ {2,}")
_WORD = re.compile(r"\s*\S+")
_ARGUMENT = re.compile(r"\s*(?:'[^']*'|\S)+")
# A command at the end of a line, behind a colon or alone.
_COMMAND = re.compile(r"(?P<before>|.*: |\s*(?:\x1b\[[\d;]*m)?\$ |\s+)(?P<command>hemotk [a-z]+(?: [^`]*)?)")


def wrapped(line: str, columns: int) -> list[str]:
    """`line` as lines of at most `columns`; a word that is longer stays whole.

    What follows is indented. A command at the end of a line that is too long has lines of its own. Each but the last
    ends with a backslash, so that a shell takes them as one.
    """
    if columns < _NARROWEST or _length(line) <= columns or _MOVES.search(line):
        return [line]
    begin = _begin(line)
    found = _COMMAND.fullmatch(line)
    if found is None:
        return _filled(_pieces(line, columns - len(begin)), "", begin, columns)
    before, command = found["before"], found["command"]
    arguments = _ARGUMENT.findall(command)
    room = columns - len(CONTINUED)
    if ": " in before:
        lines = _filled(_pieces(before.rstrip(), columns - len(begin)), "", begin, columns)
        torn = _filled(arguments, begin, begin + INDENT, room)
    else:
        lines = []
        torn = _filled(arguments, before, begin + INDENT, room)
    return [*lines, *(each + CONTINUED for each in torn[:-1]), torn[-1]]


def _begin(line: str) -> str:
    """What stands before the second line: spaces up to the column behind a label, or a small indent."""
    label = _LABEL.match(line)
    if label is not None:
        return " " * label.end()
    return line[: len(line) - len(line.lstrip())] + INDENT


def _filled(pieces: list[str], first: str, begin: str, columns: int) -> list[str]:
    """The pieces as lines: the first begins with `first`, the others with `begin`."""
    lines, now, empty = [], first, True
    for piece in pieces:
        if not empty and _length(now + piece) > columns:
            lines.append(now.rstrip())
            now, piece = begin, piece.lstrip()  # noqa: PLW2901
        now, empty = now + piece, False
    return [*lines, now]


def _pieces(line: str, room: int) -> list[str]:
    """What is not broken, each with the spaces before it."""
    found = _PIECE.findall(line)
    return [part for piece in found for part in ([piece] if _length(piece.strip()) <= room else _WORD.findall(piece))]


def _length(text: str) -> int:
    return len(_STYLE.sub("", text))


class Wrapping:
    """A terminal as a stream whose lines are wrapped; what moves the cursor goes through as it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = self.unwrapped = stream
        self._within = False  # the line has begun with an earlier text

    def write(self, text: str) -> int:
        """Write `text`, each whole line wrapped."""
        if not text:
            return self._stream.write(text)
        columns = self._columns()
        for line in re.split(r"(?<=\n)", text):
            whole = line.endswith("\n") and not self._within
            self._stream.write("\n".join(wrapped(line[:-1], columns)) + "\n" if whole else line)
            self._within = not line.endswith("\n") and (self._within or bool(_CONTROL.sub("", line)))
        return len(text)

    def _columns(self) -> int:
        with contextlib.suppress(ValueError, KeyError):
            return int(os.environ["COLUMNS"])
        try:
            return os.get_terminal_size(self._stream.fileno()).columns
        except OSError:
            return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def for_people() -> Iterator[None]:
    """Wrap what is printed to a terminal, until the end of the block."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_readable(stream) for stream in streams)
    try:
        yield
    finally:
        if isinstance(sys.stdout, Wrapping):  # else it was replaced since
            sys.stdout = streams[0]
        sys.stderr = streams[1]


def unwrapped(stream: TextIO) -> TextIO:
    """The stream behind one of `for_people`: for code, JSON and tracebacks, whose lines mean something."""
    return stream.unwrapped if isinstance(stream, Wrapping) else stream


def echo_as_it_is(text: str) -> None:
    """Print `text` without wrapping: code, JSON, a script."""
    stream = unwrapped(sys.stdout)
    stream.write(text if text.endswith("\n") else text + "\n")


def _readable(stream: TextIO) -> TextIO:
    if stream is None or not stream.isatty():
        return stream
    return cast(TextIO, Wrapping(stream))
