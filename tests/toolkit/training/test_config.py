"""Settings, recipes, learning rates, class weights and augmentation: numbers without a network."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.errors import HemotkError
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.magnitude.config import MagnitudeConfig
from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.config import RECIPES, AugmentConfig, TrainConfig, from_recipe, recipe_note

pytest.importorskip("tf_keras")
from hemotk.training.fit import class_weights, learning_rate


def test_the_papers_recipe_is_the_papers() -> None:
    config = from_recipe("paper")
    assert (config.epochs, config.peak_rate, config.schedule, config.class_weights) == (100, 1e-3, "constant", False)
    assert config.augment.flip and config.augment.rotation_degrees and config.augment.zoom
    assert from_recipe("paper", epochs=3, size=None).epochs == 3
    assert from_recipe("paper", size=None).size == 224


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_are_valid(recipe: str) -> None:
    assert from_recipe(recipe).recipe == recipe


def test_unknown_recipe_and_bad_settings() -> None:
    with pytest.raises(HemotkError, match="recipe"):
        from_recipe("magic")
    for bad in ({"epochs": 0}, {"batch": 1}, {"size": 8}, {"learning_rate": -1.0}, {"bn_momentum": 1.0}, {"seed": -1}):
        with pytest.raises(HemotkError, match=next(iter(bad))):
            from_recipe("hemotk", **bad)


@pytest.mark.parametrize("make", [TrainConfig, partial(PruneConfig, macs=0.5), MagnitudeConfig])
def test_seeds_are_those_that_numpy_takes(make: Callable[..., Any]) -> None:
    for seed in (0, 2**32 - 1):
        np.random.RandomState(make(seed=seed).seed)
    for seed in (-1, 2**32, 5_000_000_000):
        with pytest.raises(HemotkError, match="'seed' must be between 0 and 4294967295"):
            make(seed=seed)


def test_fine_tuning_starts_lower() -> None:
    assert TrainConfig(weights="imagenet").peak_rate < TrainConfig().peak_rate
    assert TrainConfig(weights="imagenet", learning_rate=0.5).peak_rate == 0.5


def test_given_weights_get_a_head_phase_unless_the_recipe_is_the_papers() -> None:
    assert from_recipe("hemotk").head_phase == from_recipe("paper", weights="imagenet").head_phase == 0
    given_weights = from_recipe("hemotk", weights="imagenet", epochs=5)
    assert given_weights.head_phase == 20 and given_weights.all_epochs == 25
    assert given_weights.settings()["head_epochs"] == 20
    assert from_recipe("paper", weights="imagenet", head_epochs=3, epochs=0).all_epochs == 3


@pytest.mark.parametrize(
    "bad",
    [
        {"head_epochs": 3},
        {"head_epochs": -1, "weights": "imagenet"},
        {"epochs": 0, "weights": "imagenet", "head_epochs": 0},
        {"head_views": 0},
        {"head_views": 65},
    ],
)
def test_head_phases_that_cannot_be(bad: dict[str, Any]) -> None:
    with pytest.raises(HemotkError, match=f"'{next(iter(bad))}' must be"):
        TrainConfig(**bad)


@given(st.integers(1, 200))
def test_cosine_rises_then_falls_to_nothing(epochs: int) -> None:
    config = TrainConfig(epochs=epochs)
    rates = np.array([learning_rate(config, e, s / 10) for e in range(epochs) for s in range(10)])
    top = int(rates.argmax())
    assert (np.diff(rates[: top + 1]) >= 0).all() and (np.diff(rates[top:]) <= 0).all()
    assert rates.min() > 0 and rates.max() == pytest.approx(config.peak_rate)
    assert learning_rate(config, epochs, 0.0) == pytest.approx(0.0, abs=1e-12)


def test_constant_schedule() -> None:
    config = TrainConfig(schedule="constant", learning_rate=0.01)
    assert all(learning_rate(config, e, 0.3) == 0.01 for e in range(100))


def test_class_weights_balance_the_classes() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    weights = class_weights(labels, balanced=True)
    assert weights[0] * 90 == pytest.approx(weights[1] * 10) and weights[labels].mean() == pytest.approx(1)
    assert list(class_weights(labels, balanced=False)) == [1, 1]


def test_no_augmentation_is_the_identity() -> None:
    config = AugmentConfig(flip=False, rotation_degrees=0, zoom=0, shift=0, contrast=0)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(random_transforms(config, rng, 3, 64), [[1, 0, 0, 0, 1, 0, 0, 0]] * 3)
    np.testing.assert_array_equal(random_contrast(config, rng, 3), [[1, 0]] * 3)


def test_transforms_keep_the_middle_and_stay_in_range() -> None:
    config = AugmentConfig(shift=0)
    t = random_transforms(config, np.random.default_rng(0), 500, 65).reshape(500, 8)
    linear = t[:, [0, 1, 3, 4]].reshape(-1, 2, 2)
    middle = linear @ [32, 32] + t[:, [2, 5]]
    np.testing.assert_allclose(middle, 32, atol=1e-3)
    scale = np.sqrt(abs(np.linalg.det(linear)))
    assert scale.min() >= 0.85 - 1e-6 and scale.max() <= 1.15 + 1e-6
    assert 0.4 < (np.linalg.det(linear) < 0).mean() < 0.6
    angle = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 1, 1]))
    assert abs(angle).max() <= 15 + 1e-4 and abs(angle).max() > 10


def test_a_mirrored_picture_is_mirrored() -> None:
    tf = pytest.importorskip("tensorflow")
    from hemotk.training.steps import _augmented

    picture = np.random.default_rng(0).integers(1, 255, (1, 32, 32, 1)).astype(np.float32)
    config = AugmentConfig(rotation_degrees=0, zoom=0, shift=0)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(20):
        moved = _augmented(tf.constant(picture), random_transforms(config, rng, 1, 32), np.array([[1, 0]], np.float32))
        same, mirrored = np.array_equal(moved, picture), np.array_equal(moved, picture[:, :, ::-1])
        assert same != mirrored
        seen.add(same)
    assert seen == {True, False}


def test_the_note_says_what_was_done() -> None:
    assert "head" not in recipe_note(TrainConfig()) and "head" not in recipe_note(
        TrainConfig(weights="w", head_epochs=0)
    )
    both = recipe_note(TrainConfig(weights="w", head_views=4))
    assert both.endswith(
        "learned alone, for 20 epochs on 4 augmented views of each picture, before the whole network did."
    )
    assert recipe_note(TrainConfig(weights="w", epochs=0)).endswith("the rest is as the given weights were.")
    assert "a constant 0.001, 5 epochs (in the 2021 paper 0.001 and 100)" in recipe_note(from_recipe("paper", epochs=5))
