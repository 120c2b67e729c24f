"""The next command, as a line that can be copied."""

import shlex
from pathlib import Path

import click


def say_next(*words: str | Path, before: str = "Next") -> None:
    """Print the command `hemotk WORDS`, ready for a shell, behind a word or a sentence."""
    click.echo(f"{before}: {shlex.join(['hemotk', *map(str, words)])}")
