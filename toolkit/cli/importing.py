"""`hemotk import`."""

from pathlib import Path
from typing import Literal

import click

from hemotk.cli.classes import classes_option
from hemotk.cli.foreign import check_normalization
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, overwrite_option
from hemotk.cli.train import report, split_of


@click.command("import", cls=Command)
@click.argument("model", type=PATH, metavar="MODEL")
@click.option(
    "--data", type=PATH, required=True, metavar="FOLDER|split.json", help="The images that the network is judged on."
)
@click.option("--out", type=PATH, help="The run folder to write.  [default: runs/MODEL]")
@click.option(
    "--normalization",
    callback=check_normalization,
    metavar="auto|torch|tf|unit|raw|xrv|MEAN/STD",
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
    "--head",
    type=click.Choice(["sigmoid", "softmax"]),
    help="For a file of PyTorch: what follows its outputs.  [default: as the file says, else a sigmoid behind one, "
    "a softmax behind two]",
)
@click.option(
    "--expect",
    type=PATH,
    metavar="SCORES.csv",
    help="Scores of pictures from the network's own pipeline: columns path, and logit or probability. The import "
    "must give the same.",
)
@click.option(
    "--expect-limit",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.02,
    show_default=True,
    help="The greatest difference in probability that --expect lets pass.",
)
@click.option(
    "--size",
    type=click.IntRange(16, 1024),
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
    head: Literal["sigmoid", "softmax"] | None,
    expect: Path | None,
    expect_limit: float,
    size: int | None,
    classes: str,
    overwrite: bool,
) -> None:
    """Import a classifier of Keras or PyTorch, and write a run folder.

    MODEL is a .keras or .h5 file or a SavedModel folder of Keras 2 or 3, or a file of PyTorch: .pt, .pth, .ckpt or
    .safetensors. What it is shows in its content. The file is read, and nothing in it is executed.

    Of Keras, it is a DenseNet of keras.applications, of any widths. Of PyTorch, it is one of torchvision, timm, MONAI
    or TorchXRayVision, or a ResNet, MobileNetV2 or MobileNetV3 of torchvision or timm, as a state dict, a whole module
    or a checkpoint of Lightning. It ends in a sigmoid, in a softmax over two classes, in the logits of either, or in
    several sigmoids. For several sigmoids, --output says which one is hemorrhage.

    \b
    Pixels must be normalized as in training, by layers of a Keras model or by
    --normalization, which a file of PyTorch always needs:
    - torch: as keras.applications.densenet.preprocess_input and torchvision
      do, with the means and deviations of ImageNet
    - unit: pixel / 255
    - raw: pixel, 0 to 255
    - tf: pixel / 127.5 - 1
    - xrv: -1024 to 1024, as TorchXRayVision does
    - MEAN/STD, such as 0.5/0.25, or three numbers each:
      (pixel / 255 - MEAN) / STD

    A file does not say how its pictures were resized and normalized. --expect is the check: give it the scores of some
    pictures from the network's own pipeline. Where they differ, no run is written, exit code 1 is returned, and the
    likely cause is named.

    If --data is a FOLDER of images, it is split as for a training.

    \b
    Examples:
      hemotk import densenet.keras --data split.json --out runs/theirs
      hemotk import model.pt --data head_ct --normalization torch
      hemotk import model.pt --data head_ct --expect scores.csv
      hemotk import chexnet.ckpt --data head_ct --normalization torch --output 5
      hemotk import saved_model --data head_ct --positive-class 0
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
        head=head,
        expect=expect,
        expect_limit=expect_limit,
        size=size,
        overwrite=overwrite,
    )
    report(run)
    for note in run.card.notes:
        click.echo(note)
    say_next("export", run.folder)
