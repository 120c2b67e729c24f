"""docs/commands.md, made from the commands themselves: `python -m hemotk.cli.reference > docs/commands.md`."""

import io
import sys
from collections.abc import Iterator

import click

from hemotk.cli.main import cli

WIDTH = 80


def reference() -> str:
    """The `--help` of every command as Markdown."""
    text = io.StringIO()
    text.write("# Commands\n\nMade from the commands' own help by `make docs`.\n")
    for context in _contexts(_context(cli, "hemotk")):
        text.write(f"\n## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n")
    return text.getvalue()


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    width = {"terminal_width": WIDTH, "max_content_width": WIDTH, "color": False}
    return click.Context(command, parent, name, **{**command.context_settings, **width})


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            child = context.command.get_command(context, name)
            if child is not None:
                yield from _contexts(_context(child, name, context))


if __name__ == "__main__":
    sys.stdout.write(reference())
