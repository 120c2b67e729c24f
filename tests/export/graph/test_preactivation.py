import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_networks import logit_error, network_input, random_graph, random_pixels, shapes, tiny_shape

from hemotk.errors import HemotkError
from hemotk.exporting.graph.cam_head import cam_head
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.ir import Affine, Graph, Threshold, readers, written
from hemotk.exporting.graph.positive_scales import positive_scales
from hemotk.exporting.graph.preactivation import Form, preactivation
from hemotk.models.shape import DenseNetShape

seeds = st.integers(0, 2**32 - 1)


def scales(graph: Graph) -> np.ndarray:
    found = [reader.before for block in range(len(graph.blocks)) for reader in readers(graph, block)]
    return np.concatenate([before.scale for before in found if isinstance(before, Affine)])


@given(shape=shapes(), seed=seeds)
def test_no_scale_is_negative_and_the_logit_does_not_change(shape: DenseNetShape, seed: int) -> None:
    graph = fold_batchnorm(random_graph(shape, seed))
    after = positive_scales(graph)
    assert (scales(after) >= 0).all()
    assert logit_error(graph, after, network_input(random_pixels(2, 33, seed % 7))) <= 1e-9


@given(shape=shapes(), seed=seeds, form=st.sampled_from(["maximum", "add"]))
def test_one_operator_is_left_and_the_logit_does_not_change(shape: DenseNetShape, seed: int, form: Form) -> None:
    graph = random_graph(shape, seed)
    after = preactivation(positive_scales(graph), form)
    for block in range(len(after.blocks)):
        for reader in readers(after, block):
            if form == "maximum":
                assert isinstance(reader.before, Threshold)
            else:
                assert isinstance(reader.before, Affine) and (reader.before.scale == 1).all()
    assert logit_error(graph, after, network_input(random_pixels(2, 33, seed % 7))) <= 1e-9


def test_positive_scales_cost_no_channel() -> None:
    graph = random_graph(tiny_shape(), 0, (1.0, 0.0))
    after = positive_scales(graph)
    assert [written(after, block) for block in (0, 1)] == [written(graph, block) for block in (0, 1)]
    assert after.stem.copy is None


def test_channels_that_all_take_negatively_are_turned_not_doubled() -> None:
    graph = random_graph(tiny_shape(), 0, (-1.0,))
    after = positive_scales(graph)
    assert [written(after, block) for block in (0, 1)] == [written(graph, block) for block in (0, 1)]


def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(HemotkError, match="positive_scales first"):
        preactivation(random_graph(tiny_shape(), 0, (-1.0,)))


def test_the_order_of_rewrites_is_checked() -> None:
    with pytest.raises(HemotkError, match="rewritten already"):
        positive_scales(preactivation(random_graph(tiny_shape(), 0, (1.0,))))


@given(seed=seeds, form=st.sampled_from(["maximum", "add", None]))
def test_a_cam_head_makes_the_same_logit_from_its_map(seed: int, form: Form | None) -> None:
    graph = positive_scales(random_graph(tiny_shape(), seed))
    after = cam_head(graph if form is None else preactivation(graph, form))
    h = network_input(random_pixels(2, 40))
    assert logit_error(graph, after, h) <= 1e-9
    outputs = evaluate(after, h)
    assert outputs.cam is not None
    assert outputs.cam.shape == (2, 5, 5, 1)
    np.testing.assert_allclose(outputs.cam.mean((1, 2)), outputs.logit)


def test_no_map_behind_hidden_layers() -> None:
    with pytest.raises(HemotkError, match="hidden layers"):
        cam_head(random_graph(tiny_shape(hidden=(3,)), 0))
