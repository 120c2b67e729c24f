"""`hemotk plan`."""

from pathlib import Path

import click

from hemotk.cli.classes import classes_option, two_classes
from hemotk.cli.folder import patient_option
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, arch_option, json_option, overwrite_option
from hemotk.cli.standard_output import may_print
from hemotk.cli.window import hu_offset_option


@click.command(cls=Command)
@click.argument("source", type=PATH, metavar="FOLDER|split.json")
@click.option(
    "--accuracy", type=float, default=0.9, show_default=True, help="Share of slices that the classifier gets right."
)
@click.option(
    "--correlation",
    type=float,
    default=0.15,
    show_default=True,
    help="How much the slices of one patient are right or wrong together: 0 not at all, near 1 wholly.",
)
@click.option(
    "--target", type=float, default=0.05, show_default=True, help="Half width of a 95 % interval that you wish for."
)
@arch_option("The network to time")
@click.option(
    "--size", type=click.IntRange(16, 1024), default=224, show_default=True, help="Side of its picture, in pixels."
)
@click.option("--epochs", type=click.IntRange(1), default=100, show_default=True, help="Epochs of the training.")
@click.option("--batch", type=click.IntRange(2), default=16, show_default=True, help="Pictures per training step.")
@click.option("--no-timing", is_flag=True, help="Do not time training steps. Then TensorFlow is not needed.")
@json_option
@classes_option
@patient_option
@hu_offset_option
@overwrite_option
@may_print("json_file")
def plan(
    *,
    source: Path,
    accuracy: float,
    correlation: float,
    target: float,
    arch: str,
    size: int,
    epochs: int,
    batch: int,
    no_timing: bool,
    json_file: Path | None,
    classes: str,
    patient: str | None,
    hu_offset: int | None,
    overwrite: bool,
) -> None:
    """Say what these images can prove, before you train.

    A FOLDER is audited and split as `hemotk train` would split it. Nothing of that is written.

    The command assumes a classifier and simulates its test: how wide will the intervals be that a report gives, and how
    many patients would it take for the width that you wish? It also says how long a training takes on this machine. For
    that, it takes a few steps on noise.

    The slices of one patient are not independent. --correlation says how much they go together. Two classifiers had
    0.10 and 0.14 over the 41 patients of another hospital, and 0.07 to 0.24 within one class.

    \b
    Examples:
      hemotk plan head_ct
      hemotk plan split.json --accuracy 0.95 --target 0.03 --no-timing
      hemotk plan head_ct --arch densenet121 --size 160 --epochs 40
    """
    from hemotk.api.planning import plan as make_plan
    from hemotk.files import refuse_existing

    if json_file is not None:
        refuse_existing(json_file, overwrite)
    made = make_plan(
        source,
        accuracy=accuracy,
        correlation=correlation,
        target=target,
        arch=arch,
        size=size,
        epochs=epochs,
        batch=batch,
        timing=not no_timing,
        classes=two_classes(classes),
        patient=patient,
        hu_offset=hu_offset,
    )
    for line in made.lines:
        click.echo(line)
    if json_file is not None:
        made.found.write(json_file, overwrite=overwrite)
        click.echo(f"wrote {json_file}")
    say_next(*(("data", "split") if source.is_dir() else ("train",)), source)
