"""Training from a split to a finished run folder; killed at any moment, it goes on from the last whole epoch."""

import time
from dataclasses import dataclass
from pathlib import Path

import tf_keras as keras

from hemotk.artifacts import PARTS, WEIGHTS_FILE, Part, PreprocessSpec, RunCard, SplitManifest
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, writing
from hemotk.models.build import build_model, get_arrays, set_arrays
from hemotk.models.families import named_shape
from hemotk.models.pretrained import load_pretrained
from hemotk.models.weights import check_weights
from hemotk.training.config import RECIPE_NOTES, TrainConfig
from hemotk.training.fit import Listener, Stage, fit, load_data, score
from hemotk.training.lock import locked
from hemotk.training.partial import partial_of
from hemotk.training.publish import Origin, Trained, publish_run
from hemotk.training.steps import Trainer


@dataclass(frozen=True)
class TrainJob:
    """Where a training reads and writes: `data` overrides the image folder that the split recorded.

    The finished run is scored on `parts` of the split.
    """

    split: SplitManifest
    out: Path
    data: Path | None = None
    resume: bool = False
    overwrite: bool = False
    parts: tuple[Part, ...] = PARTS

    @property
    def partial(self) -> Path:
        """The folder of the unfinished run, beside `out`."""
        return partial_of(self.out)


def train(job: TrainJob, config: TrainConfig, listener: Listener | None = None) -> RunCard:
    """Train `config.arch` on the split and publish the run folder `job.out`.

    `job.parts` are scored once, with the final weights.

    Raises:
        HemotkError: bad settings, data or weights; an output that exists; a second training on the same output.
    """
    listener = listener or Listener()
    refuse_existing(job.out, job.overwrite)
    shape = named_shape(config.arch, config.size)
    spec = PreprocessSpec(size=config.size)
    _check_partial(job)
    started = time.monotonic()
    stage = Stage(job.partial, {**config.settings(), "split": job.split.sha256()}, resume=job.resume)
    keras.utils.set_random_seed(config.seed)
    model = build_model(shape, config.bn_momentum, config.dropout)
    if config.weights != "none" and not stage.resumable:
        set_arrays(model, load_pretrained(config.weights, config.arch, shape))
    data = load_data(job.split, job.data, spec, listener)
    trainer = Trainer(model, config, spec)
    with writing(job.partial), locked(job.partial):
        history = fit(stage, trainer, data, listener)
        weights = get_arrays(model)
        check_weights(weights, shape, job.out / WEIGHTS_FILE)
        metrics = score(trainer, data, job.parts)
        seconds = time.monotonic() - started
        trained = Trained(job.split, _origin(config), shape, spec, weights, history, metrics, seconds)
        card = publish_run(trained, job.out, overwrite=job.overwrite)
    _remove_partial(job.partial)
    return card


def _origin(config: TrainConfig) -> Origin:
    return Origin("trained", config.arch, config.settings(), (RECIPE_NOTES[config.recipe],))


def _check_partial(job: TrainJob) -> None:
    if job.partial.exists() and not job.resume and any(job.partial.glob("*.npz")):
        raise HemotkError(
            f"{job.partial}: an unfinished training lies there; add --resume to go on with it, or remove the folder."
        )


def _remove_partial(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()
