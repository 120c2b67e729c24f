"""`--normalization`, `--output` and `--positive-class`: how a .tflite that hemotk did not export is fed and read."""

from collections.abc import Callable
from typing import Any

import click

from hemotk.errors import FieldError


def check_normalization(_context: click.Context, _parameter: click.Parameter, said: str | None) -> str | None:
    """The value of `--normalization` if it can be understood."""
    from hemotk.artifacts.normalizations import byte_affine

    try:
        if said is not None:
            byte_affine(said)
    except FieldError as error:
        raise click.BadParameter(f"'{said}' must be {error.must}") from error
    return said


def foreign_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The three options, passed on as `normalization`, `output` and `positive_class`."""
    options = (
        click.option(
            "--normalization",
            callback=check_normalization,
            metavar="torch|tf|unit|raw|MEAN/STD",
            help="For a .tflite from elsewhere: what training did to pixels of 0 to 255 before the model. Needed if "
            "the file does not say it.",
        ),
        click.option(
            "--output",
            type=click.IntRange(min=0),
            metavar="K",
            help="For a .tflite from elsewhere: which class score is hemorrhage, counted from 0.  "
            "[default: the only one, or the second of two]",
        ),
        click.option(
            "--positive-class",
            type=click.Choice(["0", "1"]),
            default="1",
            show_default=True,
            help="For a .tflite from elsewhere: the label of hemorrhage in training.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function
