"""The head phase: with a pretrained backbone, which is frozen, the new head learns alone before the whole network does.

The backbone's features of a few views of each picture are computed once, so that an epoch takes a moment.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hemotk.artifacts import Metrics, PreprocessSpec
from hemotk.models.build import get_arrays, set_arrays
from hemotk.models.pretrained import HEAD
from hemotk.stats.metrics import evaluate
from hemotk.training.checkpoint import load_checkpoint, save_checkpoint
from hemotk.training.config import LEARNING_RATE, TrainConfig
from hemotk.training.features import Backbone, Features, remove_features
from hemotk.training.fit import Data, Stage, StepResult, class_weights, follow, learning_rate, steps_an_epoch
from hemotk.training.history import HISTORY_FILE, Epoch, write_history
from hemotk.training.listener import Listener
from hemotk.training.steps import Trainer

_CHUNK = 4096
# Ends the seeds of the pictures' order: no epoch of the whole network has these.
_STREAM = 2
# The head's own learning rate is fixed: only features that are too large make its loss no number.
_REMEDY = "the head cannot learn from these features; give other ‹weights›, or leave it out with ‹head_epochs› 0"


def head_phase(stage: Stage, trainer: Trainer, spec: PreprocessSpec, data: Data, listener: Listener) -> Stage:
    """Teach the head for `config.head_phase` epochs and give the stage in which the whole network learns.

    Raises:
        HemotkError: features that are no numbers, or a checkpoint that is damaged or of another training.
    """
    config = trainer.config
    if not config.head_phase:
        return stage
    if not stage.resumable:
        remove_features(stage.folder)
        # Says from now on whose features these are, and where the new head began.
        save_checkpoint(stage.folder, trainer, [], stage.identity)
    elif history := load_checkpoint(stage.folder, trainer, stage.identity):
        return replace(stage, before=history[: config.head_phase])
    started = time.monotonic()
    backbone = Backbone(backbone_of(trainer.model), config, spec)
    features = backbone.features(data, stage.folder, listener)
    head = head_of(trainer.model, features.width)
    before = time.monotonic() - started
    history = _taught(head, features, data, config, listener)
    history[0] = replace(history[0], seconds=history[0].seconds + before)
    set_arrays(trainer.model, get_arrays(head))
    save_checkpoint(stage.folder, trainer, history, stage.identity)
    write_history(stage.folder / HISTORY_FILE, history)
    remove_features(stage.folder)
    return replace(stage, before=history, resume=False)


def backbone_of(model: keras.Model) -> keras.Model:
    """The network up to what its head reads, float [n, features], sharing weights."""
    return keras.Model(model.input, _head_layers(model)[0].input)


def head_of(model: keras.Model, width: int) -> keras.Model:
    """A float32 copy of the network's head, from features [n, width] to the logit [n, 1]."""
    x = inputs = keras.Input((width,))
    for layer in _head_layers(model):
        x = type(layer).from_config({**layer.get_config(), "dtype": "float32"})(x)
    head = keras.Model(inputs, x)
    set_arrays(head, get_arrays(model))
    return head


def _head_layers(model: keras.Model) -> list[Any]:
    return [layer for layer in model.layers if layer.name.startswith(HEAD) or layer.name == "dropout"]


def _taught(head: keras.Model, features: Features, data: Data, config: TrainConfig, listener: Listener) -> list[Epoch]:
    """Teach `head` from a logit of 0 and give its epochs.

    Random weights would answer features of any size with confidence, and the first epochs unlearn that.
    """
    for variable in head.get_layer("logit").variables:
        variable.assign(tf.zeros_like(variable))
    teach = replace(config, epochs=config.head_phase, learning_rate=LEARNING_RATE)
    learner = _Learner(head, features.width)
    total = steps_an_epoch(teach, data)

    def validate() -> Metrics:
        return evaluate(data.labels["validation"], learner.logits(features.validation), 0.5)

    history = []
    for number in range(teach.epochs):
        epoch = follow(
            number, total, _steps(number, learner, features, data, teach), validate, listener, remedy=_REMEDY
        )
        history.append(replace(epoch, phase="head"))
        listener.epoch(history[-1])
    return history


def _steps(
    number: int, learner: "_Learner", features: Features, data: Data, config: TrainConfig
) -> Iterator[StepResult]:
    labels = data.labels["train"]
    balance = class_weights(labels, balanced=config.class_weights)
    order = np.random.default_rng([config.seed, number, _STREAM]).permutation(len(labels))
    total = steps_an_epoch(config, data)
    for step, chosen in enumerate(np.array_split(order, total)):
        rate = learning_rate(config, number, step / total)
        result = learner.step(features.of(chosen, number), labels[chosen], balance[labels[chosen]], rate)
        yield StepResult(len(chosen), *result, rate)


class _Learner:
    """A head with its optimizer."""

    def __init__(self, head: keras.Model, width: int) -> None:
        self._head = head
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(head.trainable_variables)
        number = tf.TensorSpec((None,), tf.float32)
        self._step = tf.function(
            self._traced, [tf.TensorSpec((None, width), tf.float32), number, number], autograph=False
        )

    def step(self, features: np.ndarray, labels: np.ndarray, weights: np.ndarray, rate: float) -> tuple[float, float]:
        """Mean label loss (nats) and accuracy before the step."""
        self._optimizer.learning_rate.assign(rate)
        loss, accuracy = self._step(features, labels.astype(np.float32), weights.astype(np.float32))
        return float(loss), float(accuracy)

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Float64 [n] of features [n, width]."""
        chunks = range(0, len(features), _CHUNK)
        parts = [self._head(tf.constant(features[i : i + _CHUNK]), training=False).numpy() for i in chunks]
        return np.concatenate(parts)[:, 0].astype(np.float64)

    def _traced(self, features: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logit = self._head(features, training=True)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logit)
            loss = tf.reduce_mean(losses * weights)
        variables = self._head.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        right = tf.cast(tf.equal(logit >= 0, labels >= 0.5), tf.float32)
        return tf.reduce_mean(losses), tf.reduce_mean(right)
