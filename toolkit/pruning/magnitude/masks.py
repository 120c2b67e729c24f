"""Zeros that stay zeros while a network trains, and become more on a schedule: magnitude pruning.

Schedule and masks are those of tensorflow-model-optimization (`PolynomialDecay`, `Pruning`), on the variables of the
network as it is and outside the traced gradient step. The library's own `prune_low_magnitude` wraps each layer of a
copy instead and traces its masks, with their sorting, into the step: for a DenseNet201 that takes minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
import tf_keras as keras
from tensorflow_model_optimization.python.core.sparsity.keras.pruning_impl import Pruning
from tensorflow_model_optimization.python.core.sparsity.keras.pruning_schedule import PolynomialDecay

from hemotk.artifacts import PreprocessSpec
from hemotk.training.config import TrainConfig
from hemotk.training.steps import Batch, Trainer

MASK_UPDATES = 30
POWER = 3


@dataclass(frozen=True)
class Ramp:
    """The rise of the share of zeros in each kernel, from `initial` at step `begin` to `final` at step `end`.

    final + (initial − final) · (1 − (step − begin) / (end − begin))³ (Zhu & Gupta 2017, arXiv 1710.01878, section 3).
    Steps are counted from 1. `pattern` (m, n) instead puts m zeros into each n weights that lie beside each other
    along the input channels, all of them after the first step.
    """

    initial: float
    final: float
    begin: int
    end: int
    pattern: tuple[int, int] | None = None

    def schedule(self) -> PolynomialDecay:
        """The library's schedule, with the masks updated some thirty times."""
        frequency = max(1, (self.end - self.begin) // MASK_UPDATES)
        # Updates fall on begin + a multiple of frequency: the last one has to be `end`.
        begin = self.begin + (self.end - self.begin) % frequency
        return PolynomialDecay(self.initial, self.final, begin, self.end, power=POWER, frequency=frequency)


class Masks:
    """The masks of the weights in `kernels` that are held at zero.

    Nothing is kept here from step to step: what is zero before a gradient step is zero after it. So weights that are
    kept and put back bring their masks with them, and a network that has zeros already keeps them.

    Args:
        kernels: name → variable, as `named_variables` gives them.
        steps: scalar integer variable, the gradient steps done.
        ramp: how the share of zeros rises.
    """

    def __init__(self, kernels: Mapping[str, Any], steps: Any, ramp: Ramp) -> None:
        self._kernels = tuple(kernels.values())
        self._masks = tuple(tf.Variable(tf.ones_like(kernel), trainable=False) for kernel in self._kernels)
        thresholds = [tf.Variable(0.0, trainable=False) for _ in self._kernels]
        triples = list(zip(self._kernels, self._masks, thresholds, strict=True))
        self._pruning = Pruning(lambda: steps, triples, ramp.schedule(), (1, 1), "AVG", ramp.pattern)

    def take(self) -> None:
        """Before a gradient step: what is zero now is to stay zero."""
        for kernel, mask in zip(self._kernels, self._masks, strict=True):
            mask.assign(tf.cast(tf.not_equal(kernel, 0), mask.dtype))

    def apply(self) -> None:
        """After it: put the zeros back and, on the steps that the schedule names, add the smallest weights to them."""
        self._pruning.weight_mask_op()
        self._pruning.conditional_mask_update()
        self._pruning.weight_mask_op()


class SparseTrainer(Trainer):
    """Trains a network whose `kernels`, some of the model's variables, become sparse as `ramp` says."""

    def __init__(
        self, model: keras.Model, config: TrainConfig, spec: PreprocessSpec, kernels: Mapping[str, Any], ramp: Ramp
    ) -> None:
        super().__init__(model, config, spec)
        self._masks = Masks(kernels, self.optimizer.iterations, ramp)

    def step(self, batch: Batch, rate: float) -> tuple[float, float]:
        """Learn from `batch`, as `Trainer` does; zeros stay, and the schedule's are added."""
        self._masks.take()
        result = super().step(batch, rate)
        self._masks.apply()
        return result
