"""docs/commands.md, made from the commands themselves: `python -m hemotk.cli.reference > docs/commands.md`."""

import io
import sys
from collections.abc import Iterator

import click

from hemotk.cli.main import cli

WIDTH = 100


def reference() -> str:
    """The `--help` of every command as Markdown."""
    text = io.StringIO()
    text.write("# Commands\n\nMade from the commands' own help by `make docs`.\n")
    for name, command in _commands("hemotk", cli):
        context = click.Context(command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, color=False)
        text.write(f"\n## {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return text.getvalue()


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _commands(f"{name} {child}", found)


if __name__ == "__main__":
    sys.stdout.write(reference())
