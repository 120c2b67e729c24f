"""`hemotk prune --sweep`."""

from typing import TYPE_CHECKING

import click

from hemotk.errors import HemotkError
from hemotk.render.columns import columns

if TYPE_CHECKING:
    from hemotk.api.sweeps import Sweep


def shares(text: str) -> tuple[float, ...]:
    """The budgets in `text`, such as '0.5,0.25'; 'none' is no budget at all.

    Raises:
        HemotkError: it is no list of numbers.
    """
    if text.strip() == "none":
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise HemotkError(f"--budgets {text}: is no list of numbers; write it as 0.5,0.25.") from error


def names(text: str) -> tuple[str, ...]:
    """The architectures in `text`, such as 'resnet50,densenet121'."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def say(made: "Sweep") -> None:
    """Print what came of a sweep, and the next step."""
    from hemotk.api.sweeps import HEADINGS

    for line in columns([HEADINGS, *made.rows]):
        click.echo(line)
    for name, why in made.report.left_out.items():
        click.echo(f"{name} is left out: {why}")
    seconds, images = made.report.seconds, made.report.images
    click.echo(f"wrote {made.folder} after {seconds:.0f} s, all figures on {images} validation images")
    click.echo(made.report.why)
    if made.chosen is not None:
        click.echo(f"Score it on the test part once: hemotk bench {made.unpruned} {made.chosen}")
