import numpy as np
import pytest
from random_networks import graph_of, network_input, random_pixels, tiny_shape, trained_like

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import FieldError, HemotkError
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.integer.calibrate import ChannelRange, channel_ranges, tensor_ranges
from hemotk.exporting.integer.graph import INT8_STEPS, IntegerGraph, integer_graph
from hemotk.exporting.integer.quantize import logit_range, quantize
from hemotk.exporting.recipe import QUANTIZED_KINDS, Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.exporting.tflite.flatbuffer import operators, specs
from hemotk.tflite.scorer import Scorer

SIZE = 48
SHAPE = tiny_shape()
SPEC = PreprocessSpec(SIZE)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return plain(graph_of(SHAPE, trained_like(SHAPE, 7, SIZE)))


@pytest.fixture(scope="module")
def measured(graph: Graph) -> dict[str, ChannelRange]:
    return channel_ranges(graph, random_pixels(24, SIZE), SPEC)


@pytest.fixture(scope="module")
def integer(graph: Graph, measured: dict) -> IntegerGraph:
    return integer_graph(graph, measured, INT8_STEPS)


@pytest.fixture(scope="module")
def content(integer: IntegerGraph) -> bytes:
    return convert_graph(integer.graph, SIZE)


@pytest.fixture(scope="module")
def ranges(integer: IntegerGraph) -> dict:
    return {**integer.ranges, "logit": logit_range(integer.ranges["logit"], 0.0, 0.3)}


@pytest.fixture(scope="module")
def variants(content: bytes, ranges: dict) -> dict:
    return {kind: quantize(content, Recipe(kind), SPEC, ranges) for kind in QUANTIZED_KINDS}


@pytest.mark.parametrize(("kind", "tolerance"), [("fp16", 0.01), ("int16x8", 0.08), ("dynamic", 0.08), ("int8", 0.1)])
def test_logits_stay_close(kind: str, tolerance: float, graph: Graph, variants: dict) -> None:
    pixels = random_pixels(16, SIZE, seed=9)
    expected = evaluate(graph, network_input(pixels)).logit[:, 0]
    scorer = Scorer(variants[kind], SPEC)
    found = np.array([scorer.score(image).logit for image in pixels])
    assert np.sqrt(np.mean((found - expected) ** 2)) <= tolerance * expected.std()


def test_int8_takes_the_pixel_bytes_and_gives_bytes(variants: dict) -> None:
    pixels, outputs = specs(variants["int8"])
    assert (pixels.dtype, pixels.zero_point) == ("uint8", 115)
    assert pixels.scale == pytest.approx(1 / (255 * 0.226), rel=1e-7)
    assert (outputs["probability"].dtype, outputs["probability"].scale) == ("uint8", 1 / 256)
    assert outputs["probability"].zero_point == 0
    assert outputs["logit"].dtype == "uint8"


@pytest.mark.parametrize(("kind", "dtype"), [("fp16", "float32"), ("dynamic", "float32"), ("int16x8", "int16")])
def test_what_the_other_kinds_take_and_give(kind: str, dtype: str, variants: dict) -> None:
    pixels, outputs = specs(variants[kind])
    assert {pixels.dtype, *(output.dtype for output in outputs.values())} == {dtype}


@pytest.mark.parametrize("kind", QUANTIZED_KINDS)
def test_names_and_shapes_survive(kind: str, variants: dict) -> None:
    pixels, outputs = specs(variants[kind])
    assert (pixels.name, pixels.shape) == ("pixels", (1, SIZE, SIZE, 1))
    assert {name: output.shape for name, output in outputs.items()} == {"logit": (1, 1), "probability": (1, 1)}


def test_int8_computes_in_integers_throughout(variants: dict) -> None:
    assert not {"DEQUANTIZE"} & {operator.name for operator in operators(variants["int8"])}


@pytest.mark.parametrize(
    ("seen", "decision", "expected"),
    [((-6.0, 4.0), 0.0, (-7.0, 5.0)), ((2.0, 12.0), 0.0, (-1.0, 13.0)), ((-9.0, 1.0), 2.0, (-10.0, 3.0))],
)
def test_the_logit_has_room_beyond_what_was_seen_and_around_the_decision(
    seen: tuple, decision: float, expected: tuple
) -> None:
    assert logit_range(seen, decision, 0.1) == pytest.approx(expected)


def test_the_range_of_the_logit_is_kept(ranges: dict, variants: dict) -> None:
    logit = specs(variants["int8"])[1]["logit"]
    low, high = (logit.scale * (byte - logit.zero_point) for byte in (0, 255))
    assert (low, high) == pytest.approx(ranges["logit"], abs=logit.scale)


def test_ranges_do_not_depend_on_the_order_of_the_images(graph: Graph) -> None:
    pixels = random_pixels(11, SIZE)
    first, second = channel_ranges(graph, pixels, SPEC), channel_ranges(graph, pixels[::-1], SPEC)
    for name, found in first.items():
        np.testing.assert_allclose(found.low, second[name].low, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.high, second[name].high, rtol=1e-5, atol=1e-6)


def test_the_batched_pass_agrees_with_the_interpreter(graph: Graph) -> None:
    content = convert_graph(graph, SIZE)
    pixels = random_pixels(13, SIZE)
    by_operation = channel_ranges(graph, pixels, SPEC)
    by_tensor = tensor_ranges(content, pixels, SPEC)
    made = {name.partition("/")[0]: name for operator in operators(content) for name in operator.outputs}
    heard = set(by_operation) & set(made)
    assert {"stem_conv", "conv2_block1_reduce", "conv3_block2_expand", "pool2_pool", "head_mean", "logit"} <= heard
    for operation in heard:
        assert by_tensor[made[operation]] == pytest.approx(by_operation[operation].whole(), rel=1e-4, abs=1e-5)


def test_what_is_kept_in_float_stays_float(content: bytes, ranges: dict) -> None:
    kept = quantize(content, Recipe("int8", keep_float=("conv3_block1_expand",)), SPEC, ranges)
    names = [operator.name for operator in operators(kept)]
    assert names.count("DEQUANTIZE") == 1


def test_a_tensor_without_a_range(content: bytes, ranges: dict) -> None:
    without = {name: value for name, value in ranges.items() if name != "conv3_block1_expand"}
    with pytest.raises(HemotkError, match="tensor 'conv3_block1_expand/"):
        quantize(content, Recipe("int8"), SPEC, without)


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(FieldError, match="kind"):
        Recipe("int4")  # type: ignore[arg-type]
