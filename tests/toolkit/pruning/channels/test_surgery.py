import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keep_sets import keeps, logits, shapes_and_keeps
from random_networks import random_arrays, shapes

from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.pruning.channels.keep import KeepSet, LayerKeep
from hemotk.pruning.channels.surgery import cut, positions, silenced

SHAPE = DenseNetShape(3, ((LayerShape(4, 3), LayerShape(2, 2)), (LayerShape(3, 2),)), (5,), hidden=(4,))
KEEP = KeepSet((0, 2), ((LayerKeep((1, 3), (2,)), LayerKeep((0,), (0, 1))), (LayerKeep((2,), (1,)),)), ((0, 3, 4),))


def macs_and_parameters(shape: DenseNetShape, size: int) -> tuple[int, int]:
    """By table 1 of the paper, one layer after the other."""
    side = -(-size // 2)
    macs, parameters = 49 * shape.stem * side**2, 49 * shape.channels * shape.stem + 4 * shape.stem
    side, width = -(-side // 2), shape.stem
    for b, block in enumerate(shape.blocks):
        for layer in block:
            inner, grown = layer.bottleneck, layer.growth
            macs += side * side * (width * inner + 9 * inner * grown)
            parameters += 4 * width + width * inner + 4 * inner + 9 * inner * grown
            width += grown
        if b + 1 < len(shape.blocks):
            macs += side * side * width * shape.transitions[b]
            parameters += 4 * width + width * shape.transitions[b]
            side, width = side // 2, shape.transitions[b]
    parameters += 4 * width
    for out in (*shape.hidden, 1):
        macs, parameters, width = macs + width * out, parameters + (width + 1) * out, out
    return macs, parameters


@given(both=shapes_and_keeps(), seed=st.integers(0, 2**31))
@settings(max_examples=150)
def test_the_cut_network_is_the_silenced_one(both: tuple[DenseNetShape, KeepSet], seed: int) -> None:
    shape, keep = both
    weights = random_arrays(shape, seed)
    reference = logits(shape, silenced(shape, weights, keep))
    np.testing.assert_allclose(logits(*cut(shape, weights, keep)), reference, rtol=1e-5, atol=1e-5)


@given(both=shapes_and_keeps(), size=st.integers(16, 80))
def test_counts_of_the_cut_network_are_those_of_the_formula(both: tuple[DenseNetShape, KeepSet], size: int) -> None:
    shape, keep = both
    smaller, weights = cut(shape, random_arrays(shape, 0), keep)
    macs, parameters = macs_and_parameters(smaller, size)
    assert smaller.macs(size) == macs
    assert smaller.parameters() == parameters == sum(array.size for array in weights.values())
    assert (smaller.stem, smaller.channels, smaller.hidden) == (len(keep.stem), shape.channels, shape.hidden)
    assert smaller.transitions == tuple(map(len, keep.transitions))
    found = [(layer.bottleneck, layer.growth) for block in smaller.blocks for layer in block]
    staying = [layer for block in keep.blocks for layer in block if not layer.vanishes]
    assert found == [(len(layer.bottleneck), len(layer.growth)) for layer in staying]
    assert [len(block) for block in smaller.blocks] == [
        sum(not layer.vanishes for layer in block) for block in keep.blocks
    ]


@given(shape=shapes(), seed=st.integers(0, 2**31))
def test_keeping_everything_changes_no_bit(shape: DenseNetShape, seed: int) -> None:
    weights, whole = random_arrays(shape, seed), KeepSet.whole(shape)
    same, copies = cut(shape, weights, whole)
    assert same == shape
    for found in (copies, silenced(shape, weights, whole)):
        assert list(found) == list(shape.arrays())
        for name, array in found.items():
            assert array.dtype == np.float32
            assert array.tobytes() == weights[name].tobytes()
            assert not np.shares_memory(array, weights[name])


@given(both=shapes_and_keeps(), again=st.data())
def test_two_cuts_are_one(both: tuple[DenseNetShape, KeepSet], again: st.DataObject) -> None:
    shape, first = both
    middle, weights = cut(shape, random_arrays(shape, 1), first)
    second = again.draw(keeps(middle))
    inner = iter(second.flat())
    joined = KeepSet.of(shape, [[outer[i] for i in next(inner)] if outer else () for outer in first.flat()])
    one, two = cut(shape, random_arrays(shape, 1), joined), cut(middle, weights, second)
    assert one[0] == two[0]
    assert all(np.array_equal(one[1][name], two[1][name]) for name in one[1])


@given(both=shapes_and_keeps(), seed=st.integers(0, 2**31), which=st.data())
@settings(max_examples=100)
def test_a_network_without_a_layer_is_the_one_whose_layer_makes_zeros(
    both: tuple[DenseNetShape, KeepSet], seed: int, which: st.DataObject
) -> None:
    """Written out anew: zeros made by the 3×3 convolution, and passed on as zeros by every BatchNorm behind it."""
    shape = both[0]
    places = [(b, i) for b, block in enumerate(shape.blocks) for i in range(len(block))]
    if len(places) < 2:
        return
    b, i = which.draw(st.sampled_from(places))
    weights = random_arrays(shape, seed)
    zeros = {name: array.copy() for name, array in weights.items()}
    zeros[f"conv{b + 2}_block{i + 1}_2_conv/kernel"][:] = 0
    channels = slice(shape.widths()[b][i], shape.widths()[b][i + 1])
    behind = [f"conv{b + 2}_block{j + 1}_0_bn" for j in range(i + 1, len(shape.blocks[b]))]
    behind.append(f"pool{b + 2}_bn" if b < len(shape.transitions) else "bn")
    for norm in behind:
        zeros[f"{norm}/gamma"][channels] = zeros[f"{norm}/beta"][channels] = 0
    whole = KeepSet.whole(shape)
    block = tuple(LayerKeep((), ()) if j == i else layer for j, layer in enumerate(whole.blocks[b]))
    keep = dataclasses.replace(whole, blocks=(*whole.blocks[:b], block, *whole.blocks[b + 1 :]))
    found = cut(shape, weights, keep)
    assert len(found[0].blocks[b]) == len(shape.blocks[b]) - 1
    np.testing.assert_allclose(logits(*found), logits(shape, zeros), rtol=1e-5, atol=1e-5)


def test_layers_behind_one_that_vanishes_take_its_number() -> None:
    weights = random_arrays(SHAPE, 5)
    keep = dataclasses.replace(
        KeepSet.whole(SHAPE), blocks=((LayerKeep((), ()), LayerKeep((0, 1), (0, 1))), (LayerKeep((), ()),))
    )
    smaller, arrays = cut(SHAPE, weights, keep)
    assert smaller.blocks == ((LayerShape(2, 2),), ()) and smaller.widths() == ((3, 5), (5,))
    assert arrays["conv2_block1_2_conv/kernel"].tobytes() == weights["conv2_block2_2_conv/kernel"].tobytes()
    np.testing.assert_array_equal(arrays["conv2_block1_1_conv/kernel"], weights["conv2_block2_1_conv/kernel"][:, :, :3])
    assert not any(name.startswith("conv3") for name in arrays)
    assert arrays["bn/gamma"].tobytes() == weights["bn/gamma"][:5].tobytes()


def test_positions_go_through_the_concatenations() -> None:
    found = {where: indices.tolist() for where, indices in positions(SHAPE, KEEP).items()}
    assert found["conv1/conv/kernel", -1] == found["conv1/bn/beta", -1] == [0, 2]
    assert found["conv2_block1_1_conv/kernel", -2] == [0, 2]
    assert found["conv2_block1_1_conv/kernel", -1] == found["conv2_block1_2_conv/kernel", -2] == [1, 3]
    assert found["conv2_block2_0_bn/gamma", -1] == found["conv2_block2_1_conv/kernel", -2] == [0, 2, 5]
    assert found["pool2_bn/moving_mean", -1] == found["pool2_conv/kernel", -2] == [0, 2, 5, 6, 7]
    assert found["bn/gamma", -1] == found["hidden1/kernel", -2] == [0, 3, 4, 6]
    assert ("hidden1/kernel", -1) not in found


def test_what_is_silenced_is_zero_and_nothing_else_is_touched() -> None:
    weights = {name: array + np.float32(9) for name, array in random_arrays(SHAPE, 3).items()}
    changed = {
        name: np.argwhere(array != weights[name])[:, -1] for name, array in silenced(SHAPE, weights, KEEP).items()
    }
    gone = {name: sorted(set(columns.tolist())) for name, columns in changed.items() if columns.size}
    norms = {"conv1/bn": [1], "conv2_block1_0_bn": [1], "conv2_block1_1_bn": [0, 2], "conv2_block2_0_bn": [1, 3, 4]}
    norms |= {"conv2_block2_1_bn": [1], "pool2_bn": [1, 3, 4], "conv3_block1_0_bn": [1, 2]}
    norms |= {"conv3_block1_1_bn": [0, 1], "bn": [1, 2, 5]}
    kernels = {"conv1/conv": [1], "conv2_block1_1_conv": [0, 2], "conv2_block1_2_conv": [0, 1]}
    kernels |= {"conv2_block2_1_conv": [1], "pool2_conv": [1, 2], "conv3_block1_1_conv": [0, 1]}
    kernels |= {"conv3_block1_2_conv": [0]}
    expected = {f"{name}/{part}": at for name, at in norms.items() for part in ("gamma", "beta")}
    assert gone == expected | {f"{name}/kernel": at for name, at in kernels.items()}


@pytest.mark.parametrize("what", [cut, silenced])
def test_what_does_not_fit_is_refused(what) -> None:
    weights = random_arrays(SHAPE, 0)
    with pytest.raises(HemotkError, match=r"keeps channel 9 of conv1/conv, which has 3"):
        what(SHAPE, weights, dataclasses.replace(KEEP, stem=(0, 9)))
    with pytest.raises(HemotkError, match=r"weights: array 'bn/gamma' is missing"):
        what(SHAPE, {name: array for name, array in weights.items() if name != "bn/gamma"}, KEEP)
    with pytest.raises(HemotkError, match=r"weights: array 'bn/beta' is \[1\]"):
        what(SHAPE, weights | {"bn/beta": np.zeros(1, np.float32)}, KEEP)
