"""One gradient step and one forward pass, traced once by TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hemotk.artifacts import PreprocessSpec
from hemotk.models.build import with_logit
from hemotk.training.config import TrainConfig
from hemotk.training.depth import freeze, shares_by_depth
from hemotk.training.distill import Teacher


@dataclass(frozen=True)
class Batch:
    """One batch of n pictures.

    `pixels` uint8 [n, size, size], `labels` and loss `weights` float32 [n], and the random changes of each:
    `transforms` float32 [n, 8] and `contrast` float32 [n, 2].
    """

    pixels: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    transforms: np.ndarray
    contrast: np.ndarray

    def tensors(self) -> tuple[tf.Tensor, ...]:
        """The arrays as TensorFlow takes them, in the order above."""
        return tuple(
            tf.constant(array) for array in (self.pixels, self.labels, self.weights, self.transforms, self.contrast)
        )


def batch_signature(size: int) -> list[tf.TensorSpec]:
    """The signature of `Batch.tensors`, for batches of any n: a large network takes half a minute for each trace."""
    number = tf.TensorSpec((None,), tf.float32)
    rows = [tf.TensorSpec((None, width), tf.float32) for width in (8, 2)]
    return [pixel_signature(size), number, number, *rows]


def pixel_signature(size: int) -> tf.TensorSpec:
    """Any number of pictures."""
    return tf.TensorSpec((None, size, size), tf.uint8)


class Trainer:
    """A network with its optimizer: `step` learns from a batch, `logits` scores pictures.

    With a `teacher` its loss is in place of the labels' alone. Made in the scope of a `tf.distribute` strategy, every
    replica learns from its part of the batch: the step is that of the whole batch, however many there are.
    """

    def __init__(
        self, model: keras.Model, config: TrainConfig, spec: PreprocessSpec, teacher: Teacher | None = None
    ) -> None:
        self.model = model
        self.config = config
        self._teacher = teacher
        self._shares = shares_by_depth(model, config.rate_decay)
        freeze(model, self._shares)
        self.optimizer = keras.optimizers.Adam(config.peak_rate)
        self._spec = spec
        self._logit_model = with_logit(model)
        self.optimizer.build(model.trainable_variables)
        self._strategy = tf.distribute.get_strategy()
        # No branch or loop depends on a tensor, so there is nothing for AutoGraph to rewrite, which takes seconds.
        self._train_all = tf.function(self._on_replicas, batch_signature(spec.size), autograph=False)
        self._score = tf.function(self._forward, [pixel_signature(spec.size)], autograph=False)

    def step(self, batch: Batch, rate: float) -> tuple[float, float]:
        """Learn from `batch` at learning rate `rate`; gives its mean label loss (nats) and accuracy before the step."""
        self.optimizer.learning_rate.assign(rate)
        loss, accuracy = self._train_all(*batch.tensors())
        return float(loss), float(accuracy)

    def logits(self, pixels: np.ndarray, batch: int = 16) -> np.ndarray:
        """Logits float64 [n] of pictures uint8 [n, size, size]."""
        parts = [self._score(tf.constant(pixels[i : i + batch])).numpy() for i in range(0, len(pixels), batch)]
        return np.concatenate(parts).astype(np.float64)

    def _forward(self, pixels: tf.Tensor) -> tf.Tensor:
        logit, _ = self._logit_model(_normalized(_float(pixels), self._spec), training=False)
        return logit[:, 0]

    def _on_replicas(self, *batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parts = self._strategy.run(self._part, args=batch)
        return tuple(self._strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in parts)

    def _part(self, *batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The step of one replica, on its part of the batch."""
        replica = tf.distribute.get_replica_context()
        total = tf.shape(batch[0])[0]
        first = total * replica.replica_id_in_sync_group // replica.num_replicas_in_sync
        last = total * (replica.replica_id_in_sync_group + 1) // replica.num_replicas_in_sync
        return self._step([tensor[first:last] for tensor in batch], tf.cast(total, tf.float32))

    def _step(self, batch: Sequence[tf.Tensor], total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The share of `batch`, out of `total` pictures, in the mean loss and accuracy of all."""
        pixels, labels, weights, transforms, contrast = batch
        x = augmented_input(pixels, transforms, contrast, self._spec)
        with tf.GradientTape() as tape:
            logit, _ = self._logit_model(x, training=True)
            logit = tf.cast(logit[:, 0], tf.float32)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logit)
            learned = losses if self._teacher is None else self._teacher.losses(x, labels, logit)
            loss = tf.reduce_sum(learned * weights) / total
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)
        slow = [(variable, self._shares[variable.name]) for variable in variables if variable.name in self._shares]
        before = [tf.identity(variable) for variable, _ in slow]
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        # Adam's step does not depend on the size of a gradient, so the step itself is made shorter.
        for (variable, share), start in zip(slow, before, strict=True):
            variable.assign(start + share * (variable - start))
        right = tf.cast(tf.equal(logit >= 0, labels >= 0.5), tf.float32)
        return tf.reduce_sum(losses) / total, tf.reduce_sum(right) / total


def augmented_input(pixels: tf.Tensor, transforms: tf.Tensor, contrast: tf.Tensor, spec: PreprocessSpec) -> tf.Tensor:
    """The network input h float32 [n, N, N, 1] of pictures uint8 [n, N, N], each changed as `Batch` says."""
    return _normalized(_augmented(_float(pixels), transforms, contrast), spec)


def _float(pixels: tf.Tensor) -> tf.Tensor:
    return tf.cast(pixels, tf.float32)[..., None]


def _normalized(pixels: tf.Tensor, spec: PreprocessSpec) -> tf.Tensor:
    return (pixels - float(spec.zero_point)) * spec.scale


def _augmented(pixels: tf.Tensor, transforms: tf.Tensor, contrast: tf.Tensor) -> tf.Tensor:
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=transforms,
        output_shape=tf.shape(pixels)[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    moved = tf.ensure_shape(moved, pixels.shape)
    gain, offset = contrast[:, 0, None, None, None], contrast[:, 1, None, None, None]
    # Air stays black, as it does under any window.
    return tf.where(moved > 0, tf.clip_by_value(moved * gain + offset, 0.0, 255.0), 0.0)
