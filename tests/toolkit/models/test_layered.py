"""Networks in a list of layers: the shape file against the built network, and what is no such list."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemotk.errors import FieldError
from hemotk.models.families import is_densenet
from hemotk.models.layered import LayeredShape, ListedLayer
from hemotk.models.weights import read_shape

keras = pytest.importorskip("tf_keras")
from hemotk.models.build import build_model, get_arrays  # noqa: E402
from hemotk.models.measure import layer_macs  # noqa: E402

LAYERS = (
    ListedLayer("stem", "conv", 6, 7, 2, "relu"),
    ListedLayer("pool", "max_pool", 6, 3, 2),
    ListedLayer("wide", "conv", 10, activation="hard_swish"),
    ListedLayer("deep", "depthwise", 10, 5, activation="relu6"),
    ListedLayer("factor", "excite", 10, inner=3),
    ListedLayer("narrow", "conv", 6),
    ListedLayer("sum", "add", 6, reads=("narrow", "pool")),
    ListedLayer("half", "depthwise", 6, 3, 2),
    ListedLayer("short", "conv", 6, 1, 2, reads=("sum",)),
    ListedLayer("total", "add", 6, activation="relu", reads=("half", "short")),
    ListedLayer("mean", "mean", 6),
    ListedLayer("hidden1", "dense", 5, activation="relu"),
)
SHAPE = LayeredShape("resnet", LAYERS, (0.1, 0.0, -0.2))


@pytest.mark.parametrize("shape", [SHAPE, replace(SHAPE, shift=None)])
def test_counts_are_those_of_the_built_network(shape: LayeredShape) -> None:
    model = build_model(shape)
    assert {name: array.shape for name, array in get_arrays(model).items()} == dict(shape.arrays())
    assert shape.parameters() == model.count_params() and not is_densenet(shape)
    assert shape.parameters(head=False) == model.count_params() - 6
    for size in (64, 45):
        fixed = keras.models.clone_model(model, keras.Input((size, size, 1)))
        assert shape.macs(size) == sum(map(layer_macs, fixed.layers))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    SHAPE.write(tmp_path / "shape.json")
    assert read_shape(tmp_path / "shape.json") == SHAPE
    assert SHAPE.smallest_input() == 32 and SHAPE.features == 5 and SHAPE.channels == 3


def test_zeros_stand_around_what_was_shifted() -> None:
    """A constant of the normalization ends where the picture does; at odd sizes all four sides are padded alike."""
    layers = (ListedLayer("stem", "conv", 1, 3, 2), ListedLayer("mean", "mean", 1))
    model = build_model(LayeredShape("resnet", layers, (1.0, 2.0, 4.0)))
    model.get_layer("stem").set_weights([np.ones((3, 3, 3, 1)), np.zeros(1)])
    seen = keras.Model(model.input, model.get_layer("stem").output)(np.zeros((1, 4, 4, 1), np.float32)).numpy()
    np.testing.assert_allclose(seen[0, :, :, 0], 7.0 * np.array([[4, 6], [6, 9]]))


def broken(at: str, **settings: Any) -> tuple[ListedLayer, ...]:
    return tuple(replace(layer, **settings) if layer.name == at else layer for layer in LAYERS)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (lambda: (), "with layers in it"),
        (lambda: broken("deep", name="wide"), "each called otherwise .'wide'"),
        (lambda: broken("stem", name="pixels"), "a word of its own"),
        (lambda: broken("stem", name="a/b"), "a word of its own"),
        (lambda: broken("short", reads=("later",)), "in order of use .'short'"),
        (lambda: broken("deep", channels=9), "of as many channels as 'deep' reads"),
        (lambda: broken("factor", channels=9), "of as many channels as 'factor' reads"),
        (lambda: broken("narrow", channels=5), "of equal sizes where 'sum' adds them"),
        (lambda: broken("short", stride=1), "of equal sizes where 'total' adds them"),
        (lambda: broken("mean", operation="max_pool"), "with 'mean' before 'dense' .'hidden1'"),
        (lambda: broken("hidden1", operation="conv"), "with 'mean' before 'dense' .'hidden1'"),
        (lambda: LAYERS[:-2], "with 'mean' before the end"),
        (lambda: broken("stem", kernel=4), "odd"),
        (lambda: broken("stem", stride=3), "1 or 2"),
        (lambda: broken("stem", channels=0), "above 0"),
        (lambda: broken("factor", inner=0), "above 0 for 'excite' alone"),
        (lambda: broken("narrow", inner=2), "above 0 for 'excite' alone"),
        (lambda: broken("sum", reads=("narrow",)), "two layers for 'add'"),
        (lambda: broken("narrow", reads=("factor", "wide")), "one layer, or none"),
    ],
)
def test_what_is_no_such_list_is_refused(layers: Any, told: str) -> None:
    with pytest.raises(FieldError, match=told):
        LayeredShape("resnet", layers())
