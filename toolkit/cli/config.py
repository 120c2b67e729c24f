"""`hemotk config`."""

from pathlib import Path

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, overwrite_option
from hemotk.cli.settings import SETTINGS_FILE


@click.group()
def config() -> None:
    """Keep the options of commands in a file."""


@config.command(cls=Command)
@click.option("--out", type=PATH, default=Path(SETTINGS_FILE), show_default=True, help="The file to write.")
@overwrite_option
def init(*, out: Path, overwrite: bool) -> None:
    """Write a settings file in which every option stands as a comment.

    hemotk reads hemotk.toml in the folder that it is started in, or the file of `hemotk --config FILE`. A section is
    named after a command, its keys after the command's options. An option on the command line counts first, then the
    environment (HEMOTK_TRAIN_EPOCHS=30), then the file.

    \b
    Examples:
      hemotk config init
      hemotk --config slow.toml train split.json
    """
    from hemotk.cli.main import settable_commands
    from hemotk.cli.settings import template
    from hemotk.files import write_bytes

    write_bytes(out, template(settable_commands()).encode(), overwrite=overwrite)
    click.echo(f"wrote {out}")
