import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from random_networks import IMAGENET, network_input, random_graph, random_pixels, tiny_shape

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.gray_stem import gray_stem
from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.graph.pool_first import pool_first
from hemotk.exporting.graph.stem_windows import stem_windows
from hemotk.exporting.tflite.convert import _MarkingOps, convert_graph, convert_network, graph_network
from hemotk.exporting.tflite.fill import fill
from hemotk.exporting.tflite.flatbuffer import operators, specs
from hemotk.models.shape import CnnShape
from hemotk.tflite.scorer import Scorer

SIZE = 48


def plain(**changes: object) -> Graph:
    return pool_first(gray_stem(fold_batchnorm(random_graph(tiny_shape(**changes), seed=5))))


@pytest.mark.parametrize("changes", [{}, IMAGENET, {"hidden": (4, 3)}])
def test_the_tflite_agrees_with_the_reference(changes: dict) -> None:
    graph = plain(**changes)
    scorer = Scorer(convert_graph(graph, SIZE), PreprocessSpec(SIZE))
    pixels = random_pixels(4, SIZE)
    found = [scorer.score(image) for image in pixels]
    expected = evaluate(graph, network_input(pixels))
    np.testing.assert_allclose([score.logit for score in found], expected.logit[:, 0], atol=1e-4)
    np.testing.assert_allclose([score.probability for score in found], expected.probability[:, 0], atol=1e-4)


@pytest.mark.parametrize("size", [45, 46, 47, 48])
def test_a_stem_of_windows_pads_runs_of_bytes_alone(size: int) -> None:
    graph = stem_windows(plain())
    content, pixels = convert_graph(graph, size), random_pixels(3, size)
    scorer = Scorer(content, PreprocessSpec(size))
    expected = evaluate(graph, network_input(pixels)).logit[:, 0]
    np.testing.assert_allclose([scorer.score(image).logit for image in pixels], expected, atol=1e-4)
    names = [operator.name for operator in operators(content)]
    before = names[: names.index("MAX_POOL_2D")]
    assert before == [
        *("RESHAPE", "PAD", "STRIDED_SLICE", "STRIDED_SLICE", "CONCATENATION", "RESHAPE", "TRANSPOSE", "RESHAPE"),
        *("STRIDED_SLICE", "CONV_2D"),
    ]
    assert (names[len(before) + 1] == "STRIDED_SLICE") == (size in (47, 48))  # 24 places a side, which is even


@pytest.mark.parametrize("changes", [{}, IMAGENET, {"hidden": (4, 3)}])
def test_weights_that_are_filled_in_afterwards_make_the_same_file(
    changes: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = plain(**changes)
    found = convert_graph(graph, SIZE)
    monkeypatch.setattr("hemotk.exporting.tflite.convert.fill", lambda content, arrays: None)
    assert found == convert_graph(graph, SIZE)


def test_a_weight_that_the_converter_changes_is_not_filled_in() -> None:
    raw = random_graph(tiny_shape(), seed=5)
    ops = _MarkingOps()
    content = convert_network(graph_network(raw, ops), SIZE)
    assert fill(content, ops.arrays) is None  # a BatchNorm behind a convolution goes into its weights
    pixels = random_pixels(2, SIZE)
    scorer = Scorer(convert_graph(raw, SIZE), PreprocessSpec(SIZE))
    expected = evaluate(raw, network_input(pixels)).logit[:, 0]
    np.testing.assert_allclose([scorer.score(image).logit for image in pixels], expected, rtol=1e-4, atol=1e-3)


def test_input_and_outputs_are_static_and_named() -> None:
    pixels, outputs = specs(convert_graph(plain(), SIZE))
    assert (pixels.name, pixels.dtype, pixels.shape) == ("pixels", "float32", (1, SIZE, SIZE, 1))
    assert {name: spec.shape for name, spec in outputs.items()} == {"logit": (1, 1), "probability": (1, 1)}


def test_every_tensor_is_named_after_its_operation() -> None:
    made = [name.partition("/")[0] for operator in operators(convert_graph(plain(), SIZE)) for name in operator.outputs]
    assert {"stem_pad", "stem_conv", "stem_pool", "conv2_block1_reduce", "pool2_pool", "head_mean"} <= set(made)
    assert made[-2:] == ["logit", "probability"]


def test_the_cnn_goes_the_plain_route() -> None:
    from hemotk.models.build import build_model, with_logit

    model = with_logit(build_model(CnnShape((4, 5), 6, SIZE)))

    def network(h: object) -> dict:
        return dict(zip(("logit", "probability"), model(h), strict=True))

    scorer = Scorer(convert_network(network, SIZE), PreprocessSpec(SIZE))
    pixels = random_pixels(2, SIZE)
    expected = model(network_input(pixels).astype(np.float32))[0].numpy()[:, 0]
    np.testing.assert_allclose([scorer.score(image).logit for image in pixels], expected, atol=1e-4)


def test_arrays_lie_at_multiples_of_16_bytes() -> None:
    packed = schema.Model.GetRootAs(convert_graph(plain(), SIZE))
    buffers = [packed.Buffers(index) for index in range(packed.BuffersLength())]
    places = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if not buffer.DataIsNone()]
    assert len(places) > 20
    assert {place % 16 for place in places} == {0}
