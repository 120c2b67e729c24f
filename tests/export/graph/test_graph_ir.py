import numpy as np
import pytest
from random_networks import (
    IMAGENET,
    network_input,
    random_arrays,
    random_graph,
    random_pixels,
    small_run_folder,
    tiny_shape,
)

from hemotk.errors import HemotkError
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.ir import read_graph, readers, with_readers, written


@pytest.mark.parametrize("changes", [{}, IMAGENET, {"hidden": (4, 3)}, {"channels": 1}])
def test_the_reference_agrees_with_keras(changes: dict) -> None:
    from hemotk.models.build import build_model, set_arrays, with_logit

    shape = tiny_shape(**changes)
    arrays = random_arrays(shape, seed=3)
    model = build_model(shape)
    set_arrays(model, arrays)
    h = network_input(random_pixels(3, 50))
    logit, probability = with_logit(model)(h.astype(np.float32))
    found = evaluate(random_graph(shape, seed=3), h)
    np.testing.assert_allclose(found.logit, logit.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.probability, probability.numpy(), rtol=1e-4, atol=1e-5)


def test_a_run_folder_is_read_back(tmp_path) -> None:
    shape = tiny_shape(hidden=(4,))
    graph = read_graph(small_run_folder(tmp_path, shape, random_arrays(shape, 1)))
    h = network_input(random_pixels(2, 40))
    np.testing.assert_array_equal(evaluate(graph, h).logit, evaluate(random_graph(shape, 1), h).logit)
    assert graph.stem.conv.kernel.dtype == np.float64


def test_arrays_of_a_graph_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        random_graph(tiny_shape(), 0).stem.conv.kernel[:] = 0


def test_readers_and_writers_name_the_channels_of_a_block() -> None:
    graph = random_graph(tiny_shape(), 0)
    assert [written(graph, block) for block in (0, 1)] == [(5, 3, 4), (6, 2, 3)]
    assert [reader.linear.weight.shape[0] for reader in readers(graph, 0)] == [5, 8, 12]
    assert [reader.linear.weight.shape[0] for reader in readers(graph, 1)] == [6, 8, 11]


@pytest.mark.parametrize("changes", [{}, {"hidden": (4,)}])
def test_readers_put_back_change_nothing(changes: dict) -> None:
    graph = again = random_graph(tiny_shape(**changes), 0)
    for block in range(2):
        again = with_readers(again, block, readers(again, block))
    h = network_input(random_pixels(2, 40))
    np.testing.assert_array_equal(evaluate(graph, h).logit, evaluate(again, h).logit)


def test_widths_that_do_not_match_the_weights(tmp_path) -> None:
    folder = small_run_folder(tmp_path, tiny_shape(), random_arrays(tiny_shape(stem=7), 0))
    with pytest.raises(HemotkError, match=r"weights\.npz: array 'conv1/conv/kernel'"):
        read_graph(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(tmp_path, value: float) -> None:
    arrays = random_arrays(tiny_shape(), 0)
    arrays["conv3_block1_2_conv/kernel"][1, 1, 0, 0] = value
    with pytest.raises(HemotkError, match="conv3_block1_2_conv/kernel"):
        read_graph(small_run_folder(tmp_path, tiny_shape(), arrays))


def test_a_negative_variance(tmp_path) -> None:
    arrays = random_arrays(tiny_shape(), 0)
    arrays["bn/moving_variance"][0] = -1
    with pytest.raises(HemotkError, match="bn/moving_variance' holds negative variances"):
        read_graph(small_run_folder(tmp_path, tiny_shape(), arrays))
