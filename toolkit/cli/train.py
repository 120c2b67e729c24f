"""`hemotk train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hemotk.artifacts import FieldError
from hemotk.cli.classes import check_same_classes, classes_option, two_classes
from hemotk.cli.data import keep_images
from hemotk.cli.folder import patient_option, say_reading
from hemotk.cli.options import PATH, RUNS, overwrite_option
from hemotk.cli.window import hu_offset_option, window_option
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing
from hemotk.progress import bars
from hemotk.render.columns import columns

if TYPE_CHECKING:
    from hemotk.artifacts import Estimate, RunCard, SplitManifest
    from hemotk.training.cluster import StrategyName
    from hemotk.training.config import TrainConfig
    from hemotk.training.operating_point import OperatingConfig


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
@window_option
@click.option(
    "--epochs",
    type=int,
    help="Passes over the training part, in which the whole network learns.  [default: 100]",
)
@click.option(
    "--head-epochs",
    type=int,
    help="Epochs before these, in which the head alone learns; 0: none.  [default: 20 with given weights, without 0]",
)
@click.option(
    "--head-views",
    type=int,
    help="Augmented views of each picture for the head. While it learns, their features take 4 bytes × features × "
    "pictures × views of disk beside the output (densenet201: 1920 features).  [default: 8]",
)
@click.option("--batch", type=int, help="Pictures per step.  [default: 16]")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="What the network is computed in while it learns; bfloat16 is faster where the processor has it.  "
    "[default: float32]",
)
@click.option(
    "--learning-rate",
    type=float,
    help="Highest rate of the whole network; its head alone has 0.001.  [default: 0.001, with given weights 0.0001]",
)
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.  [default: 0]")
@click.option(
    "--threshold",
    metavar="P|youden",
    help="Probability from which a hemorrhage is called, or youden: chosen on the validation part.  [default: 0.5]",
)
@click.option(
    "--min-sensitivity",
    type=float,
    metavar="SHARE",
    help="Choose the threshold on the validation part: the greatest specificity with at least this sensitivity.",
)
@click.option("--calibrate", is_flag=True, help="Fit a temperature for the probabilities on the validation part.")
@click.option(
    "--folds",
    type=int,
    metavar="K",
    help="Cross-validate: train K networks, each tested on another fold of whole groups.",
)
@click.option(
    "--strategy",
    type=click.Choice(["none", "mirrored", "multiworker"]),
    default="none",
    show_default=True,
    help="Share each batch among all GPUs of this machine (mirrored), or of all machines in TF_CONFIG (multiworker).",
)
@click.option("--out", type=PATH, help="The run folder to write.  [default: runs/ARCH, with --folds runs/ARCH-cv]")
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished training of the same output.")
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

    Given a FOLDER of images, it is split first (20 % test, 20 % of the rest validation, seed 0). The default recipe
    is the 2021 paper's with a decaying learning rate, shifts and contrast changes, class weights and faster BatchNorm
    averages; --recipe paper is the paper's alone. Kill it at any moment: --resume goes on from the last whole epoch.

    With --weights the head is new: it first learns alone, while the rest of the network is frozen. What the rest says
    of a few augmented views of each picture is computed once, so its epochs take a moment. --epochs 0 leaves it at
    that. --recipe paper has no such phase unless you ask for it. Weights of a run that learned, itself or in the runs
    that it comes from, from what the new one would be judged on are refused.

    A probability of 0.5 or more is called a hemorrhage unless you ask for another threshold. With few validation images
    a threshold that is chosen on them is uncertain: the run's notes say what it reached there, with intervals. Where
    the validation part has series of several slices, of 5 patients or more with and 5 without hemorrhage, what
    `hemotk predict --study` goes by is chosen on them.

    With --folds every image is tested once, by a network that was trained without its group (patient, or copies). The
    folder that is written holds a run per fold and all their tests together: cv.md, cv.png and cv.json. The source may
    then also be a folder of `hemotk data split --folds K`, or the splits/ of an earlier cross-validation.

    With --strategy several devices share the work: the batch stays --batch pictures in all, and the result is that of
    one device but for rounding. For multiworker start the same command on every machine, with a split file and images
    that each can read, and TF_CONFIG as TensorFlow wants it, such as {"cluster": {"worker": ["a:2222", "b:2222"]},
    "task": {"type": "worker", "index": 0}} with another index on each. Worker 0 (or the chief) writes the run; the
    others need nothing of its folder, also to --resume. If one is lost, the others end: start all again with --resume.

    \b
    Examples:
      hemotk train split.json --out runs/first
      hemotk train head_ct --arch densenet201 --recipe paper --weights imagenet
      hemotk train split.json --weights runs/first --epochs 30 --out runs/second
      hemotk train split.json --arch cnn --size 128 --epochs 40 --out runs/cnn --resume
      hemotk train split.json --min-sensitivity 0.95 --calibrate
      hemotk train head_ct --folds 5 --out runs/head_ct-cv
    """
    from hemotk.training.config import from_recipe

    operating = operating_config(threshold, min_sensitivity, calibrate)
    config = from_recipe(recipe, operating=operating, **settings)
    if folds is not None:
        if strategy != "none":
            raise HemotkError(
                f"--strategy {strategy}: is not offered with --folds; train each fold's split file alone."
            )
        out = RUNS / f"{config.arch}-cv" if out is None else out
        refuse_existing(out, overwrite)
        splits = folds_of(source, classes, folds, patient, hu_offset)
        keep_images(out, splits[0].root(data_folder), splits[0])
        _cross_validate(config, splits, out, data=data_folder, resume=resume, overwrite=overwrite)
        return
    out = RUNS / config.arch if out is None else out
    if writes(strategy, source):
        from hemotk.store.finished import refuse_finished

        refuse_finished(out, overwrite)
    split = split_to_train_on(source, classes, out, resume=resume, patient=patient, hu_offset=hu_offset)
    keep_images(out, split.root(data_folder), split)

    from hemotk.quiet import import_tensorflow

    import_tensorflow(first_tensor=strategy != "multiworker")
    from hemotk.training.listener import Telling
    from hemotk.training.loop import TrainJob, train
    from hemotk.training.strategy import make_replicas

    job = TrainJob(split, out, data_folder, resume, overwrite, replicas=make_replicas(strategy))
    with bars() as tell:
        card = train(job, config, Telling(tell, "training", config.all_epochs))
    if not job.replicas.chief:
        click.echo("done; the chief writes the run")
        return
    for note in card.notes:
        click.echo(note)
    report(card, out)


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
    click.echo(f"worker {cluster.rank} of {len(cluster.workers)}: waits for the others", err=True)
    return cluster.chief


def _cross_validate(config: "TrainConfig", splits: "tuple[SplitManifest, ...]", out: Path, **options: Any) -> None:
    from hemotk.quiet import import_tensorflow

    import_tensorflow()
    from hemotk.training.cv_report import notes, slice_levels, table
    from hemotk.training.folds import FoldsJob, cross_validate
    from hemotk.training.listener import Telling

    with bars() as tell:
        listener = Telling(tell, "training", config.all_epochs * len(splits))
        found = cross_validate(FoldsJob(splits, out, **options), config, listener)
    for line in columns(table(found)):
        click.echo(line)
    click.echo(notes(found))
    for line in slice_levels(found):
        click.echo(line)
    click.echo(f"wrote {out} after {found.seconds:.0f} s")


def folds_of(
    source: Path, classes: str, folds: int, patient: str | None = None, hu_offset: int | None = None
) -> "tuple[SplitManifest, ...]":
    """The folds in the folder `source`, or new ones of the images in it, or of all images of the split file `source`.

    Raises:
        HemotkError: images that cannot be divided into so many folds; a split with other classes than were asked for.
    """
    from hemotk.artifacts import SplitManifest
    from hemotk.data.scan.folder import scan
    from hemotk.data.split.folds import make_folds, read_folds, refold
    from hemotk.data.split.make import SplitConfig

    if (source / "fold1.json").is_file():
        made = read_folds(source)
        if len(made) != folds:
            raise HemotkError(f"--folds {folds}: {source} holds {len(made)} folds; give --folds {len(made)}.")
        check_same_classes(classes, made[0], source)
        return made
    if source.is_dir():
        found = scan(source, two_classes(classes), patient=patient, hu_offset=hu_offset)
        say_reading(found)
        with bars() as progress:
            return make_folds(found, SplitConfig(), folds, progress)
    split = SplitManifest.read(source)
    check_same_classes(classes, split, source)
    return refold(split, folds)


def operating_config(threshold: str | None, min_sensitivity: float | None, calibrate: bool) -> "OperatingConfig":
    """What the options ask for.

    Raises:
        HemotkError: both a threshold and a least sensitivity, or a value that cannot be.
    """
    from hemotk.training.operating_point import OperatingConfig

    if threshold is not None and min_sensitivity is not None:
        raise HemotkError("--min-sensitivity: chooses the threshold, which --threshold gives; leave one of both out.")
    try:
        if min_sensitivity is not None:
            return OperatingConfig("sensitivity", min_sensitivity=min_sensitivity, calibrate=calibrate)
        if threshold == "youden":
            return OperatingConfig("youden", calibrate=calibrate)
        return OperatingConfig("fixed", 0.5 if threshold is None else float(threshold), calibrate=calibrate)
    except FieldError as error:
        option = "--threshold" if min_sensitivity is None else "--min-sensitivity"
        raise HemotkError(f"{option}: {error}; choose another.") from error
    except ValueError as error:
        raise HemotkError(f"--threshold {threshold}: must be a number between 0 and 1, or youden.") from error


def split_to_train_on(
    source: Path, classes: str, out: Path, *, resume: bool, patient: str | None = None, hu_offset: int | None = None
) -> "SplitManifest":
    """The split to train on: that of an unfinished training of the same folder, if one is to be resumed.

    Raises:
        HemotkError: as `split_of`, or that training tells other classes.
    """
    from hemotk.artifacts import SplitManifest
    from hemotk.store.unfinished import kept_split

    kept = kept_split(out) if resume and source.is_dir() else None
    if kept is not None and (split := SplitManifest.read(kept)).root() == source.resolve():
        if split.classes != two_classes(classes):
            raise HemotkError(
                f"--classes {classes}: {kept.parent} was begun with {','.join(split.classes)}; resume with the same, "
                "or remove that folder and start again."
            )
        return split
    return split_of(source, classes, patient, hu_offset)


def split_of(source: Path, classes: str, patient: str | None = None, hu_offset: int | None = None) -> "SplitManifest":
    """The split in the file `source`, or a new one of the folder `source`.

    Raises:
        HemotkError: a file that is no split or has other classes than were asked for, or images that cannot be split.
    """
    from hemotk.artifacts import SplitManifest
    from hemotk.data.scan.folder import scan
    from hemotk.data.split.make import SplitConfig, make_split

    if source.is_dir():
        found = scan(source, two_classes(classes), patient=patient, hu_offset=hu_offset)
        say_reading(found)
        with bars() as progress:
            split = make_split(found, SplitConfig(), progress)
        say_reading(found, split)
        return split
    split = SplitManifest.read(source)
    check_same_classes(classes, split, source)
    return split


def report(card: "RunCard", out: Path) -> None:
    """Print a finished run's metrics, what their intervals leave out, and where it lies.

    Raises:
        HemotkError: the run's split cannot be read.
    """
    from hemotk.artifacts import SPLIT_FILE, SplitManifest
    from hemotk.describe.facts import part_facts
    from hemotk.describe.text import dependent
    from hemotk.stats.slice_level import beside

    for part, metrics in card.metrics.items():
        click.echo(
            f"{part:10} accuracy {_interval(metrics.accuracy)}  AUC {_interval(metrics.auc)}  "
            f"loss {metrics.loss:.4f}  n {metrics.count}"
        )
    for line in dependent(card.metrics, part_facts(SplitManifest.read(out / SPLIT_FILE))):
        click.echo(line)
    for line in beside(card.slice_level or {}):
        click.echo(line)
    click.echo(f"decision   threshold {card.threshold:.6g}, temperature {card.temperature:.6g}")
    if card.study is not None:
        click.echo(f"series     mean of the {card.study.k} highest slices, threshold {card.study.threshold:.6g}")
    click.echo(f"wrote {out} after {card.seconds:.0f} s")


def _interval(estimate: "Estimate") -> str:
    if estimate.value is None:
        return f"unknown ({estimate.why})"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"
