"""Zeros counted, patterns recognized, bytes deflated."""

import zlib

import numpy as np
import pytest

from hemotk.pruning.magnitude.pattern import can_hold, groups, holds, zeros_asked
from hemotk.pruning.magnitude.size import NOT_PRUNED, Zeros, deflated_bytes, kernels, kind, sparse_size, zeros


def test_zeros_per_kind_of_layer() -> None:
    weights = {
        "a/kernel": np.array([0, 1, 2, 0], np.float32).reshape(1, 1, 2, 2),
        "b/kernel": np.zeros((3, 3, 1, 2), np.float32),
        "c/kernel": np.ones((4, 1), np.float32),
        "d/depthwise_kernel": np.zeros((3, 3, 2, 1), np.float32),
        "c/bias": np.zeros(1, np.float32),
    }
    size = sparse_size(weights)
    assert size.zeros == {
        "1×1 convolution": Zeros(2, 4),
        "3×3 convolution": Zeros(18, 18),
        "dense": Zeros(0, 4),
        NOT_PRUNED: Zeros(19, 19),
    }
    assert size.pruned == Zeros(20, 26) and size.plain == 4 * 45
    assert set(kernels(weights)) == {"a/kernel", "b/kernel", "c/kernel"}
    assert kind("logit/kernel", (5, 1)) == "dense" and kind("x/bn/gamma", (5,)) == NOT_PRUNED


def test_deflated_bytes_are_those_of_all_arrays_in_one_stream() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(50, 40)).astype(np.float32), rng.normal(size=(3, 7)).astype(np.float32).T]
    with_head_and_checksum = zlib.compress(b"".join(array.tobytes() for array in arrays))
    assert deflated_bytes(arrays) == len(with_head_and_checksum) - 6
    half = [np.where(rng.random(array.shape) < 0.5, 0, array) for array in arrays]
    assert deflated_bytes(half) < 0.7 * deflated_bytes(arrays)


def test_no_weights_at_all() -> None:
    assert zeros([]).share == 0.0


@pytest.mark.parametrize(("size", "sparsity", "expected"), [(10, 0.5, 5), (7, 0.9, 6), (1, 0.5, 0), (3, 0.99, 2)])
def test_how_many_zeros_are_asked_for(size: int, sparsity: float, expected: int) -> None:
    assert zeros_asked(size, sparsity) == expected


def test_groups_lie_along_the_input_channels() -> None:
    kernel = np.zeros((1, 2, 6, 1))
    kernel[0, 0, :, 0] = [1, 2, 0, 0, 5, 6]
    kernel[0, 1, :, 0] = [0, 2, 0, 4, 0, 0]
    np.testing.assert_array_equal(groups(kernel, 4), [[1, 2, 0, 0], [0, 2, 0, 4]])
    assert holds(kernel, (2, 4))
    kernel[0, 1, 0, 0] = 1
    assert not holds(kernel, (2, 4))
    assert can_hold((7, 7, 4, 64), (2, 4)) and not can_hold((7, 7, 3, 64), (2, 4))
