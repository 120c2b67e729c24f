"""Epoch after epoch of gradient steps, kept on disk after each: what every training here has in common."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.artifacts import PARTS, Metrics, Part, PreprocessSpec, SplitManifest
from hemotk.data.read.lazy import Pixels, prefetch
from hemotk.data.read.pipeline import MOST_IN_MEMORY, open_items
from hemotk.data.read.tissue import soft_tissue_share
from hemotk.errors import HemotkError
from hemotk.progress import Tell
from hemotk.stats.metrics import evaluate
from hemotk.training.appearance import random_appearance
from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.checkpoint import CHECKPOINT_FILE, load_checkpoint, save_checkpoint
from hemotk.training.config import TrainConfig
from hemotk.training.history import HISTORY_FILE, Epoch, write_history
from hemotk.training.listener import Listener
from hemotk.training.steps import Batch, Trainer

# Pictures that are read at once to be scored: some batches.
_CHUNK = 64
# Random numbers of appearance, beside those of order and place.
_APPEARANCE = 0xA99E


@dataclass(frozen=True)
class Data:
    """The pictures of each part, uint8 [n, size, size] or read when they are needed, and their labels, int64 [n].

    `sets` has for each training picture the number of the folder that it is from, int64 [n], where splits were merged.
    """

    pixels: Mapping[Part, Pixels]
    labels: Mapping[Part, np.ndarray]
    sets: np.ndarray | None = None


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs, of a training or of one step of a pruning.

    Its checkpoint lies in `folder` and belongs to the job that `identity` describes; the epochs `before` it are done.
    """

    folder: Path
    identity: Mapping[str, Any]
    before: Sequence[Epoch] = ()
    resume: bool = False

    @property
    def resumable(self) -> bool:
        """Whether it goes on from a checkpoint."""
        return self.resume and (self.folder / CHECKPOINT_FILE).exists()


def load_data(split: SplitManifest, data: Path | None, spec: PreprocessSpec, listener: Listener) -> Data:
    """All images of the split, from its own folder or from `data`; more than fit into memory are read when needed.

    Raises:
        HemotkError: the folder is not there, or a file is missing, changed since the split, or unreadable.
    """
    total = len(split.items)
    most = MOST_IN_MEMORY if total * spec.size * spec.size <= MOST_IN_MEMORY else 0
    opened, before = {}, 0
    for part in PARTS:
        items = split.part(part)

        opened[part] = open_items(items, split.root(data), spec, _loading(listener, before, total), most)
        before += len(items)
    return Data({p: opened[p][0] for p in PARTS}, {p: opened[p][1] for p in PARTS}, _sets(split))


def _sets(split: SplitManifest) -> np.ndarray | None:
    if not split.merged:
        return None
    folders = [item.set for item in split.part("train")]
    return np.unique(folders, return_inverse=True)[1]


def _loading(listener: Listener, before: int, images: int) -> Tell:
    def tell(what: str, done: int, total: int, note: str = "") -> None:
        listener.loading(before + done, images)

    return tell


def fit(stage: Stage, trainer: Trainer, data: Data, listener: Listener) -> list[Epoch]:
    """Train for `trainer.config.epochs` on the training part and return the history, with the epochs before.

    Raises:
        HemotkError: the loss is no number any more, or the checkpoint is damaged or of another training.
    """
    history = list(stage.before)
    if stage.resumable:
        history = load_checkpoint(stage.folder, trainer, stage.identity)
        listener.resumed(len(history))
    first = len(stage.before)
    total = steps_an_epoch(trainer.config, data)

    def validate() -> Metrics:
        return metrics_of(data, logits_of(trainer, data, ["validation"]))["validation"]

    for number in range(len(history), first + trainer.config.epochs):
        steps = _steps(number, number - first, trainer, data)
        history.append(follow(number, total, steps, validate, listener))
        save_checkpoint(stage.folder, trainer, history, stage.identity)
        write_history(stage.folder / HISTORY_FILE, history)
        listener.epoch(history[-1])
    return history


def logits_of(trainer: Trainer, data: Data, parts: Sequence[Part]) -> dict[Part, np.ndarray]:
    """The network's logit for each image of `parts`: float64 [n] for each."""
    return {part: _logits(trainer, data.pixels[part]) for part in parts}


def logits_and_tissue_of(
    trainer: Trainer, data: Data, parts: Sequence[Part]
) -> tuple[dict[Part, np.ndarray], dict[Part, np.ndarray]]:
    """As `logits_of`, and the share of soft tissue in each picture, 0 to 1: float64 [n] for each part."""
    logits, tissue = {}, {}
    for part in parts:
        shares: list[float] = []
        logits[part] = _logits(trainer, data.pixels[part], shares)
        tissue[part] = np.array(shares)
    return logits, tissue


def _logits(trainer: Trainer, pixels: Pixels, shares: list[float] | None = None) -> np.ndarray:
    """Pictures may be read only once: their tissue is measured here and added to `shares`."""
    chunks = (pixels[at : at + _CHUNK] for at in range(0, len(pixels), _CHUNK))
    logits = []
    for chunk in prefetch(chunks):
        if shares is not None:
            shares.extend(map(soft_tissue_share, chunk))
        logits.append(trainer.logits(chunk))
    return np.concatenate(logits)


def metrics_of(
    data: Data, logits: Mapping[Part, np.ndarray], threshold: float = 0.5, temperature: float = 1.0
) -> dict[str, Metrics]:
    """The metrics of `logits`, for each part that they are of."""
    return {part: evaluate(data.labels[part], scores, threshold, temperature) for part, scores in logits.items()}


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


def batches(config: TrainConfig, data: Data, number: int) -> Iterator[Batch]:
    """The training part in the order and with the changes of epoch `number` (counted from 0).

    They depend on the seed and the number alone, so a resumed training repeats them.
    """
    pixels, labels = data.pixels["train"], data.labels["train"]
    rng = np.random.default_rng([config.seed, number])
    looks = np.random.default_rng([config.seed, number, _APPEARANCE])
    balance = class_weights(labels, balanced=config.class_weights and config.draw == "each")
    for chunk in np.array_split(_order(config, data, rng), steps_an_epoch(config, data)):
        smoothed = labels[chunk] * (1 - config.label_smoothing) + config.label_smoothing / 2
        yield Batch(
            random_appearance(config.appearance, looks, pixels[chunk]),
            smoothed.astype(np.float32),
            balance[labels[chunk]].astype(np.float32),
            random_transforms(config.augment, rng, len(chunk), config.size),
            random_contrast(config.augment, rng, len(chunk)),
        )


def _order(config: TrainConfig, data: Data, rng: np.random.Generator) -> np.ndarray:
    """The training pictures of an epoch, int64 [n], as `config.draw` says."""
    labels = data.labels["train"]
    if config.draw == "each":
        return rng.permutation(len(labels))
    sets = np.zeros(len(labels), np.int64) if data.sets is None else data.sets
    cells = [np.flatnonzero(2 * sets + labels == cell) for cell in np.unique(2 * sets + labels)]
    shares = np.diff(np.linspace(0, len(labels), len(cells) + 1).round().astype(int))
    drawn = [_dealt(cell, share, rng) for cell, share in zip(cells, shares, strict=True)]
    return rng.permutation(np.concatenate(drawn))


def _dealt(cell: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of `cell`: each once before any is drawn a second time."""
    rounds = [rng.permutation(cell) for _ in range(-(-count // len(cell)))]
    return np.concatenate(rounds)[:count]


def steps_an_epoch(config: TrainConfig, data: Data) -> int:
    """The number of `batches`."""
    return math.ceil(len(data.labels["train"]) / config.batch)


@dataclass(frozen=True)
class StepResult:
    """A gradient step on `count` pictures: mean loss (nats) and accuracy before it, and its learning rate."""

    count: int
    loss: float
    accuracy: float
    rate: float


def follow(
    number: int,
    total: int,
    steps: Iterable[StepResult],
    validate: Callable[[], Metrics],
    tell: Listener,
    *,
    remedy: str = "start again with a lower ‹learning_rate›",
) -> Epoch:
    """Take all `total` steps of epoch `number` (counted from 0), telling of each, and then `validate`.

    `remedy` is the advice for a loss that is no number.

    Raises:
        HemotkError: the loss is no number any more.
    """
    started = time.monotonic()
    losses = accuracies = rate = 0.0
    seen = 0
    for done, step in enumerate(steps, 1):
        if not math.isfinite(step.loss):
            raise HemotkError(f"epoch {number + 1}, step {done}: the loss is {step.loss}; {remedy}.")
        rate = step.rate
        seen += step.count
        losses += step.loss * step.count
        accuracies += step.accuracy * step.count
        tell.step(number + 1, done, total, losses / seen, accuracies / seen)
    validation = validate()
    return Epoch(
        epoch=number + 1,
        loss=losses / seen,
        accuracy=accuracies / seen,
        validation_loss=validation.loss,
        validation_accuracy=float(validation.accuracy.value or 0.0),
        learning_rate=rate,
        seconds=time.monotonic() - started,
    )


def _steps(number: int, at: int, trainer: Trainer, data: Data) -> Iterator[StepResult]:
    """Epoch `number` of the whole history, which is epoch `at` of the learning rate's schedule."""
    total = steps_an_epoch(trainer.config, data)
    # The next batch is read while the network works on this one.
    for step, batch in enumerate(prefetch(batches(trainer.config, data, number))):
        rate = learning_rate(trainer.config, at, step / total)
        yield StepResult(len(batch.labels), *trainer.step(batch, rate), rate)
