from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import IMAGENET, logit_error, network_input, random_graph, random_pixels, shapes, tiny_shape

from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.gray_stem import gray_stem
from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.graph.pool_first import pool_first
from hemotk.exporting.graph.stem_windows import stem_windows
from hemotk.models.shape import DenseNetShape

REWRITES = (fold_batchnorm, gray_stem, pool_first, stem_windows)


@pytest.mark.parametrize("rewrite", REWRITES)
@settings(max_examples=25, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**32 - 1), size=st.integers(32, 45))
def test_the_logit_does_not_change(
    rewrite: Callable[[Graph], Graph], shape: DenseNetShape, seed: int, size: int
) -> None:
    graph = random_graph(shape, seed)
    assert logit_error(graph, rewrite(graph), network_input(random_pixels(2, size, seed % 7))) <= 1e-9


def test_after_folding_no_batchnorm_follows_a_convolution() -> None:
    graph = fold_batchnorm(random_graph(tiny_shape(), 0))
    assert graph.stem.norm is None
    assert all(layer.between is None for block in graph.blocks for layer in block)


def test_a_gray_stem_reads_one_channel() -> None:
    assert gray_stem(random_graph(tiny_shape(), 0)).stem.conv.kernel.shape == (7, 7, 1, 5)


def test_a_stem_with_unequal_normalization_reads_a_constant_plane_beside_it() -> None:
    stem = gray_stem(random_graph(tiny_shape(**IMAGENET), 0)).stem
    assert stem.conv.kernel.shape == (7, 7, 2, 5)
    plane_byte = stem.lift.shift[1] * 255 * 0.226 + 115
    assert stem.lift.scale.tolist() == [1, 0]
    assert plane_byte == pytest.approx(np.rint(plane_byte), abs=1e-9)


def test_a_stem_of_windows_reads_eight_channels() -> None:
    stem = stem_windows(gray_stem(random_graph(tiny_shape(), 0))).stem
    assert stem.conv.kernel.shape == (4, 2, 8, 5)


def test_transitions_pool_first() -> None:
    assert all(transition.pool_first for transition in pool_first(random_graph(tiny_shape(), 0)).transitions)
