"""Runs: train them, take them in from elsewhere, prune them."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hemotk.api.common import CLASSES, PathLike, Progress, block, lines, maybe, table, telling
from hemotk.api.data import Groups, Split
from hemotk.api.data import folds as make_folds
from hemotk.api.data import split as make_split
from hemotk.artifacts import CvReport, SplitManifest
from hemotk.artifacts.pixels import Window
from hemotk.artifacts.stages import kind_of, not_wanted
from hemotk.data.scan.found import FoundFolder
from hemotk.environment import device
from hemotk.errors import FieldError, HemotkError
from hemotk.files import keep_out, refuse_existing
from hemotk.quiet import import_tensorflow
from hemotk.render.numbers import with_interval
from hemotk.store import run as store
from hemotk.store.finished import refuse_finished
from hemotk.store.unfinished import kept_split
from hemotk.training.cluster import StrategyName
from hemotk.training.config import APPEARANCES, TrainConfig, from_recipe
from hemotk.training.operating_point import OperatingConfig

RUNS = Path("runs")


@dataclass(frozen=True)
class Run(store.StoredRun):
    """A finished run folder: a network, what it was trained on, and what it reached."""

    def __repr__(self) -> str:
        return f"<hemotk.Run {self.folder}: {self.card.arch}>"

    def _repr_html_(self) -> str:
        headings = ("part", "images", "accuracy", "sensitivity", "specificity", "AUC")
        rows = [
            (
                part,
                str(metrics.count),
                *(with_interval(getattr(metrics, name)) for name in ("accuracy", "sensitivity", "specificity", "auc")),
            )
            for part, metrics in self.card.metrics.items()
        ]
        return block(f"Run {self.card.name} ({self.card.arch})", table(headings, rows), lines(self.card.notes))


def operating_point(
    threshold: float | Literal["youden"] | None, min_sensitivity: float | None, calibrate: bool
) -> OperatingConfig:
    """The choice of decision threshold and temperature.

    Raises:
        HemotkError: both a threshold and a least sensitivity, or a value that cannot be.
    """
    if threshold is not None and min_sensitivity is not None:
        raise HemotkError(
            f"‹threshold› {threshold} and ‹min_sensitivity› {min_sensitivity:g}: both say where the threshold is; "
            "leave one of both out."
        )
    try:
        if min_sensitivity is not None:
            return OperatingConfig("sensitivity", min_sensitivity=min_sensitivity, calibrate=calibrate)
        if threshold == "youden":
            return OperatingConfig("youden", calibrate=calibrate)
        return OperatingConfig("fixed", 0.5 if threshold is None else float(threshold), calibrate=calibrate)
    except FieldError as error:
        setting = "threshold" if min_sensitivity is None else "min_sensitivity"
        must = str(error).partition("must be ")[2]
        value = threshold if min_sensitivity is None else min_sensitivity
        raise HemotkError(f"‹{setting}› {value}: must be {must}; choose another.") from error
    except ValueError as error:
        raise HemotkError(f"‹threshold› {threshold}: must be a number between 0 and 1, or youden.") from error


def split_to_train_on(
    source: PathLike | Split,
    *,
    classes: tuple[str, str] | None = None,
    patient: str | None = None,
    hu_offset: int | None = None,
    resumed: Path | None = None,
    progress: Progress = True,
    say: Callable[[FoundFolder], None] = lambda found: None,
) -> Split:
    """The split that `source` is, or that is in the file `source`, or a new one of the folder `source`.

    `resumed` is the output of an unfinished training of the same folder, whose split is taken then.

    Raises:
        HemotkError: a file that is no split or has other classes than were asked for, or images that cannot be split.
    """
    if isinstance(source, Split):
        return source
    path = Path(source)
    kept = kept_split(resumed) if resumed is not None and path.is_dir() else None
    if kept is not None and (manifest := SplitManifest.read(kept)).root() == path.resolve():
        if manifest.classes != (classes or CLASSES):
            raise HemotkError(
                f"‹classes› {','.join(classes or CLASSES)}: {kept.parent} was begun with "
                f"{','.join(manifest.classes)}; resume with the same, or remove that folder and start again."
            )
        return Split(manifest, kept)
    if path.is_dir():
        return make_split(
            path, classes=classes or CLASSES, patient=patient, hu_offset=hu_offset, progress=progress, say=say
        )
    split = Split.open(path)
    check_classes(split.manifest, classes, path)
    return split


def check_classes(split: SplitManifest, classes: tuple[str, str] | None, source: Path) -> None:
    """Refuse `classes` that are not those of the split in `source`.

    Raises:
        HemotkError: they are others.
    """
    if classes is not None and classes != split.classes:
        raise HemotkError(
            f"‹classes› {','.join(classes)}: the classes of {source} are {','.join(split.classes)}; leave the option "
            "out, or split the folder anew with it."
        )


def train(
    source: PathLike | Split,
    *,
    out: PathLike | None = None,
    recipe: str = "hemotk",
    threshold: float | Literal["youden"] | None = None,
    min_sensitivity: float | None = None,
    calibrate: bool = False,
    data: PathLike | None = None,
    classes: tuple[str, str] | None = None,
    patient: str | None = None,
    hu_offset: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    strategy: StrategyName = "none",
    progress: Progress = True,
    **settings: Any,
) -> Run:
    """Train a classifier on a split, or on a folder of images, which is split first; write a run folder.

    `out` is the folder to write, by default runs/ARCH. `recipe` is 'hemotk' or 'paper'; `settings` are fields of
    `hemotk.training.config.TrainConfig`, such as arch='densenet201', size=224, epochs=100, weights='imagenet', seed=0.
    A probability from `threshold` on is called a hemorrhage: a number, 'youden', or, with `min_sensitivity`, the
    greatest specificity with at least that sensitivity, chosen on the validation part; with `calibrate` a temperature
    is fitted there. `data` is where the images of a split are now. With `resume` an unfinished training goes on.
    `strategy` shares each batch among all GPUs of this machine ('mirrored') or of several ('multiworker').

    Raises:
        HemotkError: images or settings that do not fit, or `out` exists and `overwrite` is false.
    """
    config = configured(recipe, operating_point(threshold, min_sensitivity, calibrate), settings)
    place = RUNS / config.arch if out is None else Path(out)
    refuse_finished(place, overwrite)
    opened = split_to_train_on(
        source,
        classes=classes,
        patient=patient,
        hu_offset=hu_offset,
        resumed=place if resume else None,
        progress=progress,
    )
    made = train_on(
        opened,
        config,
        place,
        data=maybe(data),
        resume=resume,
        overwrite=overwrite,
        strategy=strategy,
        progress=progress,
    )
    if made is None:
        raise HemotkError("‹strategy› multiworker: only the chief's process has the run; start `hemotk train` on each.")
    return made


def train_on(
    split: Split,
    config: TrainConfig,
    out: Path,
    *,
    data: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    strategy: StrategyName = "none",
    progress: Progress = True,
) -> Run | None:
    """Do as `train`, with split and settings that are there already; None in a worker that is not the chief."""
    keep_out(out, split.manifest.root(data), (item.path for item in split.manifest.items))
    with telling(progress) as tell:
        tell("loading TensorFlow", 0, 1)
        import_tensorflow(first_tensor=strategy != "multiworker")
        tell("loading TensorFlow", 1, 1, "" if strategy == "multiworker" else device())
    from hemotk.training.listener import TellingListener
    from hemotk.training.loop import TrainJob
    from hemotk.training.loop import train as run
    from hemotk.training.strategy import make_replicas

    job = TrainJob(split.manifest, out, data, resume, overwrite, replicas=make_replicas(strategy))
    with telling(progress) as tell:
        run(job, config, TellingListener(tell, "training", config.all_epochs))
    return Run.open(out) if job.replicas.chief else None


def configured(recipe: str, operating: OperatingConfig, settings: Mapping[str, Any]) -> TrainConfig:
    """The settings of a training.

    Raises:
        HemotkError: an unknown recipe or setting, or a value that cannot be.
    """
    known = {field.name for field in dataclasses.fields(TrainConfig)} - {"recipe", "operating"}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise HemotkError(f"{', '.join(unknown)}: no such setting of a training; choose of {', '.join(sorted(known))}.")
    given = dict(settings)
    if isinstance(given.get("window"), tuple):
        given["window"] = Window(*given["window"])
    if isinstance(look := given.get("appearance"), str):
        if look not in APPEARANCES:
            raise HemotkError(f"‹appearance› {look}: is unknown; choose one of {', '.join(APPEARANCES)}.")
        given["appearance"] = APPEARANCES[look]
    if given.get("weights") is not None:
        given["weights"] = str(given["weights"])
        if (found := kind_of(Path(given["weights"]))) not in ("", "run"):
            raise HemotkError(f"‹weights› {not_wanted(Path(given['weights']), found, 'run')}")
    return from_recipe(recipe, operating=operating, **given)


@dataclass(frozen=True)
class CrossValidation:
    """A finished cross-validation: a run for each fold, and all their tests together in `report`."""

    folder: Path
    report: CvReport

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, fold 1 first."""
        return tuple(Run.open(self.folder / f"fold-{number}") for number in range(1, len(self.report.folds) + 1))

    def __repr__(self) -> str:
        return f"<hemotk.CrossValidation {self.folder}: {len(self.report.folds)} folds>"

    def _repr_html_(self) -> str:
        from hemotk.training.cv_report import table as rows

        headings, *body = rows(self.report)
        return block("Cross-validation", table(headings, body))


def cross_validate(
    source: PathLike | Split,
    count: int = 5,
    *,
    out: PathLike | None = None,
    recipe: str = "hemotk",
    threshold: float | Literal["youden"] | None = None,
    min_sensitivity: float | None = None,
    calibrate: bool = False,
    data: PathLike | None = None,
    groups: Groups = "auto",
    classes: tuple[str, str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = True,
    **settings: Any,
) -> CrossValidation:
    """Train `count` networks, each tested on another fold of whole groups; the arguments are those of `train`.

    Raises:
        HemotkError: as `train` and `folds`.
    """
    config = configured(recipe, operating_point(threshold, min_sensitivity, calibrate), settings)
    place = RUNS / f"{config.arch}-cv" if out is None else Path(out)
    refuse_existing(place, overwrite)
    splits = make_folds(source, count, groups=groups, classes=classes or CLASSES, progress=progress)
    return cross_validate_on(
        splits, config, place, data=maybe(data), resume=resume, overwrite=overwrite, progress=progress
    )


def cross_validate_on(
    splits: tuple[Split, ...],
    config: TrainConfig,
    out: Path,
    *,
    data: Path | None,
    resume: bool,
    overwrite: bool,
    progress: Progress,
) -> CrossValidation:
    """Do as `cross_validate`, with folds and settings that are there already."""
    manifests = tuple(each.manifest for each in splits)
    keep_out(out, manifests[0].root(data), (item.path for item in manifests[0].items))
    import_tensorflow()
    from hemotk.training.folds import FoldsJob
    from hemotk.training.folds import cross_validate as run
    from hemotk.training.listener import TellingListener

    with telling(progress) as tell:
        listener = TellingListener(tell, "training", config.all_epochs * len(manifests))
        report = run(FoldsJob(manifests, out, data, resume, overwrite), config, listener)
    return CrossValidation(out, report)


def import_model(
    model: PathLike,
    data: PathLike | Split,
    *,
    out: PathLike | None = None,
    normalization: str = "auto",
    positive_class: int = 1,
    output: int | None = None,
    head: Literal["sigmoid", "softmax"] | None = None,
    size: int | None = None,
    expect: PathLike | None = None,
    expect_limit: float = 0.02,
    classes: tuple[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress = True,
) -> Run:
    """Take in a classifier that was trained elsewhere, judge it on `data`, and write a run folder.

    `model` is a .keras or .h5 file or a SavedModel of Keras, or a .pt, .pth, .ckpt or .safetensors file of PyTorch.
    `normalization` says what was done to pixels of 0 to 255 before the model: 'torch', 'tf', 'unit', 'raw', 'xrv',
    'MEAN/STD', or 'auto' where layers of a Keras model do it. `positive_class` is the number that hemorrhage had in
    training, `output` the number of the output that is hemorrhage, of several sigmoids, and `head` what follows the
    outputs in PyTorch. `expect` is a table of pictures and the scores that the network had in its own pipeline; a
    probability that differs by more than `expect_limit` ends the import.

    Raises:
        HemotkError: a model that cannot be read or is not supported, or `out` exists and `overwrite` is false.
        CheckFailed: the scores are not those of `expect`; the error says which cause is likely.
    """
    path = Path(model)
    place = RUNS / path.stem if out is None else Path(out)
    refuse_existing(place, overwrite)
    split = split_to_train_on(data, classes=classes, progress=progress)
    import_tensorflow()
    from hemotk.importing.config import ImportConfig
    from hemotk.importing.expected import read_expected
    from hemotk.importing.run import ImportJob, import_run

    config = ImportConfig(size, normalization, positive_class, output, head)
    expected = None if expect is None else read_expected(Path(expect), split.manifest, expect_limit)
    with telling(progress) as tell:
        import_run(ImportJob(path, split.manifest, place, overwrite, expected), config, tell)
    return Run.open(place)
