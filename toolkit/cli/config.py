"""`hemotk config`."""

from pathlib import Path

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, overwrite_option
from hemotk.cli.settings import SETTINGS_FILE
from hemotk.cli.terminal import echo_as_it_is


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


@config.command(cls=Command)
@click.argument("source", type=PATH, metavar="RUN|BUNDLE|BENCH.json")
@click.option("--out", type=PATH, help="The settings file to write.  [default: print the settings]")
@overwrite_option
def show(*, source: Path, out: Path | None, overwrite: bool) -> None:
    """Print what something was made with, as a settings file.

    A RUN or a BUNDLE keeps its settings in settings.toml. BENCH.json is the JSON report of a bench. With
    --config, the same command then repeats it. Outputs, such as --html, are left out of a bench's settings.

    \b
    Examples:
      hemotk config show runs/first
      hemotk config show bench.json --out bench.toml
      hemotk bench --config bench.toml --json again.json
    """
    from hemotk.cli.kept_settings import kept_settings
    from hemotk.files import write_bytes

    text = kept_settings(source)
    if out is None:
        echo_as_it_is(text)
        return
    write_bytes(out, text.encode(), overwrite=overwrite)
    click.echo(f"wrote {out}")
