"""Room above what calibration saw: how much, where, and what it is good for."""

from dataclasses import replace

import numpy as np
import pytest
from random_networks import graph_of, network_input, random_pixels, tiny_shape, trained_like

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.ir import Affine, Graph, readers, with_readers, writer_names
from hemotk.exporting.integer.calibrate import ChannelRange, channel_ranges
from hemotk.exporting.integer.graph import INT8_STEPS, integer_graph
from hemotk.exporting.integer.headroom import ROOM, with_room
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.integer.ranges import effective_ranges
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.tflite.scorer import Scorer

SIZE = 48
SPEC = PreprocessSpec(SIZE)
PIXELS = random_pixels(24, SIZE)
Measured = dict[str, ChannelRange]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return plain(graph_of(tiny_shape(), trained_like(tiny_shape(), 7, SIZE)))


@pytest.fixture(scope="module")
def measured(graph: Graph) -> Measured:
    return channel_ranges(graph, PIXELS, SPEC)


@pytest.fixture(scope="module")
def roomy(graph: Graph, measured: Measured) -> Measured:
    return with_room(graph, measured)


def test_blocks_and_bottlenecks_get_a_fifth_of_what_matters_and_nothing_else_changes(
    graph: Graph, measured: Measured, roomy: Measured
) -> None:
    changed = {name for name in measured if not np.array_equal(roomy[name].high, measured[name].high)}
    for block, layers in enumerate(graph.blocks):
        before, after = (effective_ranges(graph, block, ranges) for ranges in (measured, roomy))
        width = before.high - before.low
        assert (width > 0).all()
        np.testing.assert_allclose(after.high - before.high, ROOM * width)
        for layer in layers:
            name = f"{layer.name}_reduce"
            np.testing.assert_allclose(roomy[name].high, (1 + ROOM) * measured[name].high)
            changed.discard(name)
        changed -= {*writer_names(graph, block)}
    assert not changed
    for name, range_ in measured.items():
        np.testing.assert_array_equal(roomy[name].low, range_.low)
        np.testing.assert_array_equal(roomy[name].mean, range_.mean)


def test_a_channel_that_no_reader_sees_change_keeps_its_range(graph: Graph, measured: Measured) -> None:
    def blind(before: Affine, channel: int) -> Affine:
        scale = before.scale.copy()
        scale[channel] = 0
        return replace(before, scale=scale)

    found = []
    for reader in readers(graph, 1):
        assert isinstance(reader.before, Affine)
        found.append(replace(reader, before=blind(reader.before, 1)))
    unread = with_readers(graph, 1, tuple(found))
    first = writer_names(graph, 1)[0]
    raised = with_room(unread, measured)[first].high - measured[first].high
    assert raised[1] == 0
    assert (np.delete(raised, 1) > 0).all()


def test_no_room_changes_nothing(graph: Graph, measured: Measured) -> None:
    for name, range_ in with_room(graph, measured, 0.0).items():
        np.testing.assert_array_equal(range_.high, measured[name].high)


def test_pictures_that_reach_higher_than_a_few_did_lose_less(graph: Graph) -> None:
    few, others = random_pixels(6, SIZE, seed=5), random_pixels(60, SIZE, seed=6)
    wanted = evaluate(graph, network_input(others)).logit[:, 0]
    measured, errors = channel_ranges(graph, few, SPEC), []
    for ranges in (measured, with_room(graph, measured)):
        made = integer_graph(graph, ranges, INT8_STEPS)
        logit = {"logit": (-20.0, 20.0)}
        scorer = Scorer(quantize(convert_graph(made.graph, SIZE), Recipe("int8"), SPEC, {**made.ranges, **logit}), SPEC)
        errors.append(np.square([scorer.score(image).logit for image in others] - wanted).mean())
    assert errors[1] < 0.85 * errors[0]
