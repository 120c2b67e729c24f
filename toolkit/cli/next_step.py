"""The next command, as a line that can be copied."""

from pathlib import Path

import click

from hemotk.cli.console import typed
from hemotk.progress import QUIET, talk


def say_next(*words: str | Path, before: str = "Next") -> None:
    """Print the command `hemotk WORDS`, ready for a shell, behind a word or a sentence; not with --quiet."""
    if talk() != QUIET:
        click.echo(f"{before}: {typed(['hemotk', *map(str, words)])}")
