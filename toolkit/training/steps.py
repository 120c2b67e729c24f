"""One gradient step and one forward pass, traced once by TensorFlow."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hemotk.artifacts import PreprocessSpec
from hemotk.models.build import with_logit
from hemotk.training.config import TrainConfig


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


class Trainer:
    """A network with its optimizer: `step` learns from a batch, `logits` scores pictures."""

    def __init__(self, model: keras.Model, config: TrainConfig, spec: PreprocessSpec) -> None:
        self.model = model
        self.optimizer = keras.optimizers.Adam(config.peak_rate)
        self._spec = spec
        self._logit_model = with_logit(model)
        self.optimizer.build(model.trainable_variables)
        self._train_all = tf.function(self._step, reduce_retracing=True)
        self._score = tf.function(self._forward, reduce_retracing=True)

    def step(self, batch: Batch, rate: float) -> tuple[float, float]:
        """Learn from `batch` at learning rate `rate`; returns its mean loss (nats) and accuracy before the step."""
        self.optimizer.learning_rate.assign(rate)
        loss, accuracy = self._train_all(
            tf.constant(batch.pixels),
            tf.constant(batch.labels),
            tf.constant(batch.weights),
            tf.constant(batch.transforms),
            tf.constant(batch.contrast),
        )
        return float(loss), float(accuracy)

    def logits(self, pixels: np.ndarray, batch: int = 16) -> np.ndarray:
        """Logits float64 [n] of pictures uint8 [n, size, size]."""
        parts = [self._score(tf.constant(pixels[i : i + batch])).numpy() for i in range(0, len(pixels), batch)]
        return np.concatenate(parts).astype(np.float64)

    def _forward(self, pixels: tf.Tensor) -> tf.Tensor:
        logit, _ = self._logit_model(self._normalized(tf.cast(pixels, tf.float32)[..., None]), training=False)
        return logit[:, 0]

    def _normalized(self, pixels: tf.Tensor) -> tf.Tensor:
        return (pixels - float(self._spec.zero_point)) * self._spec.scale

    def _step(
        self,
        pixels: tf.Tensor,
        labels: tf.Tensor,
        weights: tf.Tensor,
        transforms: tf.Tensor,
        contrast: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        x = self._normalized(_augmented(tf.cast(pixels, tf.float32)[..., None], transforms, contrast))
        with tf.GradientTape() as tape:
            logit, _ = self._logit_model(x, training=True)
            logit = tf.cast(logit[:, 0], tf.float32)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logit)
            loss = tf.reduce_mean(losses * weights)
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        right = tf.cast(tf.equal(logit >= 0, labels >= 0.5), tf.float32)
        return tf.reduce_mean(losses), tf.reduce_mean(right)


def _augmented(pixels: tf.Tensor, transforms: tf.Tensor, contrast: tf.Tensor) -> tf.Tensor:
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels,
        transforms=transforms,
        output_shape=tf.shape(pixels)[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    gain, offset = contrast[:, 0, None, None, None], contrast[:, 1, None, None, None]
    # Air stays black, as it does under any window.
    return tf.where(moved > 0, tf.clip_by_value(moved * gain + offset, 0.0, 255.0), 0.0)
