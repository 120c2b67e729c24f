"""The schedule and the masks, on a few variables without a network; and which variables they are of a network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.models.families import named_shape
from hemotk.models.shape import CnnShape, densenet

pytest.importorskip("tf_keras")
import tensorflow as tf
from tensorflow_model_optimization.python.core.sparsity.keras.prune_registry import PruneRegistry
from tensorflow_model_optimization.python.core.sparsity.keras.pruning_utils import is_pruned_m_by_n

from hemotk.models.build import build_model, get_arrays, named_variables
from hemotk.pruning.magnitude.masks import Masks, Ramp
from hemotk.pruning.magnitude.pattern import groups, holds
from hemotk.pruning.magnitude.size import kernels

SHAPES = ((3, 3, 5, 7), (1, 1, 16, 9), (33, 4))


class Pretended:
    """Kernels that a gradient step changes at random everywhere, the zeros among them too."""

    def __init__(self, ramp: Ramp, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        starts = [self._rng.normal(size=size).astype(np.float32) for size in SHAPES]
        self.kernels = {str(i): tf.Variable(start) for i, start in enumerate(starts)}
        self._steps = tf.Variable(0, dtype=tf.int64)
        self._ramp = ramp
        self.masks = Masks(self.kernels, self._steps, ramp)

    def step(self) -> list[np.ndarray]:
        """Where the zeros are after one more step."""
        self.masks.take()
        for kernel in self.kernels.values():
            kernel.assign_add(self._rng.normal(0, 0.1, kernel.shape).astype(np.float32))
        self._steps.assign_add(1)
        self.masks.apply()
        return [kernel.numpy() == 0 for kernel in self.kernels.values()]

    def reread(self) -> None:
        """As after a kill: only the weights and the step are left."""
        self.masks = Masks(self.kernels, self._steps, self._ramp)


def share_at(step: int, ramp: Ramp) -> float:
    """Zhu & Gupta 2017, section 3."""
    p = min(1.0, max(0.0, (step - ramp.begin) / (ramp.end - ramp.begin)))
    return ramp.final + (ramp.initial - ramp.final) * (1 - p) ** 3


@settings(max_examples=10)
@given(
    final=st.floats(0.05, 0.95),
    begin=st.integers(0, 4),
    length=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_zeros_follow_the_polynomial_and_only_become_more(final: float, begin: int, length: int, seed: int) -> None:
    ramp = Ramp(0.0, final, begin, begin + length)
    net = Pretended(ramp, seed)
    before = [np.zeros(size, bool) for size in SHAPES]
    for step in range(1, begin + length + 4):
        after = net.step()
        for old, new in zip(before, after, strict=True):
            assert new[old].all()
            asked = share_at(step, ramp) * new.size if step >= begin else 0
            assert abs(new.sum() - asked) <= 1
        if step > ramp.end:
            assert all(map(np.array_equal, before, after))
        before = after


@given(begin=st.integers(0, 10**4), length=st.integers(1, 10**5), final=st.floats(0.01, 0.99))
def test_the_last_update_of_the_masks_is_the_end_of_the_ramp(begin: int, length: int, final: float) -> None:
    ramp = Ramp(0.0, final, begin, begin + length)
    schedule = ramp.schedule()
    due, share = schedule(tf.constant(ramp.end, tf.int64))
    assert bool(due) and float(share) == pytest.approx(final, abs=1e-6)
    assert begin <= schedule.begin_step < max(begin + 1, ramp.end)
    assert length // schedule.frequency <= 60


def test_masks_that_are_read_from_the_weights_again_are_the_same() -> None:
    ramp = Ramp(0.0, 0.7, 0, 10)
    one, two = Pretended(ramp, 3), Pretended(ramp, 3)
    for _ in range(12):
        two.reread()
        for a, b in zip(one.step(), two.step(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_zeros_that_were_there_stay_where_fewer_are_asked_for() -> None:
    net = Pretended(Ramp(0.0, 0.3, 0, 4), 0)
    kernel = net.kernels["1"]
    kernel.assign(tf.where(np.arange(16)[:, None] < 12, 0.0, kernel))
    there = kernel.numpy() == 0
    for _ in range(6):
        after = net.step()
    np.testing.assert_array_equal(after[1], there)
    assert after[0].mean() == pytest.approx(0.3, abs=0.01)


def test_two_of_four_holds_after_the_first_step_and_stays() -> None:
    net = Pretended(Ramp(0.0, 0.5, 0, 10, (2, 4)), 1)
    first = net.step()
    for _ in range(4):
        last = net.step()
    for kernel, one, two in zip(net.kernels.values(), first, last, strict=True):
        np.testing.assert_array_equal(one, two)
        array = kernel.numpy()
        assert ((groups(array, 4) == 0).sum(1) == 2).all() and holds(array, (2, 4))
        assert is_pruned_m_by_n(kernel, (2, 4))


def test_two_of_four_keeps_the_two_largest() -> None:
    kernel = tf.Variable(np.array([[0.1, -3], [-0.4, 0.2], [0.3, 0.1], [0.2, 1]], np.float32))
    masks = Masks({"a": kernel}, tf.Variable(1, dtype=tf.int64), Ramp(0.0, 0.5, 0, 1, (2, 4)))
    masks.take()
    masks.apply()
    np.testing.assert_array_equal(kernel.numpy() != 0, [[False, True], [True, False], [True, False], [False, True]])


@pytest.mark.parametrize(
    "shape",
    [densenet((1, 1), growth=4), CnnShape((4, 8), 16, 32), named_shape("mobilenetv3small", 32)],
    ids=["densenet", "cnn", "mobilenetv3small"],
)
def test_the_kernels_are_those_that_the_library_prunes(shape) -> None:
    model = build_model(shape)
    theirs = {
        id(weight)
        for layer in model.layers
        if layer.weights and PruneRegistry.supports(layer)
        for weight in PruneRegistry.make_prunable(layer).get_prunable_weights()
    }
    chosen = kernels(get_arrays(model))
    assert {id(variable) for name, variable in named_variables(model).items() if name in chosen} == theirs
