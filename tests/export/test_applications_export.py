"""A network of tf_keras.applications goes the plain route: converted as it is, quantized, checked."""

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras
from exportable_runs import make_run, make_split
from random_networks import network_input, random_pixels

from hemotk.artifacts import PreprocessSpec, SplitManifest
from hemotk.data.read.pipeline import load_items
from hemotk.errors import HemotkError
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.integer.hard_swish import split_hard_swish
from hemotk.exporting.recipe import QUANTIZED_KINDS, Recipe
from hemotk.exporting.selective.layers import file_layers
from hemotk.exporting.source import calibration_items
from hemotk.exporting.tflite.flatbuffer import operators
from hemotk.models.build import build_model, get_arrays, set_arrays, with_logit
from hemotk.models.families import named_shape
from hemotk.models.weights import read_shape, read_weights
from hemotk.tflite.scorer import Scorer

SIZE = 64
SPEC = PreprocessSpec(SIZE)
ALL = ExportConfig(tuple(Recipe(kind) for kind in QUANTIZED_KINDS), calibration=12)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fresh weights with the BatchNorm statistics of blobs; the logit is where their features differ most."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("application")
    split = make_split(folder / "images")
    shape = named_shape("mobilenetv3small", SIZE)
    model = build_model(shape, bn_momentum=0.0)
    model(network_input(random_pixels(64, SIZE)).astype(np.float32), training=True)
    h = network_input(calibration_images(split)).astype(np.float32)
    features = keras.Model(model.input, model.get_layer("avg_pool").output)(h).numpy()
    middle = features.mean(0)
    _, spread, directions = np.linalg.svd(features - middle, full_matrices=False)
    kernel = directions[0] * np.sqrt(len(h)) / spread[0] / 2  # logits of mean 0 and standard deviation ½
    arrays = {**get_arrays(model), "logit/kernel": kernel[:, np.newaxis], "logit/bias": -kernel @ middle[:, np.newaxis]}
    return make_run(folder / "run", split, shape, arrays, SIZE)


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "application"
    export_run(run, folder, ALL)
    return folder


def test_every_kind_is_made_and_agrees(bundle: Path) -> None:
    checks = {check["kind"]: check for check in json.loads((bundle / "checks.json").read_text())}
    assert set(checks) == {"float32", *QUANTIZED_KINDS}
    assert all(check["agreement"]["drift"] < 0.05 for check in checks.values())


def test_float32_is_the_keras_network(run: Path, bundle: Path) -> None:
    shape = read_shape(run / "shape.json")
    model = build_model(shape)
    set_arrays(model, read_weights(run / "weights.npz", shape))
    images = calibration_images(SplitManifest.read(run / "split.json"))
    expected = with_logit(model)(network_input(images).astype(np.float32))[0].numpy()[:, 0]
    np.testing.assert_allclose(logits(bundle, "float32", images), expected, atol=1e-4)
    assert expected.std() > 0.1


@pytest.mark.parametrize(("kind", "least"), [("fp16", 45), ("dynamic", 20), ("int8", 20), ("int16x8", 28)])
def test_noise_on_the_images_of_calibration(kind: str, least: float, run: Path, bundle: Path) -> None:
    images = calibration_images(SplitManifest.read(run / "split.json"))
    parent, found = (logits(bundle, name, images) for name in ("float32", kind))
    sqnr = 10 * np.log10(parent.var() / np.mean((found - parent) ** 2))
    assert sqnr > least


def calibration_images(split: SplitManifest) -> np.ndarray:
    return load_items(calibration_items(split, ALL.calibration), Path(split.folder), SPEC)[0]


def logits(bundle: Path, kind: str, images: np.ndarray) -> np.ndarray:
    scorer = Scorer(bundle / f"model_{kind}.tflite", SPEC)
    return np.array([scorer.score(image).logit for image in images])


def test_int8_copies_the_pixels_unchanged(bundle: Path) -> None:
    found = operators((bundle / "model_int8.tflite").read_bytes())
    # One QUANTIZE at the input, none for its three copies; the outputs are float32.
    assert sum(operator.name == "QUANTIZE" for operator in found) == 1
    assert [operator.name for operator in found[:3]] == ["QUANTIZE", "CONCATENATION", "CONV_2D"]


def test_integers_leave_nothing_but_the_ends_to_the_interpreter(bundle: Path) -> None:
    checks = {check["kind"]: check for check in json.loads((bundle / "checks.json").read_text())}
    int8 = checks["int8"]["placement"]
    assert int8["pieces"] == 1
    assert {left["operator"] for left in int8["left_out"]} == {"QUANTIZE"}
    assert checks["float32"]["operators"]["HARD_SWISH"] == 18
    assert not {"HARD_SWISH", "DEQUANTIZE"} & set(checks["int16x8"]["operators"])


def test_normalization_and_copies_leave_no_arithmetic_before_the_stem(bundle: Path) -> None:
    found = operators((bundle / "model_float32.tflite").read_bytes())
    assert [operator.name for operator in found[:2]] == ["CONCATENATION", "CONV_2D"]


def test_a_map_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="only a DenseNet has a class-activation map"):
        export_run(run, tmp_path / "out" / "bundle", ExportConfig(calibration=4, cam=True))
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_layers_are_named_by_their_weights(bundle: Path) -> None:
    names = file_layers(split_hard_swish((bundle / "model_float32.tflite").read_bytes())).names
    assert names[:4] == (
        "Conv",
        "expanded_conv/depthwise",
        "expanded_conv/squeeze_excite/Conv",
        "expanded_conv/squeeze_excite/Conv_1",
    )
    assert len(set(names)) == len(names)
