"""HARD_SWISH, rewritten: the same function, and nothing that int8 leaves to the interpreter."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from hemotk.exporting.integer.hard_swish import split_hard_swish
from hemotk.exporting.tflite.convert import convert_network
from hemotk.exporting.tflite.flatbuffer import operators, specs

SIZE = 8


def network(swishes: int) -> bytes:
    """h through `swishes` hard-swishes of growing inputs, then the mean."""

    def layers(h):
        for index in range(swishes):
            h = (index + 1.0) * h
            h = h * tf.nn.relu6(h + 3.0) * (1.0 / 6.0)
        logit = tf.reduce_mean(h, (1, 2))
        return {"logit": logit, "probability": tf.sigmoid(logit)}

    return convert_network(layers, SIZE)


def outputs(content: bytes, h: np.ndarray) -> dict[str, np.ndarray]:
    return Interpreter(model_content=content).get_signature_runner("serving_default")(pixels=h)


def counts(content: bytes) -> Counter[str]:
    return Counter(operator.name for operator in operators(content))


@pytest.mark.parametrize("swishes", [1, 3])
def test_the_network_is_the_same(swishes: int) -> None:
    content = network(swishes)
    assert counts(content)["HARD_SWISH"] == swishes
    split = split_hard_swish(content)
    assert counts(split) - counts(content) == {"MUL": 2 * swishes, "ADD": swishes}
    assert counts(split)["HARD_SWISH"] == 0
    assert specs(split) == specs(content)
    rng = np.random.default_rng(0)
    for scale in (0.1, 3.0, 30.0):  # below, across and beyond where relu6 clips
        h = rng.normal(0, scale, (1, SIZE, SIZE, 1)).astype(np.float32)
        expected, found = outputs(content, h), outputs(split, h)
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)


def test_a_network_without_it_is_left_alone() -> None:
    content = network(0)
    assert split_hard_swish(content) is content
