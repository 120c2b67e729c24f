import dataclasses
import json

import numpy as np
import pytest
from converted_bundles import QUICK, draw_images
from float_and_int8_models import SPEC, float_model, int8_model
from hypothesis import given
from hypothesis import strategies as st

from hemotk.artifacts import LeftOutNode
from hemotk.benchmarks.measure import litert, profile, runners
from hemotk.benchmarks.measure.litert import Event
from hemotk.benchmarks.measure.profile import Timed
from hemotk.errors import HemotkError
from hemotk.tflite.runtime import RUNTIMES, Runtime, find_runtime

NODE, INSIDE = litert.NODE, litert.INSIDE[1]
profiler = pytest.mark.skipif(find_runtime().name != litert.PACKAGE, reason="only ai_edge_litert has a profiler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("profile")
    (found / "float32.tflite").write_bytes(float_model())
    (found / "int8.tflite").write_bytes(int8_model())
    np.save(found / "images.npy", draw_images())
    return found


def profiled(folder, model, **changes):
    config = dataclasses.replace(QUICK, **changes)
    return runners.profile(config, folder / f"{model}.tflite", folder / "images.npy", 3, SPEC)


@profiler
def test_the_operators_of_a_float_network_are_those_inside_the_delegate(folder):
    found = profiled(folder, "float32")
    assert (found.why, found.why_left_out, found.left_out) == ("", "", ())
    assert found.runs == profile.RUNS
    assert {"Maximum (ND)", "Sigmoid (NC)"} <= {operator.operator for operator in found.operators}
    assert any(operator.operator.startswith("Convolution (NHWC, F32)") for operator in found.operators)
    assert {node.node for node in found.slowest} == {None}
    assert all(node.name.startswith("delegate piece 1, operator ") for node in found.slowest)


@profiler
def test_what_the_delegate_left_out_of_an_int8_network_is_timed_and_named(folder):
    found = profiled(folder, "int8", threads=2)
    assert found.left_out == (
        LeftOutNode(0, "pixels_int8", "QUANTIZE"),
        LeftOutNode(2, "above", "MAXIMUM"),
        LeftOutNode(6, "logit", "QUANTIZE"),
        LeftOutNode(7, "probability", "QUANTIZE"),
    )
    calls = {operator.operator: operator.calls for operator in found.operators}
    assert (calls["QUANTIZE"], calls["MAXIMUM"]) == (3, 1)
    own = {(node.node, node.name) for node in found.slowest if node.node is not None}
    assert own == {(node.node, node.name) for node in found.left_out}
    assert {node.name[:16] for node in found.slowest if node.node is None} == {"delegate piece 1", "delegate piece 2"}


@profiler
def test_shares_add_up_and_the_longest_comes_first(folder):
    found = profiled(folder, "int8")
    assert sum(operator.share for operator in found.operators) == pytest.approx(1.0)
    assert sum(operator.total_ns for operator in found.operators) == pytest.approx(
        sum(node.total_ns for node in found.slowest)
    )
    for listed in (found.operators, found.slowest):
        assert [item.total_ns for item in listed] == sorted((item.total_ns for item in listed), reverse=True)


@profiler
def test_an_external_delegate_has_no_profile_and_it_is_said_why(folder):
    found = profiled(folder, "float32", delegate="gone.so")
    assert found.operators == ()
    assert "takes no external delegate" in found.why
    assert "gone.so: cannot be loaded" in found.why_left_out


@profiler
def test_a_process_that_does_not_survive_leaves_a_profile_that_says_so(folder, monkeypatch, tmp_path):
    (tmp_path / "stub_worker.py").write_text("import os, sys; sys.stdin.readline(); os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(runners, "WORKER", "stub_worker")
    found = profiled(folder, "float32")
    assert (found.operators, found.left_out) == ((), ())
    assert found.why == found.why_left_out == "the interpreter crashed: Aborted"


@profiler
def test_a_model_that_cannot_be_opened_is_no_error(folder, tmp_path):
    np.save(tmp_path / "images.npy", draw_images())
    (tmp_path / "float32.tflite").write_bytes(float_model()[:700])
    found = profiled(tmp_path, "float32")
    assert "cannot be used as a model" in found.why
    assert "refuses the model" in found.why_left_out


def subject(folder, runtime):
    return profile.ProfileJob(folder / "float32.tflite", SPEC, folder / "images.npy", 3, runtime, 1, None)


def test_a_runtime_without_a_profiler_says_so(folder):
    found = profile.profile(subject(folder, Runtime(RUNTIMES[1], "2.14.0", find_runtime().interpreter)))
    assert found.why == "tflite_runtime 2.14.0 offers no profiler; install ai-edge-litert"
    assert (found.runs, found.operators, found.slowest, found.why_left_out) == (0, (), (), "")


def test_a_runtime_without_a_list_of_nodes_says_so(folder):
    class Silent:
        def __init__(self, **options):
            pass

        def allocate_tensors(self):
            pass

    found = profile.profile(subject(folder, Runtime(RUNTIMES[1], "1", Silent)))
    assert found.why_left_out == "tflite_runtime 1 does not list its nodes"


@profiler
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda patch: patch.setattr(litert, "LIBRARIES", ("gone.so",)), "comes without LiteRT's library"),
        (lambda patch: patch.setattr(litert, "EVENT_TYPES", frozenset()), "has another format"),
        (lambda patch: patch.setattr(litert, "CPU", 0), "fails with status"),
    ],
)
def test_a_library_that_is_not_as_expected_ends_in_a_sentence(folder, monkeypatch, change, words):
    change(monkeypatch)
    found = profile.profile(subject(folder, find_runtime()))
    assert words in found.why
    assert found.why_left_out == ""


def test_pieces_are_counted_where_a_delegate_begins_anew():
    run = [
        Event(INSIDE, "pad", 0, 5),
        Event(INSIDE, "conv", 1, 7),
        Event(INSIDE, "conv", 0, 9),
        Event(NODE, "MAXIMUM", 6, 1),
        Event(INSIDE, "conv", 0, 2),
        Event(NODE, "QUANTIZE", 8, 1),
    ]
    slow = [dataclasses.replace(event, microseconds=10 * event.microseconds) for event in run]
    found = profile.timed([run, slow, run], {6: "act"})
    assert [item.name for item in found] == [
        "delegate piece 1, operator 0",
        "delegate piece 1, operator 1",
        "delegate piece 2, operator 0",
        "act",
        "delegate piece 3, operator 0",
        "",
    ]
    assert [item.ns for item in found] == [5000, 7000, 9000, 1000, 2000, 1000]
    assert [item.node for item in found] == [None, None, None, 6, None, 8]


@pytest.mark.parametrize("runs", [[], [[]], [[Event(NODE, "ADD", 0, 1)], [Event(NODE, "MUL", 0, 1)]]])
def test_inferences_that_differ_are_not_mixed(runs):
    with pytest.raises(HemotkError, match="run it again"):
        profile.timed(runs, {})


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**6)), min_size=1))
def test_types_add_up_to_the_operators_they_are_made_of(items):
    times = [Timed(kind, None, "", float(ns)) for kind, ns in items]
    found = profile.by_operator(times)
    assert sum(item.calls for item in found) == len(items)
    assert sum(item.total_ns for item in found) == sum(ns for _, ns in items)
    listed = profile.slowest(times)
    assert len(listed) == min(profile.SLOWEST, len(items))
    assert listed[0].total_ns == max(ns for _, ns in items)
    shares = [item.share for item in found] + [item.share for item in listed]
    assert json.dumps(shares).count("NaN") == 0
