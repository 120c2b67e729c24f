"""`hemotk info`."""

from pathlib import Path

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, bundle_or_newest, run_or_newest
from hemotk.cli.terminal import echo_as_it_is
from hemotk.errors import HemotkError


@click.command(cls=Command)
@click.argument("path", required=False, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def info(path: Path | None, as_json: bool) -> None:
    """Say what a file or folder of hemotk is.

    PATH is a run, bundle, split, test set, cross-validation, bench report or .tflite model. The default is the newest
    bundle, else the newest run. Every file is compared with the checksum that was recorded for it. If a file is missing
    or was changed, the exit code is 2.

    \b
    Examples:
      hemotk info
      hemotk info runs/first
      hemotk info split.json --json
      hemotk info bundles/first/model_int8.tflite
    """
    from hemotk.api.describing import info as describe

    found = describe(_newest() if path is None else path)
    if as_json:
        echo_as_it_is(found.to_json())
    else:
        click.echo("\n".join(found.lines))
    found.check()


def _newest() -> Path:
    for choose in (bundle_or_newest, run_or_newest):
        try:
            return choose(None)
        except HemotkError:
            continue
    raise HemotkError("info: no finished bundle under bundles/ or run under runs/; name a path.")
