"""Learning from a teacher."""

from dataclasses import replace

import numpy as np
import pytest

from hemotk.errors import HemotkError
from hemotk.training.config import AugmentConfig, DistillConfig, TrainConfig

pytest.importorskip("tf_keras")
import tensorflow as tf
import tf_keras as keras

from hemotk.artifacts import PreprocessSpec
from hemotk.training.distill import Teacher
from hemotk.training.fit import Data, batches
from hemotk.training.steps import Trainer

SIZE = 16
X = np.random.default_rng(0).normal(size=(6, SIZE, SIZE, 1)).astype(np.float32)
LABELS = np.array([0, 1, 0, 1, 1, 0], np.float32)
LOGIT = np.array([-3, 0.5, 2, 7, -1, 0], np.float32)


def network(seed: int) -> keras.Model:
    """One dense layer."""
    pixels = keras.Input((SIZE, SIZE, 1))
    start = keras.initializers.RandomNormal(0, 0.1, seed)
    x = keras.layers.Dense(1, name="logit", kernel_initializer=start)(keras.layers.Flatten()(pixels))
    return keras.Model(pixels, keras.layers.Activation("sigmoid", name="probability")(x))


def cross_entropy(target: np.ndarray, logit: np.ndarray) -> np.ndarray:
    return target * np.logaddexp(0, -logit) + (1 - target) * np.logaddexp(0, logit)


def test_the_loss_is_the_papers() -> None:
    model = network(1)
    teacher = Teacher(model, DistillConfig(share=0.7, temperature=2.5), SIZE)
    taught = 1 / (1 + np.exp(-teacher.logits(X).numpy() / 2.5))
    expected = 0.3 * cross_entropy(LABELS, LOGIT) + 0.7 * 2.5**2 * cross_entropy(taught, LOGIT / 2.5)
    np.testing.assert_allclose(teacher.losses(X, LABELS, LOGIT), expected, rtol=1e-5)
    np.testing.assert_allclose(taught.shape, (6,))


def test_who_knows_what_the_teacher_knows_learns_nothing_more_from_it() -> None:
    teacher = Teacher(network(1), DistillConfig(share=1.0, temperature=4.0), SIZE)
    logit = tf.Variable(teacher.logits(X))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(teacher.losses(X, LABELS, logit))
    np.testing.assert_allclose(tape.gradient(loss, logit), 0, atol=1e-5)


def test_the_gradient_keeps_its_size_whatever_the_temperature() -> None:
    sizes = []
    for temperature in (10.0, 100.0):
        teacher = Teacher(network(1), DistillConfig(share=1.0, temperature=temperature), SIZE)
        logit = tf.Variable(LOGIT)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(teacher.losses(X, LABELS, logit))
        sizes.append(np.linalg.norm(tape.gradient(loss, logit)))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_a_student_becomes_like_its_teacher_which_stays_as_it_is() -> None:
    spec, rng = PreprocessSpec(SIZE), np.random.default_rng(2)
    calm = AugmentConfig(flip=False, rotation_degrees=0, zoom=0, shift=0, contrast=0)
    config = TrainConfig(size=SIZE, epochs=60, batch=8, augment=calm)
    pixels = rng.integers(0, 256, (24, SIZE, SIZE)).astype(np.uint8)
    data = Data({"train": pixels}, {"train": rng.integers(0, 2, 24)})
    teacher_model, distances = network(1), {}
    before = [array.copy() for array in teacher_model.get_weights()]
    wanted = Trainer(teacher_model, config, spec).logits(pixels)
    for share in (0.0, 1.0):
        trainer = Trainer(network(2), config, spec, Teacher(teacher_model, DistillConfig(share, 3.0), SIZE))
        for epoch in range(60):
            for batch in batches(config, data, epoch):
                trainer.step(batch, 1e-3)
        distances[share] = np.abs(trainer.logits(pixels) - wanted).mean()
    assert distances[1.0] < 0.2 * distances[0.0]
    for one, two in zip(before, teacher_model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_settings_that_make_no_sense() -> None:
    for changes in ({"share": 1.5}, {"share": -0.1}, {"temperature": 0.0}):
        with pytest.raises(HemotkError, match=next(iter(changes))):
            replace(DistillConfig(), **changes)
