"""Print, as JSON, what some steps give on one device and on two halves of this machine's processor."""

import json
import sys
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tf_keras import layers

from hemotk.artifacts import PreprocessSpec
from hemotk.models.build import get_arrays
from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.config import from_recipe
from hemotk.training.steps import Batch, Trainer
from hemotk.training.strategy import Replicas

SIZE = 16
CONFIG = from_recipe("hemotk", size=SIZE)
# Odd ones are shared unequally.
BATCHES = (5, 7, 2, 3, 8)


def network() -> keras.Model:
    pixels = x = keras.Input((SIZE, SIZE, 1))
    for _ in range(2):
        # A bias before BatchNorm has a gradient of rounding alone, which Adam makes a whole step of.
        x = layers.Conv2D(4, 3, strides=2, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dense(1, name="logit")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Activation("sigmoid", name="probability")(x))


def batch(rng: np.random.Generator, n: int) -> Batch:
    return Batch(
        rng.integers(0, 256, (n, SIZE, SIZE)).astype(np.uint8),
        rng.integers(0, 2, n).astype(np.float32),
        rng.uniform(0.5, 1.5, n).astype(np.float32),
        random_transforms(CONFIG.augment, rng, n, SIZE),
        random_contrast(CONFIG.augment, rng, n),
    )


def after(model: keras.Model, replicas: Replicas) -> dict[str, Any]:
    held = replicas.hold(model)
    with replicas.strategy.scope():
        trainer = Trainer(held, CONFIG, PreprocessSpec(SIZE))
    rng = np.random.default_rng(0)
    steps = [trainer.step(batch(rng, n), 1e-3) for n in BATCHES]
    logits = trainer.logits(batch(rng, 4).pixels).tolist()
    return {
        "steps": steps,
        "logits": logits,
        "weights": {name: array.tolist() for name, array in get_arrays(held).items()},
    }


if __name__ == "__main__":
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    keras.utils.set_random_seed(0)
    model = network()
    two = after(model, Replicas(tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])))
    json.dump({"one": after(model, Replicas()), "two": two}, sys.stdout)
