"""How long a training takes here: a few steps on noise, timed."""

import time

import numpy as np

from hemotk.artifacts import PreprocessSpec
from hemotk.artifacts.plan import Pace
from hemotk.environment import device
from hemotk.models.build import build_model
from hemotk.models.families import named_shape
from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.config import TrainConfig
from hemotk.training.steps import Batch, Trainer

TIMED = 3


def measure(config: TrainConfig, images: int) -> Pace:
    """Build the network, take a step that is not timed, then the median of three."""
    shape = named_shape(config.arch, config.size)
    trainer = Trainer(build_model(shape, config.bn_momentum, config.dropout), config, PreprocessSpec(config.size))
    random = np.random.default_rng(0)
    seconds = []
    for _ in range(TIMED + 1):
        batch = _noise(config, random)
        started = time.perf_counter()
        trainer.step(batch, config.peak_rate)
        seconds.append(time.perf_counter() - started)
    return Pace(
        config.arch,
        config.size,
        config.batch,
        config.epochs,
        float(np.median(seconds[1:])),
        images,
        device().removeprefix("on "),
    )


def _noise(config: TrainConfig, random: np.random.Generator) -> Batch:
    count, size = config.batch, config.size
    return Batch(
        random.integers(0, 256, (count, size, size), np.uint8),
        (np.arange(count) % 2).astype(np.float32),
        np.ones(count, np.float32),
        random_transforms(config.augment, random, count, size),
        random_contrast(config.augment, random, count),
    )
