"""`hemotk import`."""

from pathlib import Path

import click

from hemotk.cli.classes import classes_option
from hemotk.cli.foreign import check_normalization
from hemotk.cli.options import PATH, overwrite_option
from hemotk.cli.train import report, split_of


@click.command("import")
@click.argument("model", type=PATH, metavar="MODEL.keras|MODEL.h5|SAVEDMODEL")
@click.option(
    "--data", type=PATH, required=True, metavar="FOLDER|split.json", help="The images that the network is judged on."
)
@click.option("--out", type=PATH, help="The run folder to write.  [default: runs/MODEL]")
@click.option(
    "--normalization",
    callback=check_normalization,
    metavar="auto|torch|tf|unit|raw|MEAN/STD",
    default="auto",
    show_default=True,
    help="What training did to pixels of 0 to 255 before the model. auto: nothing, because layers of the model do it.",
)
@click.option(
    "--positive-class",
    type=click.Choice(["0", "1"]),
    default="1",
    show_default=True,
    help="The label of hemorrhage in training.",
)
@click.option(
    "--output",
    type=click.IntRange(min=0),
    metavar="K",
    help="For a model that ends in several sigmoids: which output is hemorrhage, counted from 0.",
)
@click.option(
    "--size",
    type=int,
    help="Width and height of the network's picture, in pixels.  [default: the model's own, else 224]",
)
@classes_option
@overwrite_option
def import_model(
    *,
    model: Path,
    data: Path,
    out: Path | None,
    normalization: str,
    positive_class: str,
    output: int | None,
    size: int | None,
    classes: str,
    overwrite: bool,
) -> None:
    """Import a Keras DenseNet classifier, and write a run folder.

    The model must be a DenseNet of keras.applications, of any widths, in a file of Keras 2 or 3. It ends in a sigmoid,
    in a softmax over two classes, in the logits of either, or in several sigmoids. For several sigmoids, --output says
    which one is hemorrhage. The file is read, and nothing in it is executed.

    \b
    Pixels must be normalized as in training, by layers of the model or by
    --normalization:
    - torch: as keras.applications.densenet.preprocess_input does
    - unit: pixel / 255
    - raw: pixel, 0 to 255
    - tf: pixel / 127.5 - 1
    - MEAN/STD, such as 0.5/0.25, or three numbers each:
      (pixel / 255 - MEAN) / STD

    If --data is a FOLDER of images, it is split as for a training.

    \b
    Examples:
      hemotk import densenet.keras --data split.json --out runs/theirs
      hemotk import model.h5 --data head_ct --normalization torch
      hemotk import saved_model --data head_ct --normalization unit --positive-class 0
      hemotk import subtypes.keras --data head_ct --output 5
    """
    from hemotk.api.runs import RUNS
    from hemotk.api.runs import import_model as import_run
    from hemotk.files import refuse_existing

    out = RUNS / model.stem if out is None else out
    refuse_existing(out, overwrite)
    run = import_run(
        model,
        split_of(data, classes),
        out=out,
        normalization=normalization,
        positive_class=int(positive_class),
        output=output,
        size=size,
        overwrite=overwrite,
    )
    report(run)
    for note in run.card.notes:
        click.echo(note)
