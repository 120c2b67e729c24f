"""The reference networks: their shape files against the built networks and the published counts."""

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from hemotk.errors import FieldError, HemotkError
from hemotk.models.families import is_densenet, named_shape
from hemotk.models.pretrained import load_pretrained
from hemotk.models.shape import APPLICATIONS, ApplicationShape
from hemotk.models.weights import read_shape, read_weights, write_weights

keras = pytest.importorskip("tf_keras")
from hemotk.models.build import build_model, get_arrays, named_variables, set_arrays, with_logit  # noqa: E402

SMALL: Literal["mobilenetv3small"] = "mobilenetv3small"
TINY = ApplicationShape(SMALL, 64, 12, {"conv/kernel": (3, 3, 1, 1), "logit/kernel": (1, 1), "logit/bias": (1,)})

# Millions of multiply-accumulates at 224×224 with the ImageNet classifier, and the widths of that classifier:
# Howard et al. 2019, table 3; Tan and Le 2019, table 2; He et al. 2015, table 1.
PUBLISHED = {
    "mobilenetv3small": (56, (576, 1024, 1000)),
    "efficientnetb0": (390, (1280, 1000)),
    "resnet50": (3800, (2048, 1000)),
}


@cache
def small_pictures(family: str) -> ApplicationShape:
    found = named_shape(family, 64)
    assert isinstance(found, ApplicationShape)
    return found


@pytest.fixture(scope="module")
def shape() -> ApplicationShape:
    return small_pictures(SMALL)


@pytest.mark.parametrize("family", APPLICATIONS)
def test_counts_are_the_published_ones(family: str) -> None:
    found = named_shape(family, 224)
    official = getattr(keras.applications, OFFICIAL[family])(weights=None, include_top=False)
    constants = sum(layer.count_params() for layer in official.layers if isinstance(layer, keras.layers.Normalization))
    assert found.parameters(head=False) == official.count_params() - constants
    published, widths = PUBLISHED[family]
    classifier = sum(a * b for a, b in pairwise(widths))
    assert (found.macs(224) - widths[0] + classifier) / 1e6 == pytest.approx(published, rel=0.02)


OFFICIAL = {"mobilenetv3small": "MobileNetV3Small", "efficientnetb0": "EfficientNetB0", "resnet50": "ResNet50"}


@pytest.mark.parametrize("family", APPLICATIONS)
def test_every_array_has_one_name_that_stays(family: str) -> None:
    found = small_pictures(family)
    model = build_model(found)
    assert {name: array.shape for name, array in get_arrays(model).items()} == dict(found.arrays())
    weights = [v for layer in model.layers for v in layer.weights if not isinstance(layer, keras.layers.Normalization)]
    assert len(weights) == len(found.arrays())
    assert list(named_variables(build_model(found))) == list(found.arrays())
    assert found.parameters() == sum(int(np.prod(v.shape)) for v in weights)
    assert not is_densenet(found)


def test_the_network_sees_h_itself_on_three_channels() -> None:
    h = np.random.default_rng(0).normal(size=(2, 64, 64, 1)).astype(np.float32)
    for family, stem in (("mobilenetv3small", "Conv"), ("efficientnetb0", "stem_conv_pad"), ("resnet50", "conv1_pad")):
        model = build_model(small_pictures(family))
        seen = keras.Model(model.input, model.get_layer(stem).input)(h).numpy()
        np.testing.assert_array_equal(seen, np.repeat(h, 3, -1))


def test_the_features_are_those_of_the_official_network(shape: ApplicationShape) -> None:
    official = keras.applications.MobileNetV3Small(
        weights=None, include_top=False, include_preprocessing=False, input_shape=(64, 64, 3), pooling="avg"
    )
    ours = build_model(shape)
    rng = np.random.default_rng(1)
    arrays = {
        name: rng.uniform(0.5, 1.5, size) if name.endswith(("gamma", "variance")) else rng.normal(0, 0.1, size)
        for name, size in shape.arrays().items()
    }
    set_arrays(ours, arrays)
    for layer in official.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}/{v.name.split('/')[-1][:-2]}"] for v in layer.weights])
    h = rng.normal(size=(2, 64, 64, 1)).astype(np.float32)
    expected = official(np.repeat(h, 3, -1)).numpy()
    found = keras.Model(ours.input, ours.get_layer("avg_pool").output)(h).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * abs(expected).max())


def test_batchnorm_settles_at_the_asked_momentum(shape: ApplicationShape) -> None:
    model = build_model(shape, bn_momentum=0.25)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 34
    assert {layer.momentum for layer in norms} == {0.25}
    h = np.random.default_rng(0).normal(size=(4, 64, 64, 1)).astype(np.float32)
    before = keras.Model(model.input, model.get_layer("Conv").output)(h).numpy()
    model(h, training=True)
    moved = get_arrays(model)["Conv/BatchNorm/moving_mean"]
    np.testing.assert_allclose(moved, 0.75 * before.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)


def test_dropout_and_the_last_layers(shape: ApplicationShape) -> None:
    model = build_model(shape, dropout=0.5)
    assert [layer.name for layer in model.layers[-4:]] == ["avg_pool", "dropout", "logit", "probability"]
    assert model.get_layer("dropout").rate == 0.5
    h = np.random.default_rng(0).normal(size=(3, 64, 64, 1)).astype(np.float32)
    logit, probability = with_logit(model)(h)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logit.numpy())), rtol=1e-6)


def test_shape_and_weights_round_trip(shape: ApplicationShape, tmp_path: Path) -> None:
    shape.write(tmp_path / "shape.json")
    assert read_shape(tmp_path / "shape.json") == shape
    arrays = get_arrays(build_model(shape))
    write_weights(tmp_path / "w.npz", arrays)
    read = read_weights(tmp_path / "w.npz", shape)
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"size": 31}, "'size' must be 32 or more"),
        ({"operations": 9}, "'operations' must be at least one for every weight"),
        ({"table": {**TINY.table, "conv/bias": ()}}, "'table.conv/bias' must be a list of numbers above 0"),
        ({"table": {**TINY.table, "conv/bias": (3, 0)}}, "'table.conv/bias' must be a list of numbers above 0"),
        ({"table": {"conv/kernel": (1, 1, 1, 1)}}, "'logit/bias'"),
    ],
)
def test_shapes_that_cannot_be(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(FieldError, match=says):
        replace(TINY, **fields)


def test_shape_files_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "shape.json"
    for changed, says in (({"family": "vgg16"}, "family"), ({"schema": "hemotk.application/2"}, "version 2")):
        path.write_text(json.dumps({**json.loads(TINY.to_json()), **changed}))
        with pytest.raises(HemotkError, match=says):
            read_shape(path)


def test_multiply_accumulates_of_another_size_are_not_guessed() -> None:
    assert TINY.macs(64) == 12
    with pytest.raises(HemotkError, match="made for 64×64 pictures, not for 96×96"):
        TINY.macs(96)


@pytest.mark.parametrize("family", APPLICATIONS)
def test_imagenet_weights_are_refused(family: str) -> None:
    with pytest.raises(HemotkError, match=f"weights imagenet: the official {family} was trained on pictures that"):
        load_pretrained("imagenet", family, TINY)


def test_a_run_or_a_file_that_fits_gives_its_backbone(shape: ApplicationShape, tmp_path: Path) -> None:
    model = build_model(shape)
    arrays = get_arrays(model)
    write_weights(tmp_path / "weights.npz", arrays)
    model.save_weights(tmp_path / "weights.h5")
    for given in (tmp_path, tmp_path / "weights.h5"):
        found = load_pretrained(str(given), SMALL, shape)
        assert set(found) == set(arrays) - {"logit/kernel", "logit/bias"}
        assert all(np.array_equal(found[name], arrays[name]) for name in found)
    with pytest.raises(HemotkError, match="Conv/kernel"):
        load_pretrained(str(tmp_path), SMALL, replace(shape, table={**shape.table, "Conv/kernel": (3, 3, 1, 16)}))
    with pytest.raises(HemotkError, match="holds no layer of resnet50"):
        load_pretrained(str(tmp_path), "resnet50", small_pictures("resnet50"))
