from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import graph_of, network_input, random_pixels, tiny_shape, trained_like

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph.equalize import BlockScaling, equalize
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.ir import Affine, Graph, Threshold, affine, readers, written
from hemotk.exporting.integer.calibrate import ChannelRange, channel_ranges
from hemotk.exporting.integer.graph import INT8_STEPS, INT16_STEPS, IntegerGraph, integer_graph
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.integer.ranges import block_widths, choose_scalings, effective_ranges
from hemotk.exporting.integer.thresholds import Grid
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.exporting.tflite.flatbuffer import operators, read_model
from hemotk.tflite.scorer import Scorer

SIZE = 48
SPEC = PreprocessSpec(SIZE)
PIXELS = random_pixels(24, SIZE)


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Trained-like, with BatchNorm scales of both signs and of 0."""
    arrays = trained_like(tiny_shape(), 7, SIZE)
    arrays["conv3_block1_0_bn/gamma"] = arrays["conv3_block1_0_bn/gamma"] * np.array([1, 0, 1, 1, -1, 1])
    return plain(graph_of(tiny_shape(), arrays))


@pytest.fixture(scope="module")
def measured(graph: Graph) -> dict[str, ChannelRange]:
    return channel_ranges(graph, PIXELS, SPEC)


@pytest.fixture(scope="module")
def integer(graph: Graph, measured: dict) -> IntegerGraph:
    return integer_graph(graph, measured, INT8_STEPS)


@pytest.fixture(scope="module")
def int8(integer: IntegerGraph) -> bytes:
    return quantize(convert_graph(integer.graph, SIZE), Recipe("int8"), SPEC, integer.ranges)


def test_only_the_rounding_of_thresholds_differs(graph: Graph, measured: dict) -> None:
    h = network_input(PIXELS)
    expected = evaluate(graph, h).logit
    fine = evaluate(integer_graph(graph, measured, 10**9).graph, h).logit
    np.testing.assert_allclose(fine, expected, atol=1e-4)
    coarse = evaluate(integer_graph(graph, measured, INT8_STEPS).graph, h).logit
    assert 0 < np.abs(coarse - expected).max() < 0.1 * np.ptp(expected)


def test_every_threshold_lies_on_the_grid_of_its_block(graph: Graph, measured: dict, integer: IntegerGraph) -> None:
    scalings = choose_scalings(graph, measured)
    for block, width in enumerate(block_widths(graph, measured, scalings)):
        for reader in readers(integer.graph, block):
            assert isinstance(reader.before, Threshold)
            steps = reader.before.level / width * INT8_STEPS
            np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
            assert steps.min() >= 0
            assert steps.max() <= INT8_STEPS


def test_channels_share_one_effective_range(graph: Graph, measured: dict) -> None:
    scalings = choose_scalings(graph, measured)
    widths = block_widths(graph, measured, scalings)
    for block, (scaling, width) in enumerate(zip(scalings, widths, strict=True)):
        effective = effective_ranges(graph, block, measured)
        high = scaling.factor * effective.high + scaling.offset
        changing = effective.high > effective.low
        np.testing.assert_allclose(high[changing], width)
        shifted = changing.copy()
        if block == 0:
            shifted[: graph.stem.conv.bias.size] = graph.stem.copy is not None
        low = scaling.factor * effective.low + scaling.offset
        np.testing.assert_allclose(low[shifted], 0, atol=1e-9 * width)


def test_a_channel_that_never_passes_its_threshold_takes_no_weights(graph: Graph, measured: dict) -> None:
    reader = affine(readers(graph, 0)[0])
    shift = reader.shift.copy()
    shift[2] = -1e6 * reader.scale[2]
    first, *others = graph.blocks[0]
    quiet = replace(graph, blocks=((replace(first, before=Affine(reader.scale, shift)), *others), *graph.blocks[1:]))
    made = readers(integer_graph(quiet, measured, INT8_STEPS).graph, 0)[0]
    assert reader.scale[2] > 0
    assert not made.linear.weight[2].any()
    assert made.linear.weight[1].any()


@pytest.mark.parametrize("empty", [(0,), (1,), (0, 2), (1, 2)])
def test_a_network_with_blocks_without_layers_becomes_int8(empty: tuple[int, ...]) -> None:
    layers = tiny_shape().blocks[0]
    shape = tiny_shape(blocks=tuple(() if block in empty else layers for block in range(3)), transitions=(6, 7))
    graph = plain(graph_of(shape, trained_like(shape, 3, SIZE)))
    measured = channel_ranges(graph, PIXELS, SPEC)
    made = integer_graph(graph, measured, INT8_STEPS)
    scorer = Scorer(quantize(convert_graph(made.graph, SIZE), Recipe("int8"), SPEC, made.ranges), SPEC)
    found = np.array([scorer.score(image).logit for image in PIXELS])
    expected = evaluate(graph, network_input(PIXELS)).logit[:, 0]
    assert np.abs(found - expected).max() < 0.15 * np.ptp(expected)


def rescaled(graph: Graph, seed: int) -> Graph:
    """The same function, its channels multiplied by 2^u with u between −4 and 4."""
    rng = np.random.default_rng(seed)
    scalings = []
    for block, layers in enumerate(graph.blocks):
        count = sum(written(graph, block))
        bottlenecks = tuple(2 ** rng.uniform(-4, 4, layer.reduce.bias.size) for layer in layers)
        scalings.append(BlockScaling(2 ** rng.uniform(-4, 4, count), np.zeros(count), bottlenecks))
    return equalize(graph, scalings)


def by_column(weight: np.ndarray) -> np.ndarray:
    """What int8 keeps of weights [in, out], which have a scale per output channel."""
    return weight / np.abs(weight).max(axis=0)


@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_rescaling_the_channels_of_a_network_makes_no_difference(graph: Graph, measured: dict, seed: int) -> None:
    other = rescaled(graph, seed)
    first = integer_graph(graph, measured, INT8_STEPS)
    second = integer_graph(other, channel_ranges(other, PIXELS, SPEC), INT8_STEPS)
    for block in range(2):
        for one, two in zip(readers(first.graph, block), readers(second.graph, block), strict=True):
            np.testing.assert_allclose(by_column(one.linear.weight), by_column(two.linear.weight), atol=1e-3)
    h = network_input(PIXELS)
    np.testing.assert_allclose(evaluate(first.graph, h).logit, evaluate(second.graph, h).logit, atol=0.3)


def test_one_operator_per_preactivation_and_nothing_converted_inside(int8: bytes) -> None:
    found = operators(int8)
    names = [operator.name for operator in found]
    assert "MUL" not in names
    assert "ADD" not in names
    assert names.count("MAXIMUM") == 4 + 2
    made = {name for operator in found if operator.name == "QUANTIZE" for name in operator.outputs}
    assert made == {"pixels_int8", "logit", "probability"}


def test_all_tensors_of_a_block_have_one_scale(int8: bytes) -> None:
    tensors = {tensor.name.decode().partition("/")[0]: tensor for tensor in read_model(int8).subgraphs[0].tensors}
    block = ["conv3_block1_act", "conv3_block1_expand", "conv3_block1_concat", "conv3_block2_act", "head_act"]
    scales = {
        (float(tensors[name].quantization.scale[0]), int(tensors[name].quantization.zeroPoint[0])) for name in block
    }
    assert len(scales) == 1


def error(content: bytes, graph: Graph) -> float:
    """Root mean square error of the logit, in standard deviations of the float network's, on new pictures."""
    pixels = random_pixels(16, SIZE, seed=9)
    expected = evaluate(graph, network_input(pixels)).logit[:, 0]
    scorer = Scorer(content, SPEC)
    found = np.array([scorer.score(image).logit for image in pixels])
    return float(np.sqrt(np.mean((found - expected) ** 2)) / expected.std())


def test_int8_agrees_with_the_float_network(graph: Graph, int8: bytes) -> None:
    assert error(int8, graph) <= 0.1


def test_int16x8_agrees_with_the_float_network(graph: Graph, measured: dict) -> None:
    made = integer_graph(graph, measured, INT16_STEPS)
    content = quantize(convert_graph(made.graph, SIZE), Recipe("int16x8"), SPEC, made.ranges)
    assert error(content, graph) <= 0.1


@given(value=st.floats(-10, 10), width=st.floats(0.01, 5), steps=st.sampled_from([INT8_STEPS, INT16_STEPS]))
def test_a_grid_rounds_to_the_nearest_and_ends_at_its_ends(value: float, width: float, steps: int) -> None:
    found = Grid(width, steps).nearest(np.array([value]))[0]
    inside = min(max(value, 0), width)
    assert abs(found - inside) <= width / steps / 2 * (1 + 1e-9)


def test_a_block_that_nobody_reads(graph: Graph) -> None:
    arrays = trained_like(tiny_shape(), 7, SIZE)
    for name in ("conv3_block1_0_bn", "conv3_block2_0_bn", "bn"):
        arrays[f"{name}/gamma"] = np.zeros_like(arrays[f"{name}/gamma"])
    dead = plain(graph_of(tiny_shape(), arrays))
    measured = channel_ranges(dead, PIXELS, SPEC)
    made = integer_graph(dead, measured, INT8_STEPS)
    h = network_input(PIXELS)
    np.testing.assert_allclose(evaluate(made.graph, h).logit, evaluate(dead, h).logit, atol=1e-6)
    quantize(convert_graph(made.graph, SIZE), Recipe("int8"), SPEC, made.ranges)


def test_the_plain_graph_is_left_alone(graph: Graph, measured: dict) -> None:
    before = replace(graph)
    integer_graph(graph, measured, INT8_STEPS)
    np.testing.assert_array_equal(before.stem.conv.kernel, graph.stem.conv.kernel)
