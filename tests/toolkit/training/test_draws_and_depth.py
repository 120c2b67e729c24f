"""Which pictures an epoch shows, what it teaches, and how far each block moves."""

from typing import Any

import numpy as np
import pytest

from hemotk.errors import HemotkError
from hemotk.training.config import TrainConfig

pytest.importorskip("tf_keras")
import tf_keras as keras

from hemotk.artifacts import PreprocessSpec
from hemotk.models.build import build_model, get_arrays
from hemotk.models.families import named_shape
from hemotk.training.fit import Data, batches
from hemotk.training.steps import Trainer

SIZE = 32
# Three classes of pictures in two sets: each picture's gray value is its number.
LABELS = np.array([0] * 40 + [1] * 8 + [0] * 20 + [1] * 4)
SETS = np.array([0] * 48 + [1] * 24)


def data(sets: np.ndarray | None = SETS) -> Data:
    pixels = np.arange(72, dtype=np.uint8)[:, None, None].repeat(SIZE, 1).repeat(SIZE, 2)
    return Data({"train": pixels}, {"train": LABELS}, sets)


def shown(sets: np.ndarray | None = SETS, **settings: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, labels and weights of the pictures of an epoch, in their order."""
    config = TrainConfig(size=SIZE, batch=8, **settings)
    made = list(batches(config, data(sets), 0))
    numbers = np.concatenate([batch.pixels[:, 0, 0] for batch in made]).astype(int)
    labels, weights = (np.concatenate([getattr(batch, name) for batch in made]) for name in ("labels", "weights"))
    return numbers, labels, weights


def test_each_picture_is_shown_once() -> None:
    numbers, labels, weights = shown()
    assert sorted(numbers) == list(range(72))
    np.testing.assert_array_equal(labels, LABELS[numbers])
    assert weights[labels == 1].mean() == pytest.approx(72 / 24)


def test_a_balanced_draw_shows_both_classes_of_each_set_alike() -> None:
    numbers, labels, weights = shown(draw="balanced")
    cells = 2 * SETS[numbers] + LABELS[numbers]
    assert np.bincount(cells).tolist() == [18, 18, 18, 18]
    assert (weights == 1).all() and labels.mean() == 0.5
    counts = np.bincount(numbers, minlength=72)
    assert counts[:40].max() == 1  # of a large class none twice
    assert counts[40:48].min() == 2 and counts[68:].min() == 4
    assert counts[40:48].max() - counts[40:48].min() <= 1 and counts[68:].max() - counts[68:].min() <= 1


def test_without_merged_sets_a_balanced_draw_balances_the_classes() -> None:
    numbers, labels, _ = shown(None, draw="balanced")
    assert labels.mean() == 0.5 and len(numbers) == 72


def test_smoothed_labels_keep_their_side() -> None:
    _, labels, _ = shown(label_smoothing=0.2)
    assert sorted(set(labels.tolist())) == pytest.approx([0.1, 0.9])


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_model(named_shape("densenet-tiny", SIZE))


def moved(rate_decay: float) -> dict[str, np.ndarray]:
    """How far each array moves in one step."""
    model = network()
    before = {name: array.copy() for name, array in get_arrays(model).items()}
    config = TrainConfig(arch="densenet-tiny", size=SIZE, batch=8, rate_decay=rate_decay)
    trainer = Trainer(model, config, PreprocessSpec(SIZE))
    trainer.step(next(iter(batches(config, data(), 0))), 1e-3)
    return {name: array - before[name] for name, array in get_arrays(model).items()}


def stage(name: str) -> int:
    digits = "".join(letter for letter in name.split("_", maxsplit=1)[0].split("/", maxsplit=1)[0] if letter.isdigit())
    return int(digits) if digits else 9


def test_the_step_becomes_shorter_from_block_to_block() -> None:
    full, half = moved(1.0), moved(0.5)
    last = max(stage(name) for name in full if stage(name) < 9)
    kernels = [name for name in full if name.endswith("kernel") or "kernel" in name]
    assert len({stage(name) for name in kernels}) > 2
    for name in kernels:
        blocks = max(0, last - stage(name))
        np.testing.assert_allclose(half[name], full[name] * 0.5**blocks, rtol=1e-3, atol=1e-8)


def test_frozen_blocks_keep_weights_and_averages() -> None:
    still = moved(0.0)
    last = max(stage(name) for name in still if stage(name) < 9)
    assert any(stage(name) < last for name in still)
    for name, change in still.items():
        if stage(name) < last:
            assert not change.any(), name
        elif "kernel" in name:
            assert change.any(), name


def test_other_networks_have_no_known_blocks() -> None:
    model = build_model(named_shape("cnn", SIZE))
    with pytest.raises(HemotkError, match=r"^rate_decay: is for DenseNets"):
        Trainer(model, TrainConfig(arch="cnn", size=SIZE, rate_decay=0.5), PreprocessSpec(SIZE))
