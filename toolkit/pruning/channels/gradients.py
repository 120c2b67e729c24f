"""The importance of channels from the gradients of the loss on the training part."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, islice

import tensorflow as tf

from hemotk.artifacts import PreprocessSpec
from hemotk.models.build import build_model, named_variables, set_arrays, with_logit
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import Weights
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.importance import ChannelScores, mean_scores, taylor
from hemotk.training.config import TrainConfig
from hemotk.training.fit import Data, batches, steps_an_epoch
from hemotk.training.steps import augmented_input, batch_signature

# Orders and augmentations of their own: no epoch has a number this high.
_FIRST_PASS = 1_000_000
# Batches that tell enough: with those of 8, some 2,000 pictures. A set of 200 has fewer in all its passes.
MOST_BATCHES = 256

Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Scoring:
    """The data and settings for scoring channels; `watch` is told how many of all batches are done."""

    data: Data
    spec: PreprocessSpec
    config: PruneConfig
    watch: Watch = lambda done, total: None


def taylor_scores(shape: DenseNetShape, weights: Weights, scoring: Scoring) -> ChannelScores:
    """First-order importance over passes of the augmented training part, BatchNorms in inference mode.

    At most `MOST_BATCHES` random batches are looked at.

    The loss is the labels' cross-entropy with the logit divided by the temperature of the distillation: that of a
    trained network is next to nothing on most training pictures, and they would not count otherwise.
    """
    spec, config, data = scoring.spec, scoring.config, scoring.data
    model = build_model(shape)
    set_arrays(model, weights)
    gated = {name: variable for name, variable in named_variables(model).items() if name.endswith(("/gamma", "/beta"))}
    logit_model = with_logit(model)

    @tf.function(input_signature=batch_signature(spec.size))
    def gradients(
        pixels: tf.Tensor, labels: tf.Tensor, balance: tf.Tensor, transforms: tf.Tensor, contrast: tf.Tensor
    ) -> list[tf.Tensor]:
        x = augmented_input(pixels, transforms, contrast, spec)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(gated.values()))
            logit = logit_model(x, training=False)[0][:, 0] / config.distill.temperature
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logit) * balance)
        batch_gradients: list[tf.Tensor] = tape.gradient(loss, list(gated.values()))
        return batch_gradients

    order = _order(config, spec.size)
    total = min(config.passes * steps_an_epoch(order, data), MOST_BATCHES)
    scores: list[ChannelScores] = []
    passes = (batches(order, data, _FIRST_PASS + number) for number in range(config.passes))
    for batch in islice(chain.from_iterable(passes), total):
        batch_gradients = gradients(*batch.tensors())
        scores.append(taylor(shape, weights, {n: g.numpy() for n, g in zip(gated, batch_gradients, strict=True)}))
        scoring.watch(len(scores), total)
    return mean_scores(scores)


def _order(config: PruneConfig, size: int) -> TrainConfig:
    """The training's order and changes, in small batches."""
    return replace(config.training("", size, 1), batch=config.importance_batch)
