"""Distillation: learning from a network besides the labels (Hinton, Vinyals & Dean 2015, arXiv 1503.02531)."""

from typing import Any, TypeAlias

import tensorflow as tf
import tf_keras as keras

from hemotk.models.build import with_logit
from hemotk.training.config import DistillConfig

Tensor: TypeAlias = Any


class Teacher:
    """A finished network in inference mode, asked about the same augmented pictures as its student."""

    def __init__(self, model: keras.Model, config: DistillConfig, size: int) -> None:
        logit_model = with_logit(model)
        self.config = config
        # A function of its own: it is traced once, however many students call it from their steps.
        self.logits = tf.function(
            lambda x: tf.stop_gradient(logit_model(x, training=False)[0][:, 0]),
            input_signature=[tf.TensorSpec((None, size, size, 1), tf.float32)],
            autograph=False,
        )

    def losses(self, x: Tensor, labels: Tensor, logit: Tensor) -> Tensor:
        """Per picture (1 − share) · BCE(label) + share · T² · BCE(teacher's probability at T), nats, float32 [n].

        `x` is the network input, `logit` the student's, [n]. T² keeps the gradient's size while T changes (section 2
        of the paper).
        """
        t = self.config.temperature
        soft = tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(self.logits(x) / t), logit / t)
        hard = tf.nn.sigmoid_cross_entropy_with_logits(labels, logit)
        return (1 - self.config.share) * hard + self.config.share * t**2 * soft
