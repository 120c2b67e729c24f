"""`hemotk verify`."""

from pathlib import Path

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, bundle_or_newest, json_option, overwrite_option
from hemotk.cli.standard_output import may_print
from hemotk.errors import CheckFailed
from hemotk.files import printable, refuse_existing, write_bytes


@click.command(cls=Command)
@click.argument("bundle", required=False, type=PATH)
@click.option("--against", type=PATH, required=True, metavar="FILE", help="The JSON file that your app wrote.")
@json_option
@overwrite_option
@may_print("json_file")
def verify(*, bundle: Path | None, against: Path, json_file: Path | None, overwrite: bool) -> int:
    """Say which step of an app of yours differs from a bundle.

    Your app takes the golden pictures of BUNDLE and writes FILE: for each picture its gray bytes, pixels, tensor,
    logit, probability and verdict, or some of them. Each step is held against what your own values before it should
    give. Then the usual mistakes are tried: order of channels, weights of gray, padding, resize, scale, output,
    temperature, threshold, swapped labels. One is named if it explains the values of every picture, else 'unknown'.

    BUNDLE is a bundle folder. The default is the newest bundle under bundles/. docs/embedding.md describes FILE.

    The exit code is 0 if every step that is given agrees, 1 if one differs, and 2 on bad input.

    \b
    Examples:
      hemotk verify --against outputs.json
      hemotk verify bundles/first --against outputs.json --json verified.json
    """
    from hemotk.api.apps import verify as verified

    if json_file is not None:
        refuse_existing(json_file, overwrite)
    found = verified(bundle_or_newest(bundle), against)
    for line in found.lines:
        click.echo(printable(line))
    if json_file is not None:
        write_bytes(json_file, found.to_json().encode(), overwrite=overwrite)
        click.echo(printable(f"wrote {json_file}"))
    return 0 if found.agrees else CheckFailed.exit_code
