from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import logit_error, network_input, random_graph, random_pixels, shapes, tiny_shape

from hemotk.errors import HemotkError
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.floor_stem import floor_stem
from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.ir import Affine, Graph, readers, with_readers
from hemotk.exporting.graph.positive_scales import positive_scales
from hemotk.models.shape import DenseNetShape


def ready(shape: DenseNetShape, seed: int, signs: tuple[float, ...] = (-1.0, 0.0, 1.0)) -> Graph:
    return positive_scales(fold_batchnorm(random_graph(shape, seed, signs)))


@settings(max_examples=40, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 2**32 - 1), size=st.integers(32, 45))
def test_the_logit_does_not_change(shape: DenseNetShape, seed: int, size: int) -> None:
    graph = ready(shape, seed)
    assert logit_error(graph, floor_stem(graph), network_input(random_pixels(2, size, seed % 7))) <= 1e-9


def blind_below(graph: Graph, floor: np.ndarray) -> Graph:
    """The same readers of the first block with thresholds of at least `floor` for the stem's channels."""
    found = []
    for reader in readers(graph, 0):
        assert isinstance(reader.before, Affine)
        scale, shift = reader.before.scale.copy(), reader.before.shift.copy()
        scale[: floor.size] = 1.5
        shift[: floor.size] = -1.5 * (floor + np.arange(floor.size) * 0.01)
        found.append(replace(reader, before=Affine(scale, shift)))
    return with_readers(graph, 0, tuple(found))


def test_what_no_reader_sees_is_cut_off() -> None:
    floor = np.array([0.5, 0.25, 0.0, 1.0, 0.125])
    graph = blind_below(ready(tiny_shape(), 3, (1.0,)), floor)
    lowered = floor_stem(graph)
    exact = floor + np.arange(5) * 0.01
    np.testing.assert_allclose(graph.stem.conv.bias - lowered.stem.conv.bias, exact, atol=1e-12)
    h = network_input(random_pixels(2, 40))
    np.testing.assert_allclose(evaluate(lowered, h).logit, evaluate(graph, h).logit, rtol=1e-9)


def test_a_channel_that_is_also_needed_negated_keeps_its_lower_end() -> None:
    graph = fold_batchnorm(random_graph(tiny_shape(), 5, (1.0,)))
    first, *others = readers(graph, 0)
    assert isinstance(first.before, Affine)
    scale = first.before.scale.copy()
    scale[1] *= -1
    shift = first.before.shift.copy()
    shift[1] = 2.0
    graph = positive_scales(with_readers(graph, 0, (replace(first, before=Affine(scale, shift)), *others)))
    assert graph.stem.copy is not None
    assert floor_stem(graph).stem.conv.bias[1] == graph.stem.conv.bias[1]


def test_negative_scales_are_refused() -> None:
    with pytest.raises(HemotkError, match="comes after positive_scales"):
        floor_stem(fold_batchnorm(random_graph(tiny_shape(), 0, (-1.0,))))


def test_a_stem_with_its_batchnorm_is_refused() -> None:
    with pytest.raises(HemotkError, match="comes after fold_batchnorm"):
        floor_stem(random_graph(tiny_shape(), 0, (1.0,)))
