"""Training from a split to a finished run folder; killed at any moment, it goes on from the last whole epoch."""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import tf_keras as keras

from hemotk.artifacts import (
    LEARNED_FILE,
    PARTS,
    SPLIT_FILE,
    WEIGHTS_FILE,
    Learned,
    Part,
    PreprocessSpec,
    RunCard,
    SplitManifest,
)
from hemotk.errors import HemotkError
from hemotk.files import writing
from hemotk.models.build import build_model, get_arrays, set_arrays
from hemotk.models.families import named_shape
from hemotk.models.pretrained import load_pretrained
from hemotk.models.shape import Shape
from hemotk.models.weights import Weights, check_weights
from hemotk.store.finished import refuse_finished
from hemotk.store.learned_from import check_unseen, unknown_note
from hemotk.store.lock import LOCK_FILES, locked
from hemotk.store.unfinished import foreign, partial_of, remove_partial
from hemotk.training.checkpoint import CHECKPOINT_FILE
from hemotk.training.config import TrainConfig, recipe_note
from hemotk.training.features import FEATURE_FILES
from hemotk.training.fit import Data, Stage, fit, load_data, logits_and_tissue_of, logits_of, metrics_of
from hemotk.training.head import head_phase
from hemotk.training.history import HISTORY_FILE
from hemotk.training.likeness import likeness_notes
from hemotk.training.listener import Listener
from hemotk.training.operating_point import OperatingPoint, check_choosable, choose_operating_point
from hemotk.training.publish import Origin, Trained, publish_run
from hemotk.training.series_point import with_series_point
from hemotk.training.steps import Trainer
from hemotk.training.strategy import Replicas

# The files that an unfinished training keeps beside its output.
OWN_FILES = (*LOCK_FILES, SPLIT_FILE, LEARNED_FILE, CHECKPOINT_FILE, HISTORY_FILE, *FEATURE_FILES)


@dataclass(frozen=True)
class TrainJob:
    """The folders that a training reads and writes: `data` overrides the image folder that the split recorded.

    The finished run is scored on `parts` of the split. `replicas` learn together.
    """

    split: SplitManifest
    out: Path
    data: Path | None = None
    resume: bool = False
    overwrite: bool = False
    parts: tuple[Part, ...] = PARTS
    replicas: Replicas = field(default_factory=Replicas)

    @property
    def partial(self) -> Path:
        """The folder of the unfinished run, beside `out`."""
        return partial_of(self.out)


def train(job: TrainJob, config: TrainConfig, listener: Listener | None = None) -> RunCard:
    """Train `config.arch` on the split and publish the run folder `job.out`.

    `job.parts` are scored once, with the final weights, at the threshold and temperature that `config.operating` asks
    for. Each of several workers does the same; the files of workers other than the chief are removed in the end.

    Raises:
        HemotkError: bad settings, data or weights; an output that exists; a second training on the same output; a
            worker that has gone.
    """
    with _own(job) as own, job.replicas.together():
        return _train(own, config, listener or Listener())


@contextmanager
def _own(job: TrainJob) -> Iterator[TrainJob]:
    """The job of this process: what others than the chief write is hidden beside the output, and removed."""
    if job.replicas.chief:
        yield job
        return
    folder = job.replicas.folder_beside(job.out)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield replace(job, out=folder / job.out.name, resume=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _train(job: TrainJob, config: TrainConfig, listener: Listener) -> RunCard:
    refuse_finished(job.out, job.overwrite)
    shape = named_shape(config.arch, config.size)
    spec = PreprocessSpec(
        config.size,
        window_level=config.window.level,
        window_width=config.window.width,
        hu_offset=job.split.hu_offset,
    )
    check_choosable(job.split, config.operating)
    before = check_unseen(config.weights, job.split)
    likeness = likeness_notes(config.weights, job.split, job.data, listener)
    job.replicas.check_batches(len(job.split.part("train")), config.batch)
    _check_partial(job)
    started = time.monotonic()
    stage = Stage(job.partial, {**config.settings(), "split": job.split.sha256()}, resume=job.resume)
    before = _before(stage, before)
    job.replicas.check_equal(stage.identity)
    keras.utils.set_random_seed(config.seed)
    model = build_model(shape, config.bn_momentum, config.dropout, config.precision)
    if config.weights != "none" and not stage.resumable:
        set_arrays(model, load_pretrained(config.weights, config.arch, shape))
    data = load_data(job.split, job.data, spec, listener)
    model = job.replicas.hold(model)
    with job.replicas.strategy.scope():
        trainer = Trainer(model, config, spec)
    with writing(job.partial), locked(job.partial):
        if not stage.resumable:  # else they are there, and may turn out to be another training's
            job.split.write(job.partial / SPLIT_FILE)
            if before is not None:
                before.write(job.partial / LEARNED_FILE)
        stage = job.replicas.chief_first(
            job.partial / CHECKPOINT_FILE, lambda: head_phase(stage, trainer, spec, data, listener)
        )
        history = fit(stage, trainer, data, listener)
        weights = get_arrays(model)
        check_weights(weights, shape, job.out / WEIGHTS_FILE)
        as_it_is = config.precision == "float32" and job.replicas.alone
        scorer = trainer if as_it_is else _in_float32(shape, weights, config, spec)
        logits, tissue = logits_and_tissue_of(scorer, data, [part for part in PARTS if part in job.parts])
        point = _operating_point(job.split, scorer, data, logits)
        trained = Trained(
            job.split,
            _origin(config, point, before, (*job.replicas.notes, *likeness)),
            shape,
            spec,
            weights,
            history,
            metrics_of(data, logits, point.threshold, point.temperature),
            time.monotonic() - started,
            logits,
            before,
            tissue,
        )
        card = publish_run(trained, job.out, overwrite=job.overwrite, partial=job.partial)
    remove_partial(job.partial)
    return card


def _before(stage: Stage, now: Learned | None) -> Learned | None:
    """The images that the given weights had learned from, as kept: a resumed training does not read weights again."""
    kept = stage.folder / LEARNED_FILE
    return Learned.read(kept) if now is not None and stage.resumable and kept.is_file() else now


def _in_float32(shape: Shape, weights: Weights, config: TrainConfig, spec: PreprocessSpec) -> Trainer:
    model = build_model(shape)
    set_arrays(model, weights)
    return Trainer(model, config, spec)


def _operating_point(
    split: SplitManifest, trainer: Trainer, data: Data, logits: Mapping[Part, np.ndarray]
) -> OperatingPoint:
    config = trainer.config.operating
    known = logits.get("validation")
    scores = logits_of(trainer, data, ["validation"])["validation"] if known is None else known
    point = choose_operating_point(data.labels["validation"], scores, config)
    return with_series_point(point, split, scores, config)


def _origin(config: TrainConfig, point: OperatingPoint, before: Learned | None, notes: tuple[str, ...]) -> Origin:
    return Origin(
        "trained",
        config.arch,
        config.settings(),
        (recipe_note(config), *notes, *unknown_note(before), *point.notes),
        {} if before is None or before.run is None else {"run": before.run},
        threshold=point.threshold,
        temperature=point.temperature,
        series=point.series,
    )


def _check_partial(job: TrainJob) -> None:
    others = foreign(job.partial, OWN_FILES)
    if others:
        raise HemotkError(
            f"{job.partial}: holds something else than a training ({others[0]}), such as an unfinished pruning; "
            "finish or remove it, or choose another ‹out›."
        )
    if job.partial.exists() and not job.resume and any(job.partial.glob("*.npz")):
        raise HemotkError(
            f"{job.partial}: an unfinished training lies there; add ‹resume› to go on with it, or remove the folder."
        )
