"""What commands that read an image folder share: who the patients are, and how the folder was understood."""

from typing import TYPE_CHECKING

import click

from hemotk.cli.options import Decorator

if TYPE_CHECKING:
    from hemotk.artifacts import SplitManifest
    from hemotk.data.scan.found import FoundFolder

# Passed on as `patient`, None where nothing is said.
patient_option: Decorator = click.option(
    "--patient",
    metavar="COLUMN|folder|file-name|study",
    help="What tells the patients apart: a column of the table, the folders, the part of the file name before the last "
    "number, or the DICOM study.",
)


def say_reading(found: "FoundFolder", split: "SplitManifest | None" = None) -> None:
    """Print how the folder was understood and what was left out; with `split`, what was seen after that."""
    lines = found.lines()
    for line in lines if split is None else (split.reading or ())[len(lines) :]:
        click.echo(line)
