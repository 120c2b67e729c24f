"""Roundings and biases fitted layer by layer: what they promise about means, and that int8 comes nearer to float32."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from random_networks import EQUAL, IMAGENET, graph_of, network_input, random_pixels, tiny_shape, trained_like

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph.equalize import equalize
from hemotk.exporting.graph.evaluate import NumpyOps, evaluate
from hemotk.exporting.graph.ir import Conv, Graph, Linear
from hemotk.exporting.graph.walk import walk
from hemotk.exporting.integer.calibrate import channel_ranges
from hemotk.exporting.integer.fit import Fitting, fit
from hemotk.exporting.integer.graph import INT8_STEPS, INT16_STEPS, IntegerGraph, integer_graph
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.integer.ranges import choose_scalings
from hemotk.exporting.integer.roundings import rounding_steps
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.tflite.scorer import Scorer

SIZE = 48
SPEC = PreprocessSpec(SIZE)
SEEN, OTHERS = random_pixels(30, SIZE, seed=5), random_pixels(60, SIZE, seed=6)
FITTING = Fitting(INT8_STEPS)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return plain(graph_of(tiny_shape(), trained_like(tiny_shape(), 7, SIZE)))


@pytest.fixture(scope="module")
def integer(graph: Graph) -> IntegerGraph:
    return integer_graph(graph, channel_ranges(graph, SEEN, SPEC), INT8_STEPS)


def fitted(integer: IntegerGraph, fitting: Fitting = FITTING) -> Graph:
    return fit(integer, SEEN, SPEC, fitting)


def error(graph: Graph, integer: IntegerGraph, wanted: np.ndarray) -> np.ndarray:
    """Of the logits of int8 on images that it was not fitted to."""
    content = quantize(convert_graph(graph, SIZE), Recipe("int8"), SPEC, integer.ranges)
    scorer = Scorer(content, SPEC)
    return np.array([scorer.score(image).logit for image in OTHERS]) - wanted


@pytest.mark.parametrize("changes", [{}, IMAGENET, EQUAL])
def test_means_are_those_of_the_convolutions_where_nothing_is_rounded(changes: dict) -> None:
    shape = tiny_shape(**changes)
    graph = plain(graph_of(shape, trained_like(shape, 7, SIZE)))
    measured = channel_ranges(graph, SEEN, SPEC)
    heard: dict[str, np.ndarray] = {}

    class Listening(NumpyOps):
        def conv(self, name: str, x: np.ndarray, conv: Conv, *, relu: bool, **taps: Any) -> np.ndarray:
            y = super().conv(name, x, conv, relu=False, **taps)
            heard[name] = y.mean(axis=(0, 1, 2))
            return np.maximum(y, 0) if relu else y

        def pointwise(self, name: str, x: np.ndarray, linear: Linear, *, relu: bool) -> np.ndarray:
            if x.ndim < 4:
                return super().pointwise(name, x, linear, relu=relu)
            return self.conv(name, x, Conv(linear.weight[None, None], linear.bias), stride=1, same=False, relu=relu)

    walk(equalize(graph, choose_scalings(graph, measured)), network_input(SEEN), Listening())
    means = integer_graph(graph, measured, INT8_STEPS).means
    assert {"stem_conv", "conv2_block1_reduce", "conv3_block2_expand", "pool2_conv"} <= {*heard}
    for name, mean in heard.items():
        np.testing.assert_allclose(means[name], mean, rtol=1e-4, atol=1e-4, err_msg=name)


def test_int8_comes_nearer_to_float_on_images_that_it_has_not_seen(graph: Graph, integer: IntegerGraph) -> None:
    wanted = evaluate(graph, network_input(OTHERS)).logit[:, 0]
    plainly = error(integer.graph, integer, wanted)
    biases = error(fitted(integer, replace(FITTING, roundings=False)), integer, wanted)
    both = error(fitted(integer), integer, wanted)
    assert abs(biases.mean()) < 0.5 * abs(plainly.mean())
    assert np.square(both).mean() < np.square(plainly).mean()


def test_weights_lie_where_the_quantizer_puts_them(integer: IntegerGraph) -> None:
    found = fitted(integer)
    for before, after in zip(integer.graph.blocks, found.blocks, strict=True):
        for old, new in zip(before, after, strict=True):
            for weight, rounded in ((old.reduce.weight, new.reduce.weight), (old.expand.kernel, new.expand.kernel)):
                flat = rounded.reshape(-1, rounded.shape[-1])
                step = rounding_steps(flat)
                np.testing.assert_allclose(step, rounding_steps(weight.reshape(flat.shape)))
                np.testing.assert_allclose(flat / step, np.rint(flat / step), atol=1e-9)


def test_each_step_can_be_left_out(integer: IntegerGraph) -> None:
    roundings = fitted(integer, replace(FITTING, biases=False))
    biases = fitted(integer, replace(FITTING, roundings=False))
    layer, rounded, moved = (each.blocks[0][0] for each in (integer.graph, roundings, biases))
    np.testing.assert_array_equal(rounded.expand.bias, layer.expand.bias)
    assert not np.array_equal(rounded.expand.kernel, moved.expand.kernel)
    assert not np.array_equal(moved.expand.bias, layer.expand.bias)
    step = rounding_steps(layer.reduce.weight)
    np.testing.assert_allclose(moved.reduce.weight, np.rint(layer.reduce.weight / step) * step)


def test_it_is_the_same_every_time(integer: IntegerGraph) -> None:
    first, second = fitted(integer), fitted(integer)
    np.testing.assert_array_equal(first.blocks[1][0].expand.kernel, second.blocks[1][0].expand.kernel)


def test_sixteen_bits_are_fitted_on_their_grid(graph: Graph) -> None:
    fine = integer_graph(graph, channel_ranges(graph, SEEN, SPEC), INT16_STEPS)
    found = fit(fine, SEEN, SPEC, Fitting(INT16_STEPS))
    h = network_input(OTHERS)
    exact, moved = evaluate(graph, h).logit, evaluate(found, h).logit
    assert np.sqrt(np.square(moved - exact).mean()) < 0.1 * exact.std()
