"""Training from a split to a finished run folder; killed at any moment, it goes on from the last whole epoch."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tf_keras as keras

from hemotk.artifacts import PARTS, WEIGHTS_FILE, Metrics, Part, PreprocessSpec, RunCard, SplitManifest
from hemotk.data.pipeline import load_items
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, writing
from hemotk.metrics import evaluate
from hemotk.models.build import build_model, get_arrays, set_arrays
from hemotk.models.families import named_shape
from hemotk.models.pretrained import load_pretrained
from hemotk.models.weights import check_weights
from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from hemotk.training.config import TrainConfig
from hemotk.training.history import HISTORY_FILE, Epoch, write_history
from hemotk.training.lock import locked
from hemotk.training.publish import Trained, publish_run
from hemotk.training.steps import Batch, Trainer

PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True)
class TrainJob:
    """Where a training reads and writes: `data` overrides the image folder that the split recorded."""

    split: SplitManifest
    out: Path
    data: Path | None = None
    resume: bool = False
    overwrite: bool = False

    @property
    def partial(self) -> Path:
        """The folder of the unfinished run, beside `out`."""
        return self.out.with_name(self.out.name + PARTIAL_SUFFIX)


class Listener:
    """What a training tells while it goes on; a subclass shows it."""

    def loading(self, done: int, total: int) -> None:
        """`done` of `total` images are in memory."""

    def resumed(self, epoch: int) -> None:
        """The training goes on after `epoch` whole epochs."""

    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        """`done` of the `total` steps of `epoch`; figures are means over the epoch so far."""

    def epoch(self, epoch: Epoch, total: int) -> None:
        """An epoch of `total` has ended."""


@dataclass(frozen=True)
class _Data:
    pixels: Mapping[Part, np.ndarray]
    labels: Mapping[Part, np.ndarray]


def train(job: TrainJob, config: TrainConfig, listener: Listener | None = None) -> RunCard:
    """Train `config.arch` on the split and publish the run folder `job.out`.

    The test part is scored once, with the final weights.

    Raises:
        HemotkError: bad settings, data or weights; an output that exists; a second training on the same output.
    """
    listener = listener or Listener()
    refuse_existing(job.out, job.overwrite)
    shape = named_shape(config.arch, config.size)
    spec = PreprocessSpec(size=config.size)
    _check_partial(job)
    started = time.monotonic()
    keras.utils.set_random_seed(config.seed)
    model = build_model(shape, config.bn_momentum, config.dropout)
    if config.weights != "none" and not _resumable(job):
        set_arrays(model, load_pretrained(config.weights, config.arch, shape))
    data = _load(job, spec, listener)
    trainer = Trainer(model, config, spec)
    with writing(job.partial), locked(job.partial):
        history = _epochs(job, config, trainer, data, listener)
        weights = get_arrays(model)
        check_weights(weights, shape, job.out / WEIGHTS_FILE)
        metrics: dict[str, Metrics] = {
            part: evaluate(data.labels[part], trainer.logits(data.pixels[part]), 0.5) for part in PARTS
        }
        trained = Trained(job.split, config, shape, spec, weights, history, metrics, time.monotonic() - started)
        card = publish_run(trained, job.out, overwrite=job.overwrite)
    _remove_partial(job.partial)
    return card


def learning_rate(config: TrainConfig, epoch: int, share: float) -> float:
    """The rate `share` (0 to 1) into `epoch` (counted from 0): constant, or linear warm-up and cosine decay to 0."""
    if config.schedule == "constant":
        return config.peak_rate
    warmup = min(config.warmup_epochs, config.epochs // 4)
    at = epoch + share
    if at < warmup:
        return config.peak_rate * (at + 0.1) / (warmup + 0.1)
    return config.peak_rate * 0.5 * (1 + math.cos(math.pi * (at - warmup) / (config.epochs - warmup)))


def class_weights(labels: np.ndarray, *, balanced: bool) -> np.ndarray:
    """Loss weight of label 0 and 1, float64 [2]: n / (2 · count of the class) if balanced, else 1."""
    if not balanced:
        return np.ones(2)
    return len(labels) / (2.0 * np.bincount(labels, minlength=2))


def _resumable(job: TrainJob) -> bool:
    return job.resume and (job.partial / CHECKPOINT_FILE).exists()


def _check_partial(job: TrainJob) -> None:
    if job.partial.exists() and not job.resume and any(job.partial.glob("*.npz")):
        raise HemotkError(
            f"{job.partial}: an unfinished training lies there; add --resume to go on with it, or remove the folder."
        )


def _load(job: TrainJob, spec: PreprocessSpec, listener: Listener) -> _Data:
    items = job.split.items
    pixels, labels = load_items(items, job.split.root(job.data), spec, listener.loading)
    where = np.array([item.part for item in items])
    return _Data({p: pixels[where == p] for p in PARTS}, {p: labels[where == p] for p in PARTS})


def _epochs(job: TrainJob, config: TrainConfig, trainer: Trainer, data: _Data, listener: Listener) -> list[Epoch]:
    identity = {**config.settings(), "split": job.split.sha256()}
    history: list[Epoch] = []
    if _resumable(job):
        history = load_checkpoint(job.partial, trainer, identity)
        listener.resumed(len(history))
    for number in range(len(history), config.epochs):
        history.append(_epoch(number, config, trainer, data, listener))
        save_checkpoint(job.partial, trainer, history, identity)
        write_history(job.partial / HISTORY_FILE, history)
        listener.epoch(history[-1], config.epochs)
    return history


def _epoch(number: int, config: TrainConfig, trainer: Trainer, data: _Data, listener: Listener) -> Epoch:
    started = time.monotonic()
    pixels, labels = data.pixels["train"], data.labels["train"]
    # Order and changes depend on the seed and the epoch alone, so a resumed training repeats them.
    rng = np.random.default_rng([config.seed, number])
    chunks = np.array_split(rng.permutation(len(labels)), math.ceil(len(labels) / config.batch))
    balance = class_weights(labels, balanced=config.class_weights)
    losses = accuracies = 0.0
    seen = 0
    rate = 0.0
    for step, chunk in enumerate(chunks):
        rate = learning_rate(config, number, step / len(chunks))
        batch = Batch(
            pixels[chunk],
            labels[chunk].astype(np.float32),
            balance[labels[chunk]].astype(np.float32),
            random_transforms(config.augment, rng, len(chunk), config.size),
            random_contrast(config.augment, rng, len(chunk)),
        )
        loss, accuracy = trainer.step(batch, rate)
        if not math.isfinite(loss):
            raise HemotkError(
                f"epoch {number + 1}, step {step + 1}: the loss is {loss}; train again with a lower --learning-rate."
            )
        seen += len(chunk)
        losses += loss * len(chunk)
        accuracies += accuracy * len(chunk)
        listener.step(number + 1, step + 1, len(chunks), losses / seen, accuracies / seen)
    validation = evaluate(data.labels["validation"], trainer.logits(data.pixels["validation"]), 0.5)
    return Epoch(
        epoch=number + 1,
        loss=losses / seen,
        accuracy=accuracies / seen,
        validation_loss=validation.loss,
        validation_accuracy=float(validation.accuracy.value or 0.0),
        learning_rate=rate,
        seconds=time.monotonic() - started,
    )


def _remove_partial(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()
