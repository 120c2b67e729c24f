"""`hemotk train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from hemotk.artifacts.cv import CV_FILE
from hemotk.cli.classes import classes_option, given_classes, two_classes
from hemotk.cli.folder import patient_option, say_reading
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, arch_option, overwrite_option, says_finished
from hemotk.cli.window import hu_offset_option, window_option
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing
from hemotk.progress import remark
from hemotk.render.columns import columns

if TYPE_CHECKING:
    from hemotk.api.data import Split
    from hemotk.api.runs import CrossValidation
    from hemotk.store.run import StoredRun
    from hemotk.training.cluster import StrategyName


@click.command(cls=Command)
@click.argument("source", type=PATH, metavar="FOLDER|split.json")
@arch_option("The network")
@click.option(
    "--weights",
    default="none",
    show_default=True,
    help="Weights to start from: none, imagenet, a weight file or a run folder.",
)
@click.option(
    "--recipe",
    type=click.Choice(["hemotk", "paper"]),
    default="hemotk",
    show_default=True,
    help="Settings to start from: hemotk's, or those of the 2021 paper.",
)
@click.option("--size", type=int, help="Width and height of the network's picture, in pixels.  [default: 224]")
@window_option
@click.option(
    "--epochs",
    type=int,
    help="Passes over the training part in which the whole network learns.  [default: 100]",
)
@click.option(
    "--head-epochs",
    type=int,
    help="Epochs at the start in which only the head learns.  [default: 20 with given weights, else 0]",
)
@click.option(
    "--head-views",
    type=int,
    help="Augmented views of each picture in the head epochs. Meanwhile their features take disk space beside the "
    "output: 4 bytes × features × pictures × views (densenet201: 1920 features).  [default: 8]",
)
@click.option("--batch", type=int, help="Pictures per training step.  [default: 16]")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Number format while the network learns. bfloat16 is faster if the processor supports it.  [default: float32]",
)
@click.option(
    "--learning-rate",
    type=float,
    help="Highest learning rate of the whole network. In the head epochs it is 0.001.  [default: 0.001, with given "
    "weights 0.0001]",
)
@click.option(
    "--rate-decay",
    type=float,
    metavar="SHARE",
    help="Multiply the learning rate by SHARE from each dense block to the one before it. 0 freezes all but the last "
    "block and the head.  [default: 1]",
)
@click.option(
    "--appearance",
    type=click.Choice(["none", "scanners"]),
    help="Change how training pictures look, as scanners, windows, screens and file formats do: gamma, noise, blur, "
    "resolution, JPEG, black squares.  [default: none]",
)
@click.option(
    "--draw",
    type=click.Choice(["each", "balanced"]),
    help="How an epoch's pictures are drawn: each once, or evenly from both classes of each merged set.  "
    "[default: each]",
)
@click.option(
    "--label-smoothing",
    type=float,
    metavar="SHARE",
    help="Teach SHARE / 2 and 1 - SHARE / 2 in place of 0 and 1, where some labels may be wrong.  [default: 0]",
)
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.  [default: 0]")
@click.option(
    "--threshold",
    metavar="P|youden",
    help="Decision threshold: the probability from which a hemorrhage is called. youden chooses it on the validation "
    "part.  [default: 0.5]",
)
@click.option(
    "--min-sensitivity",
    type=float,
    metavar="SHARE",
    help="Choose the decision threshold on the validation part: greatest specificity with at least this sensitivity.",
)
@click.option("--calibrate", is_flag=True, help="Fit a temperature for the probabilities on the validation part.")
@click.option(
    "--folds",
    type=int,
    metavar="K",
    help="Cross-validate: train K networks. Each is tested on another fold of whole groups.",
)
@click.option(
    "--strategy",
    type=click.Choice(["none", "mirrored", "multiworker"]),
    default="none",
    show_default=True,
    help="Share each batch among several devices: all GPUs of this machine (mirrored), or all machines in TF_CONFIG "
    "(multiworker).",
)
@click.option("--out", type=PATH, help="The run folder to write.  [default: runs/ARCH, with --folds runs/ARCH-cv]")
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option("--resume", is_flag=True, help="Continue an unfinished training of the same output.")
@classes_option
@patient_option
@hu_offset_option
@overwrite_option
def train(
    *,
    source: Path,
    recipe: str,
    threshold: str | None,
    min_sensitivity: float | None,
    calibrate: bool,
    folds: int | None,
    strategy: "StrategyName",
    out: Path | None,
    data_folder: Path | None,
    resume: bool,
    classes: str,
    patient: str | None,
    hu_offset: int | None,
    overwrite: bool,
    **settings: Any,
) -> None:
    """Train a classifier and write a run folder.

    A FOLDER of images is split first: 20 % test, 20 % of the rest validation, seed 0. You may kill the training at any
    moment. --resume continues from the last whole epoch.

    RECIPE. The default recipe is that of the 2021 paper with a decaying learning rate, shifts and contrast changes,
    class weights and faster BatchNorm averages. --recipe paper is the paper's recipe alone.

    WEIGHTS. With --weights, the network has a new head. First the head learns alone, while the rest of the network is
    frozen. The features of a few augmented views of each picture are computed once, so these epochs take a moment.
    --epochs 0 stops after them. --recipe paper has no head epochs unless you ask for them. Weights of a run are refused
    if that run, or a run that it comes from, learned from images that the new run would be judged on.

    THRESHOLD. A probability of 0.5 or more is called a hemorrhage unless you ask for another threshold. With few
    validation images, a threshold that is chosen on them is uncertain. The run's notes say what it reached there,
    with intervals. `hemotk predict --series` needs a threshold of its own. It is chosen on the series of the
    validation part. This needs series of several slices, of at least 5 patients with and 5 without hemorrhage.

    FOLDS. With --folds, every image is tested once, by a network that was trained without its group (patient, or
    copies). The output folder holds a run for each fold, and all tests together: cv.md, cv.png and cv.json. The source
    may then also be a folder of `hemotk data split --folds K`, or the splits/ of an earlier cross-validation.

    SEVERAL DEVICES. With --strategy, several devices share the work. The batch stays --batch pictures in all. The
    result is that of one device, except for rounding. For multiworker, start the same command on every machine, with a
    split file and images that each machine can read. Set TF_CONFIG as TensorFlow wants it, with another index on each
    machine, such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}. Worker 0 (or
    the chief) writes the run. The others do not need its folder, even with --resume. If one machine is lost, the others
    end. Then start all again with --resume.

    \b
    Examples:
      hemotk train split.json --out runs/first
      hemotk train head_ct --arch densenet201 --recipe paper --weights imagenet
      hemotk train split.json --weights runs/first --epochs 30 --out runs/second
      hemotk train split.json --arch cnn --size 128 --out runs/cnn --resume
      hemotk train split.json --min-sensitivity 0.95 --calibrate
      hemotk train head_ct --folds 5 --out runs/head_ct-cv
    """
    from hemotk.api import runs

    operating = runs.operating_point(_threshold(threshold), min_sensitivity, calibrate)
    config = runs.configured(recipe, operating, settings)
    if folds is not None:
        if strategy != "none":
            raise HemotkError(
                f"--strategy {strategy} and --folds {folds}: do not go together; train each fold's split file alone."
            )
        out = runs.RUNS / f"{config.arch}-cv" if out is None else out
        if resume and not overwrite and says_finished(out, "trains", CV_FILE):
            return
        refuse_existing(out, overwrite)
        splits = folds_of(source, classes, folds, patient, hu_offset)
        _say_folds(
            runs.cross_validate_on(
                splits, config, out, data=data_folder, resume=resume, overwrite=overwrite, progress=True
            )
        )
        return
    out = runs.RUNS / config.arch if out is None else out
    from hemotk.store.finished import refuse_finished

    if resume and not overwrite and says_finished(out, "trains"):
        return
    if writes(strategy, source):
        refuse_finished(out, overwrite)
    split = split_of(source, classes, patient, hu_offset, resumed=out if resume else None)
    run = runs.train_on(split, config, out, data=data_folder, resume=resume, overwrite=overwrite, strategy=strategy)
    if run is None:
        click.echo("done; the chief writes the run")
        return
    for note in run.card.notes:
        click.echo(note)
    report(run)
    say_next("export", run.folder)


def _threshold(said: str | None) -> "float | Literal['youden'] | None":
    if said is None or said == "youden":
        return said  # type: ignore[return-value]
    try:
        return float(said)
    except ValueError as error:
        raise HemotkError(f"--threshold {said}: must be a number between 0 and 1, or youden.") from error


def writes(strategy: "StrategyName", source: Path) -> bool:
    """Whether this process is the one that writes the run.

    Raises:
        HemotkError: TF_CONFIG does not describe the workers, or they would not all train on the same split.
    """
    from hemotk.training.cluster import read_cluster

    if strategy != "multiworker":
        return True
    cluster = read_cluster()
    if source.is_dir():
        raise HemotkError(
            f"{source}: is a folder, of which each worker would make a split of its own; make one for all with "
            "`hemotk data split`."
        )
    remark(f"worker {cluster.rank} of {len(cluster.workers)}: waits for the others")
    return cluster.chief


def _say_folds(made: "CrossValidation") -> None:
    from hemotk.training.cv_report import notes, slice_levels, table

    for line in columns(table(made.report)):
        click.echo(line)
    click.echo(notes(made.report))
    for line in slice_levels(made.report):
        click.echo(line)
    click.echo(f"wrote {made.folder} after {made.report.seconds:.0f} s")


def folds_of(
    source: Path, classes: str, folds: int, patient: str | None = None, hu_offset: int | None = None
) -> "tuple[Split, ...]":
    """The folds in the folder `source`, or new ones of the images in it, or of all images of the split file `source`.

    Raises:
        HemotkError: images that cannot be divided into so many folds; a split with other classes than were asked for.
    """
    from hemotk.api import data
    from hemotk.api.runs import check_classes

    pair = two_classes(classes)
    made = data.folds(source, folds, classes=pair, patient=patient, hu_offset=hu_offset, say=say_reading)
    check_classes(made[0].manifest, given_classes(classes), source)
    return made


def split_of(
    source: Path,
    classes: str,
    patient: str | None = None,
    hu_offset: int | None = None,
    resumed: Path | None = None,
) -> "Split":
    """The split in the file `source`, or a new one of the folder `source`, which is said how it was understood.

    `resumed` is the output of an unfinished training, whose split is taken where it is of the same folder.

    Raises:
        HemotkError: a file that is no split or has other classes than were asked for, or images that cannot be split.
    """
    from hemotk.api.runs import split_to_train_on

    found = split_to_train_on(
        source, classes=given_classes(classes), patient=patient, hu_offset=hu_offset, resumed=resumed, say=say_reading
    )
    if found.found is not None:
        say_reading(found.found, found.manifest)
    return found


def report(run: "StoredRun") -> None:
    """Print a finished run's metrics, what their intervals leave out, and where it lies."""
    from hemotk.describe.facts import part_facts
    from hemotk.describe.metric_tables import dependent
    from hemotk.render.numbers import with_interval
    from hemotk.stats.slice_level import beside

    card = run.card
    for part, metrics in card.metrics.items():
        click.echo(
            f"{part:10} accuracy {with_interval(metrics.accuracy)}  AUC {with_interval(metrics.auc)}  n {metrics.count}"
        )
        click.echo(
            f"{'':10} sensitivity {with_interval(metrics.sensitivity)}  "
            f"specificity {with_interval(metrics.specificity)}"
        )
    click.echo(f"{'loss':10} {', '.join(f'{part} {metrics.loss:.4f}' for part, metrics in card.metrics.items())}")
    for line in dependent(card.metrics, part_facts(run.split)):
        click.echo(line)
    for line in beside(card.slice_level or {}):
        click.echo(line)
    click.echo(f"decision   threshold {card.threshold:.6g}, temperature {card.temperature:.6g}")
    if card.study is not None:
        click.echo(f"series     mean of the {card.study.k} highest slices, threshold {card.study.threshold:.6g}")
    click.echo(f"wrote {run.folder} after {card.seconds:.0f} s")
