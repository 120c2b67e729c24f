import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keep_sets import logits, shapes_and_keeps
from random_networks import random_arrays, shapes

from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.pruning.channels.groups import Group, groups
from hemotk.pruning.channels.importance import ChannelScores, magnitude, mean_scores, taylor
from hemotk.pruning.channels.keep import KeepSet
from hemotk.pruning.channels.surgery import cut, silenced

SHAPE = DenseNetShape(2, ((LayerShape(3, 2), LayerShape(2, 2)), (LayerShape(2, 1),)), (3,), hidden=(2,))
seeds = st.integers(0, 2**31)


def random_gradients(shape: DenseNetShape, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=size).astype(np.float32) for name, size in shape.arrays().items()}


def assert_close(found: ChannelScores, expected: ChannelScores) -> None:
    for mine, other in zip((*found.values, found.layers), (*expected.values, expected.layers), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-12)


def test_the_magnitude_of_a_network_small_enough_for_a_pencil() -> None:
    shape = DenseNetShape(2, ((LayerShape(1, 1),),), (), bn_epsilon=1.0)
    weights = {name: np.ones(size, np.float32) for name, size in shape.arrays().items()}
    weights["conv2_block1_0_bn/gamma"] = np.array([2, -1], np.float32)
    weights["conv2_block1_1_conv/kernel"] = np.array([1, 4], np.float32).reshape(1, 1, 2, 1)
    weights["bn/moving_variance"] = np.array([1, 0, 3], np.float32)
    weights["logit/kernel"] = np.array([[1], [1], [2]], np.float32)
    # e: of the layer 4/2 · 1 and 1/2 · 16; of the logit 1/2 · 1, 0 and 3/4 · 4.
    stem, bottleneck, growth = magnitude(shape, weights).values
    np.testing.assert_allclose(stem, [2 / 10 + 0.5 / 3.5, 8 / 10])
    np.testing.assert_allclose(bottleneck, [1])
    np.testing.assert_allclose(growth, [3 / 3.5])


@given(shape=shapes(), seed=seeds)
def test_magnitudes_of_what_a_reader_reads_are_shares(shape: DenseNetShape, seed: int) -> None:
    weights = random_arrays(shape, seed)
    for name in weights:
        if name.endswith("/gamma"):
            weights[name] = np.where(weights[name] == 0, np.float32(0.5), weights[name])
    consumers = {consumer.kernel for group in groups(shape) for consumer in group.consumers}
    assert sum(value.sum() for value in magnitude(shape, weights).values) == pytest.approx(len(consumers))


@given(both=shapes_and_keeps(), seed=seeds)
def test_silenced_channels_have_no_importance(both: tuple[DenseNetShape, KeepSet], seed: int) -> None:
    shape, keep = both
    weights = silenced(shape, random_arrays(shape, seed), keep)
    for scores in (magnitude(shape, weights), taylor(shape, weights, random_gradients(shape, seed))):
        for value, kept in zip(scores.values, keep.flat(), strict=True):
            assert not np.delete(value, kept).any()


@given(both=shapes_and_keeps(vanish=False), seed=seeds)
def test_cutting_silenced_channels_leaves_the_scores_of_the_others(
    both: tuple[DenseNetShape, KeepSet], seed: int
) -> None:
    """Not where a layer vanishes: what it read of other channels counted for them."""
    shape, keep = both
    weights, gradients = silenced(shape, random_arrays(shape, seed), keep), random_gradients(shape, seed)
    _, smaller_gradients = cut(shape, gradients, keep)
    smaller, smaller_weights = cut(shape, weights, keep)
    for found, before in (
        (magnitude(smaller, smaller_weights), magnitude(shape, weights)),
        (taylor(smaller, smaller_weights, smaller_gradients), taylor(shape, weights, gradients)),
    ):
        kept = [value[list(channels)] for value, channels in zip(before.values, keep.flat(), strict=True)]
        assert_close(found, ChannelScores(tuple(kept), before.layers))


@given(seed=seeds, factor=st.floats(0.1, 10), sign=st.sampled_from((-1, 1)))
def test_a_magnitude_knows_no_scale(seed: int, factor: float, sign: int) -> None:
    """A filter may be rescaled if the BatchNorms behind it are, and any kernel as a whole."""
    weights = random_arrays(SHAPE, seed)
    changed = dict(weights)
    changed["conv2_block2_1_conv/kernel"] = weights["conv2_block2_1_conv/kernel"] * np.float32(factor * sign)
    for part in ("gamma", "beta"):
        changed[f"pool2_bn/{part}"] = weights[f"pool2_bn/{part}"] * np.float32(factor)
    assert_close(magnitude(SHAPE, changed), magnitude(SHAPE, weights))


@given(seed=seeds)
@settings(max_examples=20)
def test_channels_in_another_order_have_their_scores_in_that_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, gradients = random_arrays(SHAPE, seed), random_gradients(SHAPE, seed)
    orders = [rng.permutation(group.width) for group in groups(SHAPE)]
    mixed, mixed_gradients = dict(weights), dict(gradients)
    for group, order in zip(groups(SHAPE), orders, strict=True):
        for place in group.places():
            for arrays in (mixed, mixed_gradients):
                array = np.moveaxis(arrays[place.array].copy(), place.axis, 0)
                array[place.start : place.start + group.width] = array[place.start + order]
                arrays[place.array] = np.moveaxis(array, 0, place.axis)
    for found, before in (
        (magnitude(SHAPE, mixed), magnitude(SHAPE, weights)),
        (taylor(SHAPE, mixed, mixed_gradients), taylor(SHAPE, weights, gradients)),
    ):
        mine = tuple(v[order] for v, order in zip(before.values, orders, strict=True))
        assert_close(found, ChannelScores(mine, before.layers))


def silencing(weights: dict[str, np.ndarray], group: Group, channel: int, share: float) -> dict[str, np.ndarray]:
    """The weights with that share of one channel's BatchNorms taken away."""
    changed = {name: array.astype(np.float64) for name, array in weights.items()}
    for consumer in group.consumers:
        for part in ("gamma", "beta"):
            changed[f"{consumer.norm}/{part}"][consumer.start + channel] *= 1 - share
    return changed


@given(seed=seeds)
@settings(max_examples=5)
def test_taylor_is_the_squared_slope_of_silencing(seed: int) -> None:
    """With gradients by finite differences of each gamma and beta alone, and the slope of all at once beside them."""
    weights = random_arrays(SHAPE, seed)

    def slope(low: dict[str, np.ndarray], high: dict[str, np.ndarray], step: float) -> float:
        return float((logits(SHAPE, high, 16) - logits(SHAPE, low, 16)).sum() / (2 * step))

    gradients, step = {}, 1e-6
    for name, array in weights.items():
        if not name.endswith(("gamma", "beta")):
            continue
        gradients[name] = np.zeros(array.shape)
        for i in range(array.size):
            low, high = ({**weights, name: array.astype(np.float64)} for _ in range(2))
            low[name][i] -= step
            high[name][i] += step
            gradients[name][i] = slope(low, high, step)
    for group, value in zip(groups(SHAPE), taylor(SHAPE, weights, gradients).values, strict=True):
        for channel in range(group.width):
            low, high = (silencing(weights, group, channel, share) for share in (-step, step))
            found = slope(low, high, step)
            assert math.sqrt(value[channel]) == pytest.approx(abs(found), rel=1e-3, abs=1e-6)


def test_taylor_is_additive_before_the_square_and_averages_after_it() -> None:
    weights = random_arrays(SHAPE, 5)
    one, two = random_gradients(SHAPE, 1), random_gradients(SHAPE, 2)
    opposite = {name: -array for name, array in one.items()}
    assert_close(taylor(SHAPE, weights, opposite), taylor(SHAPE, weights, one))
    found = mean_scores([taylor(SHAPE, weights, one), taylor(SHAPE, weights, two)])
    for mean, a, b in zip(
        found.values, taylor(SHAPE, weights, one).values, taylor(SHAPE, weights, two).values, strict=True
    ):
        np.testing.assert_allclose(mean, (a + b) / 2)


@pytest.mark.parametrize("bad", [np.array([-1e-9]), np.array([np.nan]), np.array([np.inf]), np.zeros((1, 1))])
def test_what_is_no_score_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(HemotkError, match=r"scores: hold .*negative, infinite or NaN.*; look"):
        ChannelScores((np.zeros(2), bad))


def test_scores_are_read_only_copies() -> None:
    array = np.ones(3)
    scores = ChannelScores((array,))
    array[0] = 7
    assert scores.values[0][0] == 1
    with pytest.raises(ValueError, match="read-only"):
        scores.values[0][0] = 2


def test_what_does_not_fit_is_refused() -> None:
    weights, gradients = random_arrays(SHAPE, 0), random_gradients(SHAPE, 0)
    partial = {name: array for name, array in weights.items() if name != "bn/beta"}
    for make in (lambda: magnitude(SHAPE, partial), lambda: taylor(SHAPE, partial, gradients)):
        with pytest.raises(HemotkError, match="weights: array 'bn/beta' is missing"):
            make()
    for wrong in (
        {name: array for name, array in gradients.items() if name != "pool2_bn/gamma"},
        gradients | {"pool2_bn/gamma": np.zeros(2)},
    ):
        with pytest.raises(HemotkError, match=r"gradients: 'pool2_bn/gamma' is missing or not \[6\]; take"):
            taylor(SHAPE, weights, wrong)
    with pytest.raises(HemotkError, match="scores: hold"):
        taylor(SHAPE, weights, gradients | {"bn/beta": np.full(4, np.nan, np.float32)})
    with pytest.raises(HemotkError, match="scores: there is no batch"):
        mean_scores([])
    with pytest.raises(HemotkError, match="scores: are not one for every channel"):
        ChannelScores((np.zeros(2),)).check(SHAPE)
    fine = tuple(np.zeros(group.width) for group in groups(SHAPE))
    ChannelScores(fine, np.zeros(3)).check(SHAPE)
    with pytest.raises(HemotkError, match="scores: are not one for every channel"):
        ChannelScores(fine, np.zeros(2)).check(SHAPE)


def test_channels_that_pull_the_same_way_make_a_layer_more_important_than_their_sum() -> None:
    shape = DenseNetShape(1, ((LayerShape(1, 2), LayerShape(1, 2)),), ())
    weights = {name: np.ones(size, np.float32) for name, size in shape.arrays().items()}
    gradients = {name: np.zeros(size, np.float32) for name, size in shape.arrays().items()}
    gradients["bn/gamma"] = np.array([0, 3, 4, 5, -4], np.float32)  # stem, two of the first layer, two of the second
    scores = taylor(shape, weights, gradients)
    np.testing.assert_allclose(scores.values[2], [9, 16])
    np.testing.assert_allclose(scores.layers, [49, 1])
    same = magnitude(shape, weights)
    np.testing.assert_allclose(same.layers, [same.values[2].sum(), same.values[4].sum()])
