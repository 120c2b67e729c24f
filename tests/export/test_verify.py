import numpy as np
import pytest
from random_networks import graph_of, random_pixels, tiny_shape, trained_like

from hemotk.artifacts import PreprocessSpec
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.errors import CheckFailed
from hemotk.exporting.densenet import exact
from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.exporting.tflite.flatbuffer import read_model, write_model
from hemotk.exporting.verify import (
    FAR,
    Agreement,
    Check,
    Decision,
    Limits,
    Verifier,
    check_agreement,
    check_form,
    check_placement,
    check_varies,
    remarks,
)
from hemotk.tflite.placement import Node, Placement, placement
from hemotk.tflite.runtime import find_runtime

SIZE = 48
SPEC = PreprocessSpec(SIZE)
MIDDLE = Decision(0.5, 1.0)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return exact(graph_of(tiny_shape(), trained_like(tiny_shape(), 7, SIZE)))


@pytest.fixture(scope="module")
def models(graph: Graph) -> dict[str, bytes]:
    content = convert_graph(graph, SIZE)
    return {"float32": content, "fp16": quantize(content, Recipe("fp16"), SPEC, {})}


def verified(models: dict[str, bytes], limits: Limits | None = None) -> tuple[Check, ...]:
    verifier = Verifier(models, SPEC, limits or Limits())
    for image in random_pixels(8, SIZE, seed=4):
        verifier.add(image)
    return verifier.finish(MIDDLE)


def test_good_variants_pass_and_are_measured(models: dict) -> None:
    parent, half = verified(models)
    assert (parent.kind, parent.agreement) == ("float32", Agreement(8, 0.0, 0.0, 0, None))
    assert half.agreement.count == 8
    assert 0 < half.agreement.drift <= half.agreement.worst < 0.05
    assert half.agreement.sqnr is not None
    assert half.agreement.sqnr > 30
    assert half.operators["CONV_2D"] == parent.operators["CONV_2D"]


def test_all_float_operators_run_in_one_piece_but_where_the_delegate_does_not_know_them(models: dict) -> None:
    found = placement(models["float32"], find_runtime("ai_edge_litert"))
    assert found is not None
    assert found.outside == {}
    assert found.pieces == 1


def test_a_variant_that_always_says_the_same(models: dict, graph: Graph) -> None:
    from dataclasses import replace

    logit = graph.head.logit
    flat = replace(graph, head=replace(graph.head, logit=replace(logit, weight=np.zeros_like(logit.weight))))
    with pytest.raises(CheckFailed, match=r"fp16: its logit is .* whatever the picture"):
        verified({"float32": models["float32"], "fp16": convert_graph(flat, SIZE)})


def test_a_variant_that_drifts(models: dict, graph: Graph) -> None:
    from dataclasses import replace

    logit = graph.head.logit
    moved = replace(graph, head=replace(graph.head, logit=replace(logit, bias=logit.bias + 1.5)))
    with pytest.raises(CheckFailed, match=r"differ from the float parent's by 0\.\d+ on average over 8"):
        verified({"float32": models["float32"], "fp16": convert_graph(moved, SIZE)})


def test_flips_beyond_the_limit() -> None:
    check = Check("int8", {}, None, Agreement(20, 0.01, 0.02, 3, 20.0))
    check_agreement(check, Limits(flips=0.15))
    with pytest.raises(CheckFailed, match="3 of 20 validation images are decided otherwise"):
        check_agreement(check, Limits(flips=0.1))


def test_two_flips_are_always_allowed() -> None:
    check_agreement(Check("int8", {}, None, Agreement(3, 0.01, 0.02, 2, 20.0)), Limits(flips=0.0))


PARENT = np.linspace(-2, 2, 9)


def test_an_output_stuck_at_the_end_of_its_range() -> None:
    with pytest.raises(CheckFailed, match="saturated"):
        check_varies("int8", np.minimum(PARENT, -1.0 + 0 * PARENT + 0.01 * (PARENT < -1.5)).clip(None, -1.0), PARENT)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_output_that_is_not_finite(value: float) -> None:
    with pytest.raises(CheckFailed, match="not finite"):
        check_varies("fp16", np.array([0.0, value]), np.array([0.0, 1.0]))


def test_a_parent_that_says_one_thing_may_have_such_children() -> None:
    check_varies("int8", np.ones(5), np.ones(5))


def test_an_operator_left_to_the_interpreter() -> None:
    nodes = [*(Node(index, "MAXIMUM", "") for index in range(4)), Node(4, "CONV_2D", "")]
    left = Placement("ai_edge_litert 2.3.0", 2, tuple(nodes))
    with pytest.raises(CheckFailed, match="XNNPACK leaves 1 CONV_2D to the interpreter"):
        check_placement("int8", left, "ai_edge_litert")
    check_placement("int8", left, "tflite_runtime")
    check_placement("int16x8", left, "ai_edge_litert")


def edited(content: bytes, change: object) -> bytes:
    model = read_model(content)
    change(model)  # type: ignore[operator]
    return write_model(model)


def one_more_row(model: object) -> None:
    graph = model.subgraphs[0]  # type: ignore[attr-defined]
    graph.tensors[graph.inputs[0]].shape = [1, SIZE + 1, SIZE, 1]


def an_unknown_operator(model: object) -> None:
    code = next(code for code in model.operatorCodes if code.builtinCode == 14)  # type: ignore[attr-defined]  # LOGISTIC
    code.builtinCode = code.deprecatedBuiltinCode = 28  # TANH


@pytest.mark.parametrize(("change", "said"), [(one_more_row, "the input has shape"), (an_unknown_operator, "TANH")])
def test_a_model_of_another_form(change: object, said: str, models: dict) -> None:
    with pytest.raises(CheckFailed, match=said):
        check_form("float32", edited(models["float32"], change), SPEC)


def test_a_kind_with_the_wrong_types(models: dict) -> None:
    with pytest.raises(CheckFailed, match="float32 instead of uint8"):
        check_form("int8", models["float32"], SPEC)


def test_a_drift_that_a_bench_would_refuse_is_said_and_not_refused() -> None:
    assert list(remarks({"float32": 0.0, "fp16": 0.1, "int8": 0.044})) == []
    (said,) = remarks({"float32": 0.0, "int8": 0.167})
    assert said.startswith("int8: the probability of a validation image differs from the float parent's by 0.167")
    assert BenchLimits().score_drift == FAR
    check_agreement(Check("int8", {}, None, Agreement(20, 0.01, 0.167, 0, 20.0)), Limits())
