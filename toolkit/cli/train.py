"""`hemotk train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hemotk.cli.data import classes_option, two_classes
from hemotk.cli.options import PATH, RUNS, Progress, overwrite_option
from hemotk.files import refuse_existing

if TYPE_CHECKING:
    from hemotk.artifacts import Estimate, RunCard, SplitManifest
    from hemotk.training.history import Epoch


@click.command()
@click.argument("source", type=PATH, metavar="FOLDER|split.json")
@click.option(
    "--arch",
    default="densenet201",
    show_default=True,
    help="densenet121, 169, 201, densenet-tiny, cnn, mobilenetv3small, efficientnetb0 or resnet50.",
)
@click.option("--weights", default="none", show_default=True, help="imagenet, none, a weight file or a run folder.")
@click.option(
    "--recipe",
    type=click.Choice(["hemotk", "paper"]),
    default="hemotk",
    show_default=True,
    help="Settings to begin with: ours, or the 2021 paper's.",
)
@click.option("--size", type=int, help="Width and height of the network's picture.  [default: 224]")
@click.option("--epochs", type=int, help="Passes over the training part.  [default: 100]")
@click.option("--batch", type=int, help="Pictures per step.  [default: 16]")
@click.option("--learning-rate", type=float, help="Highest rate.  [default: 0.001, with given weights 0.0001]")
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.  [default: 0]")
@click.option("--out", type=PATH, help="The run folder to write.  [default: runs/ARCH]")
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished training of the same output.")
@classes_option
@overwrite_option
def train(
    *,
    source: Path,
    recipe: str,
    out: Path | None,
    data_folder: Path | None,
    resume: bool,
    classes: str,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Train a classifier and write a run folder.

    Given a FOLDER of images, it is split first (20 % test, 20 % of the rest validation, seed 0). The default recipe
    is the 2021 paper's with a decaying learning rate, shifts and contrast changes, class weights and faster BatchNorm
    averages; --recipe paper is the paper's alone. Kill it at any moment: --resume goes on from the last whole epoch.

    \b
    Examples:
      hemotk train split.json --out runs/first
      hemotk train head_ct --arch densenet201 --recipe paper --weights imagenet
      hemotk train split.json --arch cnn --size 128 --epochs 40 --out runs/cnn --resume
    """
    from hemotk.training.config import from_recipe

    config = from_recipe(recipe, **settings)
    out = RUNS / config.arch if out is None else out
    refuse_existing(out, overwrite)
    split = split_of(source, classes)

    from hemotk.training.quiet import import_tensorflow

    import_tensorflow()
    from hemotk.training.loop import TrainJob, train

    job = TrainJob(split, out, data_folder, resume, overwrite)
    with Progress("training", config.epochs) as progress:
        card = train(job, config, shown(progress))
    report(card, out)


def split_of(source: Path, classes: str) -> "SplitManifest":
    """The split in the file `source`, or a new one of the folder `source`.

    Raises:
        HemotkError: a file that is no split, or images that cannot be split.
    """
    from hemotk.artifacts import SplitManifest
    from hemotk.data.scan import scan
    from hemotk.data.splits import SplitConfig, make_split

    if source.is_dir():
        return make_split(scan(source, two_classes(classes)), SplitConfig())
    return SplitManifest.read(source)


def shown(progress: Progress) -> Any:
    """A listener that moves the bar."""
    from hemotk.training.fit import Listener

    class Shown(Listener):
        """Moves the bar by parts of an epoch."""

        def doing(self, what: str) -> None:
            progress.advance(0, what)

        def resumed(self, epoch: int) -> None:
            progress.advance(epoch, f"resumed after epoch {epoch}")

        def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
            progress.advance(0, f"epoch {epoch} step {done}/{total} loss {loss:.3f} accuracy {accuracy:.3f}")

        def epoch(self, epoch: "Epoch") -> None:
            progress.advance(
                1,
                f"loss {epoch.loss:.3f} accuracy {epoch.accuracy:.3f} | validation loss {epoch.validation_loss:.3f} "
                f"accuracy {epoch.validation_accuracy:.3f}",
            )

    return Shown()


def report(card: "RunCard", out: Path) -> None:
    """Print a finished run's metrics and where it lies."""
    for part, metrics in card.metrics.items():
        click.echo(
            f"{part:10} accuracy {_interval(metrics.accuracy)}  AUC {_interval(metrics.auc)}  "
            f"loss {metrics.loss:.4f}  n {metrics.count}"
        )
    click.echo(f"wrote {out} after {card.seconds:.0f} s")


def _interval(estimate: "Estimate") -> str:
    if estimate.value is None:
        return f"unknown ({estimate.why})"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"
