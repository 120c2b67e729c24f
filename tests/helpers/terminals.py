"""Commands in a terminal of a given width, and what a reader sees there.

A `Screen` understands what a terminal of any kind does: text, colours, carriage return, erase, cursor up. It raises an
error at anything else, so that a command cannot hide something from a test.
"""

import fcntl
import multiprocessing
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

_PIECE = re.compile(
    r"\x1b\[(?P<code>[?\d;]*)(?P<kind>[A-Za-z])|(?P<control>[\r\n\t\x08\x07])|(?P<text>[^\x00-\x1f\x7f]+)"
)
_COLOR = re.compile(r"\x1b\[[\d;]*m")
_ROWS = 40
# What a test run sets and a user does not.
_OWN = ("COLUMNS", "LINES", "NO_COLOR", "CI", "TF_CPP_MIN_LOG_LEVEL", "MPLBACKEND")


@dataclass
class Row:
    """A row of the screen: its characters, each with the sequence that gave it its style."""

    cells: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The characters alone."""
        return "".join(char for char, _ in self.cells)

    @property
    def styled(self) -> str:
        """The row as it would have to be written to look the same."""
        pieces = (
            (style, "".join(char for char, _ in cells)) for style, cells in groupby(self.cells, lambda cell: cell[1])
        )
        return "".join(f"{style}{text}\x1b[0m" if style else text for style, text in pieces).rstrip()


@dataclass
class Screen:
    """All rows that were written, those out of sight too; `beyond`: texts that were wider than the screen."""

    columns: int
    rows: list[Row] = field(default_factory=lambda: [Row()])
    row: int = 0
    column: int = 0
    style: str = ""
    beyond: list[str] = field(default_factory=list)

    def feed(self, text: str) -> "Screen":
        """Write `text`.

        Raises:
            ValueError: a control sequence that is not known here.
        """
        place = 0
        while place < len(text):
            piece = _PIECE.match(text, place)
            if piece is None:
                raise ValueError(f"unknown control sequence: {text[place : place + 12]!r}")
            place = piece.end()
            if piece["text"]:
                self._write(piece["text"])
            elif piece["control"]:
                self._control(piece["control"])
            else:
                self._sequence(piece["code"], piece["kind"])
        return self

    @property
    def lines(self) -> list[str]:
        """The rows as text."""
        return [row.text.rstrip() for row in self.rows]

    def _write(self, text: str) -> None:
        for char in text:
            if self.column == self.columns:
                self.beyond.append(self.rows[self.row].text + "|" + text[:20])
                self._down()
                self.column = 0
            cells = self.rows[self.row].cells
            cells.extend([(" ", "")] * (self.column - len(cells)))
            cells[self.column : self.column + 1] = [(char, self.style)]
            self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append(Row())

    def _control(self, control: str) -> None:
        if control == "\n":
            self._down()
        elif control == "\r":
            self.column = 0
        elif control == "\t":
            self._write(" " * (8 - self.column % 8))
        else:
            raise ValueError(f"rings or goes back: {control!r}")

    def _sequence(self, code: str, kind: str) -> None:
        if kind == "m":
            self.style = "" if code in ("", "0") else f"{self.style}\x1b[{code}m"
        elif kind == "K" and code in ("", "0", "2"):
            cells = self.rows[self.row].cells
            del cells[0 if code == "2" else self.column :]
        elif kind == "A":
            self.row = max(0, self.row - int(code or 1))
        elif not (kind in "hl" and code == "?25"):  # the cursor is hidden or shown
            raise ValueError(f"unknown control sequence: ESC[{code}{kind}")


@dataclass(frozen=True)
class Played:
    """A command that was run in a terminal: its exit code, all that it wrote, and the screen in the end."""

    words: tuple[str, ...]
    code: int
    raw: str
    screen: Screen
    seconds: float

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, and above it."""
        return self.screen.lines

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    @property
    def sentence(self) -> str:
        """The same without line breaks, where a sentence is sought."""
        return " ".join(self.text.split())

    @property
    def colored(self) -> bool:
        """Whether a colour was asked for; bold and italic are none."""
        codes = {code for found in _COLOR.findall(self.raw) for code in found[2:-1].split(";")}
        return any(code[:1] in "349" and len(code) == 2 and code != "39" for code in codes if code)


@dataclass(frozen=True)
class Terminal:
    """A terminal in which commands are run in `folder`, one after the other."""

    folder: Path
    columns: int = 80
    color: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> Played:
        """Run `hemotk` with these words in a process of its own, as a user does."""
        return self._watched(words, lambda tty, environment: _Started(words, tty, environment, self.folder))

    def run_loaded(self, *words: str) -> Played:
        """Do the same in a fork of a process that has loaded TensorFlow: it saves most of the time."""
        return self._watched(words, lambda tty, environment: _Forked(words, tty, environment, self.folder))

    def _watched(self, words: Sequence[str], start: "Callable[[str, dict[str, str]], _Command]") -> Played:
        own, theirs = pty.openpty()
        try:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, self.columns, 0, 0))
            given = {"TERM": "xterm-256color", **({} if self.color else {"NO_COLOR": "1"}), **self.environment}
            began = time.monotonic()
            command = start(os.ttyname(theirs), given)
            text = _read(own, command).decode()
        finally:
            os.close(own)
            os.close(theirs)
        return Played(tuple(words), command.code(), text, Screen(self.columns).feed(text), time.monotonic() - began)


class _Command(Protocol):
    def ended(self) -> bool: ...

    def code(self) -> int: ...


class _Started:
    def __init__(self, words: Sequence[str], tty: str, environment: Mapping[str, str], folder: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in _OWN}
        descriptor = os.open(tty, os.O_RDWR | os.O_NOCTTY)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hemotk", *words],
            cwd=folder,
            env={**inherited, **environment},
            stdin=descriptor,
            stdout=descriptor,
            stderr=descriptor,
        )
        os.close(descriptor)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def code(self) -> int:
        return self._process.wait()


class _Forked:
    def __init__(self, words: Sequence[str], tty: str, environment: Mapping[str, str], folder: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(target=_work, args=(list(words), tty, dict(environment), folder))
        self._process.start()

    def ended(self) -> bool:
        return not self._process.is_alive()

    def code(self) -> int:
        self._process.join()
        return self._process.exitcode or 0


def _work(words: list[str], tty: str, environment: dict[str, str], folder: Path) -> None:
    from hemotk.cli.main import main

    for name in _OWN:
        os.environ.pop(name, None)
    os.environ.update(environment)
    descriptor = os.open(tty, os.O_RDWR | os.O_NOCTTY)
    for standard in range(3):
        os.dup2(descriptor, standard)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    main(words)


def _read(own: int, command: _Command) -> bytes:
    said = b""
    while True:
        ended = command.ended()
        ready, _, _ = select.select([own], [], [], 0.0 if ended else 0.05)
        if ready:
            said += os.read(own, 1 << 16)
        elif ended:
            return said
