"""Keras's configurations of all ages as one flat list."""

from pathlib import Path
from typing import Any

import pytest

from hemotk.errors import HemotkError
from hemotk.importing.layers import LayerGraph, open_layers

HERE = Path("m.h5")
INPUT = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 8, 8, 3]}, "name": "in"}


def dense(name: str, nodes: list[Any], **entry: Any) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name}, "name": name, "inbound_nodes": nodes, **entry}


def net(*layers: dict[str, Any], output: str, **config: Any) -> dict[str, Any]:
    lines = {
        "name": "net",
        "layers": [INPUT, *layers],
        "input_layers": [["in", 0, 0]],
        "output_layers": [[output, 0, 0]],
    }
    return {"class_name": "Functional", "config": {**lines, **config}}


def read(model: dict[str, Any]) -> LayerGraph:
    return open_layers(model, HERE)


def tensor(name: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


def test_layers_in_any_order_and_both_ways_to_write_a_call() -> None:
    late = dense("late", [[["early", 0, 0, {"training": False}]]])
    early = dense("early", [{"args": [tensor("in"), 2.0], "kwargs": {"y": 3.0}}])
    graph = read(net(late, early, output="late"))
    assert [layer.name for layer in graph.layers] == ["net", "early", "late"]
    assert [layer.inputs for layer in graph.layers] == [(), (0,), (1,)]
    assert graph.layers[1].constants == {1: 2.0, "y": 3.0}
    assert graph.shape == (None, 8, 8, 3) and graph.output == 2 and graph.consumers(1) == [2]


def test_keras_3_writes_down_a_training_that_predict_sets_anew() -> None:
    call = {"args": [tensor("in")], "kwargs": {"training": True}}
    graph = read(net(dense("d", [call]), output="d"))
    assert [layer.name for layer in graph.layers] == ["net", "d"]


def test_a_pipeline_is_its_layers_in_turn() -> None:
    inner = [{"class_name": "RandomFlip", "config": {"name": "f"}}, dense("a", []), dense("b", [])]
    call = {"args": [tensor("in")], "kwargs": {"training": True, "mask": None}}
    pipeline = {"class_name": "Pipeline", "config": {"name": "p", "layers": inner}, "inbound_nodes": [call]}
    graph = read(net(pipeline, output="p"))
    assert [layer.name for layer in graph.layers] == ["net", "a", "b"]
    assert [place.counted for place in graph.layers[2].path] == ["pipeline", "dense_1"]


def test_places_count_classes_and_a_sequential_does_not_count_its_input() -> None:
    inner = net(dense("a", [[["in", 0, 0, {}]]]), dense("b", [[["a", 0, 0, {}]]]), output="b")
    dropout = {"class_name": "Dropout", "config": {"name": "drop"}}
    model = {"class_name": "Sequential", "config": {"layers": [INPUT, dropout, inner, dense("c", [])]}}
    graph = read(model)
    places = {layer.name: [(place.position, place.counted) for place in layer.path] for layer in graph.layers[1:]}
    assert places == {
        "a": [(1, "functional"), (1, "dense")],
        "b": [(1, "functional"), (2, "dense_1")],
        "c": [(2, "dense")],
    }


def test_a_sequential_of_the_first_keras_2_is_a_bare_list() -> None:
    first = {"class_name": "Dense", "config": {"name": "a", "batch_input_shape": [None, 8, 8, 1]}}
    graph = read({"class_name": "Sequential", "config": [first, dense("b", [])]})
    assert graph.shape == (None, 8, 8, 1)
    assert [layer.inputs for layer in graph.layers] == [(), (0,), (1,)]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (net(dense("d", [[["in", 0, 0, {}]], [["in", 0, 0, {}]]]), output="d"), "'d' .Dense. is used 2 times"),
        (net(dense("d", [[["in", 0, 0, {"training": True}]]]), output="d"), "'d' .Dense. was told to train"),
        (net(dense("d", [[["nobody", 0, 0, {}]]]), output="d"), "'d' .Dense. reads what no layer makes"),
        (
            net(dense("d", [[["in", 0, 0, {}]]], registered_name="Custom>Dense"), output="d"),
            "'d' .Dense. is of a custom class",
        ),
        (net(dense("d", [[["in", 0, 0, {}]]], module="mine.layers"), output="d"), "'d' .Dense. is of a custom class"),
        (
            net(dense("d", [[["in", 0, 0, {}]]]), output="d", output_layers=[["d", 0, 0], ["in", 0, 0]]),
            "'net' .Functional. has 1 inputs and 2 outputs",
        ),
        (
            {"class_name": "Sequential", "config": {"name": "s", "layers": [dense("b", [])]}},
            "'s' .Sequential. does not say that it takes pictures",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(model: dict[str, Any], says: str) -> None:
    with pytest.raises(
        HemotkError, match=f"^m.h5: layer {says}.*; what can be imported is a keras.applications DenseNet"
    ):
        read(model)
