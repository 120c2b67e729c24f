"""What a terminal or a log of few letters shows: Windows' code pages, ASCII."""

import codecs
import io
import os
import shlex
import unicodedata
from collections.abc import Iterable
from typing import TextIO

PLAIN = "hemotk.plain"

# What hemotk writes, in letters that every encoding has.
_LETTERS = {
    "‹": "<",
    "›": ">",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "×": "x",
    "·": ".",
    "±": "+/-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "→": "->",
    "←": "<-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "█": "#",
    "─": "-",
    "├": "|",
    "└": "`",
    "●": "*",
}


def plain(text: str) -> str:
    """`text` in ASCII: signs by what looks like them, accents left out, all else as Python escapes it."""
    return "".join(map(_plain, text))


def _plain(char: str) -> str:
    if char.isascii():
        return char
    letters = _LETTERS.get(char) or unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return letters or ascii(char)[1:-1]


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def write_what_can_be_written(stream: TextIO | None) -> None:
    """Let `stream` write in plain letters what its encoding lacks, where it would end the command."""
    if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
        codecs.register_error(PLAIN, _replace)
        stream.reconfigure(errors=PLAIN)


def typed(words: Iterable[str]) -> str:
    """The command of these words, quoted as this system's shell reads it."""
    import subprocess

    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
