from dataclasses import replace

import numpy as np
import pytest
from random_networks import graph_of, network_input, random_pixels, tiny_shape, trained_like

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.ir import Graph, Linear, affine, readers
from hemotk.exporting.integer.calibrate import channel_ranges
from hemotk.exporting.integer.constants import LARGEST_BIAS, with_least_weights, without_constants
from hemotk.exporting.integer.graph import INT8_STEPS, integer_graph
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.tflite.scorer import Scorer

SIZE = 48
SPEC = PreprocessSpec(SIZE)
PIXELS = random_pixels(24, SIZE)
# One of its stem channels is dead for random weights of seeds 0 and 7.
BLOCKS = ((LayerShape(12, 6), LayerShape(10, 8)), (LayerShape(14, 6), LayerShape(16, 8)))
SHAPE = DenseNetShape(12, BLOCKS, (12,), hidden=(8,))


def noise(graph: Graph) -> float:
    """Root mean square logit error of the int8 network, in standard deviations of the float network's logits."""
    made = integer_graph(graph, channel_ranges(graph, PIXELS, SPEC), INT8_STEPS)
    content = quantize(convert_graph(made.graph, SIZE), Recipe("int8"), SPEC, made.ranges)
    scorer = Scorer(content, SPEC)
    expected = evaluate(graph, network_input(PIXELS)).logit[:, 0]
    found = np.array([scorer.score(image).logit for image in PIXELS])
    return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())


@pytest.mark.parametrize("seed", [0, 7])
def test_a_dead_channel_that_batchnorm_magnifies_spoils_nothing(seed: int) -> None:
    graph = plain(graph_of(SHAPE, trained_like(SHAPE, seed, SIZE)))
    largest = max(affine(reader).scale.max() for reader in readers(graph, 0))
    assert largest > 100
    assert noise(graph) < 0.2


@pytest.mark.parametrize(
    "array", ["conv1/conv", "conv2_block1_1_conv", "conv2_block2_2_conv", "pool2_conv", "conv3_block2_1_conv"]
)
def test_filters_of_zeros_are_no_trouble(array: str) -> None:
    arrays = trained_like(SHAPE, 2, SIZE)
    arrays[f"{array}/kernel"] = arrays[f"{array}/kernel"].copy()
    arrays[f"{array}/kernel"][..., 0] = 0
    assert noise(plain(graph_of(SHAPE, arrays))) < 0.25


@pytest.mark.parametrize(("part", "beta"), [("0_bn", -100), ("1_bn", -100), ("_bn", -100), ("1_bn", -6.4)])
def test_a_layer_whose_relus_let_nothing_through_gives_a_model_that_runs(part: str, beta: float) -> None:
    arrays = trained_like(SHAPE, 2, SIZE)
    dead = [name for name in arrays if name.startswith("conv3_block1") and name.endswith(f"{part}/beta")]
    assert dead
    arrays |= {name: np.full_like(arrays[name], beta) for name in dead}
    assert noise(plain(graph_of(SHAPE, arrays))) < 0.25


@pytest.mark.parametrize("channel", [0, 7])
@pytest.mark.parametrize("factor", [1e-3, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7])
def test_a_channel_that_hardly_changes_gives_a_model_that_runs(channel: int, factor: float) -> None:
    arrays = trained_like(SHAPE, 2, SIZE)
    arrays["conv1/conv/kernel"] = arrays["conv1/conv/kernel"].copy()
    arrays["conv1/conv/kernel"][..., channel] *= factor
    assert noise(plain(graph_of(SHAPE, arrays))) < 0.3


def test_a_least_weight_keeps_the_sign() -> None:
    graph = plain(graph_of(tiny_shape(), trained_like(tiny_shape(), 7, SIZE)))
    layer = graph.blocks[0][0]
    weight, bias = np.zeros_like(layer.reduce.weight), np.full_like(layer.reduce.bias, 3.0)
    weight[0, 1] = -1e-9
    layers = (replace(layer, reduce=Linear(weight, bias)), *graph.blocks[0][1:])
    graph = replace(graph, blocks=(layers, *graph.blocks[1:]))
    made = with_least_weights(graph, {"head_mean": (0.0, 1.0)}, (5.0, 5.0)).blocks[0][0].reduce.weight
    assert made[0, 1] < -1e-9
    assert made[0, 2] > 0


def test_constants_are_read_from_biases() -> None:
    arrays = trained_like(tiny_shape(), 7, SIZE)
    arrays["conv2_block1_2_conv/kernel"][..., 1] = 0
    graph = plain(graph_of(tiny_shape(), arrays))
    found = without_constants(graph, channel_ranges(graph, PIXELS, SPEC))
    channel = graph.blocks[0][0].reduce.weight.shape[0] + 1
    for reader in readers(found, 0)[1:]:
        assert affine(reader).scale[channel] == 0
    h = network_input(PIXELS)
    np.testing.assert_allclose(evaluate(found, h).logit, evaluate(graph, h).logit, atol=1e-5)


def test_a_filter_of_zeros_gets_a_weight_that_its_bias_fits_to() -> None:
    graph = plain(graph_of(tiny_shape(), trained_like(tiny_shape(), 7, SIZE)))
    layer = graph.blocks[0][0]
    weight, bias = layer.reduce.weight.copy(), layer.reduce.bias.copy()
    weight[:, 2], bias[2] = 0, -3.0
    layers = (replace(layer, reduce=Linear(weight, bias)), *graph.blocks[0][1:])
    graph = replace(graph, blocks=(layers, *graph.blocks[1:]))
    width = 5.0
    made = with_least_weights(graph, {"head_mean": (0.0, 1.0)}, (width, width)).blocks[0][0].reduce
    steps = np.abs(made.bias) / (width / 255 * np.abs(made.weight).max(axis=0) / 127)
    assert (steps <= LARGEST_BIAS * (1 + 1e-9)).all()
    assert np.abs(made.weight - weight).max() * width <= 3.0 * 2**-15
    others = np.arange(bias.size) != 2
    np.testing.assert_array_equal(made.weight[:, others], weight[:, others])
