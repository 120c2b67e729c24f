"""Builders against tf_keras.applications, and weights that survive the way to a file and back."""

from pathlib import Path

import numpy as np
import pytest

from hemotk.errors import HemotkError
from hemotk.models.families import ARCHITECTURES, named_shape
from hemotk.models.shape import CnnShape, densenet
from hemotk.models.weights import read_shape, read_weights, write_weights

keras = pytest.importorskip("tf_keras")
from hemotk.models.build import build_model, get_arrays, set_arrays, with_logit  # noqa: E402


def randomized(shape, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(0.5, 1.5, size) if name.endswith(("gamma", "variance")) else rng.normal(0, 0.1, size)
        for name, size in shape.arrays().items()
    }


@pytest.mark.parametrize("shape", [densenet((2, 2, 2, 2), growth=8), CnnShape((4, 8), 16, 32)], ids=["densenet", "cnn"])
def test_arrays_are_those_of_the_shape(shape) -> None:
    model = build_model(shape)
    assert {name: array.shape for name, array in get_arrays(model).items()} == dict(shape.arrays())
    weights = randomized(shape)
    set_arrays(model, weights)
    for name, array in get_arrays(model).items():
        np.testing.assert_array_equal(array, weights[name].astype(np.float32))
    assert model.count_params() == shape.parameters()


def test_features_equal_the_official_network_on_gray_pictures() -> None:
    official = keras.applications.DenseNet121(weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg")
    shape = named_shape("densenet121", 64)
    weights = randomized(shape)
    ours = build_model(shape)
    set_arrays(ours, weights)
    for layer in official.layers:
        if layer.weights:
            layer.set_weights([weights[f"{layer.name}/{v.name.split('/')[-1][:-2]}"] for v in layer.weights])
    pictures = np.random.default_rng(1).normal(size=(2, 64, 64, 1)).astype(np.float32)
    features = keras.Model(ours.input, ours.get_layer("avg_pool").output)
    expected = official(np.repeat(pictures, 3, -1)).numpy()
    np.testing.assert_allclose(features(pictures).numpy(), expected, rtol=1e-5, atol=1e-6 * abs(expected).max())


def test_probability_is_the_sigmoid_of_the_logit() -> None:
    model = build_model(densenet((1, 1), growth=4))
    logit, probability = with_logit(model)(np.random.default_rng(0).normal(size=(3, 32, 32, 1)))
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logit.numpy())), rtol=1e-6)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_name_has_a_shape_and_refuses_tiny_pictures(arch: str) -> None:
    assert named_shape(arch, 64).parameters() > 0
    with pytest.raises(HemotkError, match="too small"):
        named_shape(arch, 8)


def test_unknown_name() -> None:
    with pytest.raises(HemotkError, match="densenet201"):
        named_shape("densenet999", 64)


def test_weights_and_shape_files_round_trip(tmp_path: Path) -> None:
    shape = densenet((1, 2), growth=4)
    weights = randomized(shape)
    write_weights(tmp_path / "w.npz", weights)
    shape.write(tmp_path / "shape.json")
    assert read_shape(tmp_path / "shape.json") == shape
    read = read_weights(tmp_path / "w.npz", shape)
    assert all(np.array_equal(read[name], weights[name].astype(np.float32)) for name in weights)
    CnnShape().write(tmp_path / "cnn.json")
    assert read_shape(tmp_path / "cnn.json") == CnnShape()


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    shape = densenet((1, 2), growth=4)
    path = tmp_path / "w.npz"

    def refused(says: str, **changed: np.ndarray | None) -> None:
        weights = {name: changed.get(name, array) for name, array in {**randomized(shape), **changed}.items()}
        write_weights(path, {name: array for name, array in weights.items() if array is not None})
        with pytest.raises(HemotkError, match=says):
            read_weights(path, shape)

    refused("'bn/gamma' is missing", **{"bn/gamma": None})
    refused("'bn/gamma' is \\[3\\]", **{"bn/gamma": np.ones(3)})
    refused("'bn/gamma' holds NaN", **{"bn/gamma": np.full(shape.features, np.nan)})
    refused("'more/kernel' is unknown", **{"more/kernel": np.ones(3)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(HemotkError, match="cut short"):
        read_weights(path, shape)
    with pytest.raises(HemotkError, match="no such file"):
        read_weights(tmp_path / "none.npz", shape)
    (tmp_path / "shape.json").write_text('{"schema": "hemotk.transformer/1"}')
    with pytest.raises(HemotkError, match="another kind of file"):
        read_shape(tmp_path / "shape.json")
