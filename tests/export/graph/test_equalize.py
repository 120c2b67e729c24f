from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_networks import logit_error, network_input, random_graph, random_pixels, shapes, tiny_shape

from hemotk.errors import HemotkError
from hemotk.exporting.graph.equalize import BlockScaling, equalize
from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.ir import Graph, written
from hemotk.exporting.graph.pool_first import pool_first
from hemotk.exporting.graph.positive_scales import positive_scales
from hemotk.exporting.graph.preactivation import preactivation
from hemotk.models.shape import DenseNetShape


def random_scalings(graph: Graph, seed: int) -> tuple[BlockScaling, ...]:
    """Factors 2^−4 to 2^4 and offsets around 0."""
    rng = np.random.default_rng(seed)
    found = []
    for block, layers in enumerate(graph.blocks):
        count = sum(written(graph, block))
        bottlenecks = tuple(2 ** rng.uniform(-4, 4, layer.reduce.bias.size) for layer in layers)
        copied = block == 0 and graph.stem.copy is not None
        stem = 2 ** rng.uniform(-4, 4, graph.stem.conv.bias.size) if copied else None
        found.append(BlockScaling(2 ** rng.uniform(-4, 4, count), rng.normal(0, 2, count), bottlenecks, stem))
    return tuple(found)


@given(shape=shapes(), seed=st.integers(0, 2**32 - 1), rewritten=st.booleans())
def test_the_logit_does_not_change(shape: DenseNetShape, seed: int, rewritten: bool) -> None:
    graph = fold_batchnorm(random_graph(shape, seed))
    graph = positive_scales(pool_first(graph)) if rewritten else graph
    after = equalize(graph, random_scalings(graph, seed))
    h = network_input(random_pixels(2, 33, seed % 7))
    assert logit_error(graph, after, h) <= 1e-9
    if rewritten:
        assert logit_error(graph, preactivation(after), h) <= 1e-9


def test_a_stem_that_is_only_scaled_gets_no_further_convolution() -> None:
    graph = fold_batchnorm(random_graph(tiny_shape(), 0))
    first, *others = random_scalings(graph, 0)
    offset = np.concatenate([np.zeros(5), first.offset[5:]])
    after = equalize(graph, (BlockScaling(first.factor, offset, first.bottlenecks), *others))
    assert after.stem.copy is None
    np.testing.assert_allclose(after.stem.conv.kernel, graph.stem.conv.kernel * first.factor[:5])


def test_a_stem_without_a_convolution_behind_it_cannot_be_scaled_alone() -> None:
    graph = fold_batchnorm(random_graph(tiny_shape(), 0))
    first, *others = random_scalings(graph, 0)
    with pytest.raises(HemotkError, match="the stem has no convolution behind its pool"):
        equalize(graph, (replace(first, offset=0 * first.offset, stem=np.ones(5)), *others))


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_factors_that_cannot_be_undone(factor: float) -> None:
    graph = fold_batchnorm(random_graph(tiny_shape(), 0))
    first, *others = random_scalings(graph, 0)
    first.factor[2] = factor
    with pytest.raises(HemotkError, match="block 1 has a factor"):
        equalize(graph, (first, *others))


def test_the_order_of_rewrites_is_checked() -> None:
    graph = random_graph(tiny_shape(), 0, (1.0,))
    with pytest.raises(HemotkError, match="after fold_batchnorm"):
        equalize(graph, random_scalings(graph, 0))
    folded = preactivation(fold_batchnorm(graph))
    with pytest.raises(HemotkError, match="rewritten already"):
        equalize(folded, random_scalings(folded, 0))
