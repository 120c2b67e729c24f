"""A network in a list of layers, as ResNet and MobileNet files are imported, goes the plain route."""

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras
from exportable_runs import make_run, make_split
from random_networks import network_input

from hemotk.artifacts import PreprocessSpec, SplitManifest
from hemotk.data.read.pipeline import load_items
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.recipe import QUANTIZED_KINDS, Recipe
from hemotk.exporting.source import calibration_items
from hemotk.exporting.tflite.flatbuffer import operators
from hemotk.models.build import build_model, get_arrays, set_arrays, with_logit
from hemotk.models.layered import LayeredShape, ListedLayer
from hemotk.models.weights import read_shape, read_weights
from hemotk.tflite.scorer import Scorer

SIZE = 48
SPEC = PreprocessSpec(SIZE)
ALL = ExportConfig(tuple(Recipe(kind) for kind in QUANTIZED_KINDS), calibration=12)
LAYERS = (
    ListedLayer("conv1", "conv", 8, 7, 2, "relu"),
    ListedLayer("maxpool", "max_pool", 8, 3, 2),
    ListedLayer("layer1.0.conv1", "conv", 16, activation="hard_swish"),
    ListedLayer("layer1.0.deep", "depthwise", 16, 5, activation="relu6"),
    ListedLayer("layer1.0.factor", "excite", 16, inner=4),
    ListedLayer("layer1.0.conv2", "conv", 8),
    ListedLayer("layer1.0.sum", "add", 8, reads=("layer1.0.conv2", "maxpool")),
    ListedLayer("layer2.0.deep", "depthwise", 8, 3, 2, "hard_swish"),
    ListedLayer("layer2.0.downsample.0", "conv", 8, 1, 2, reads=("layer1.0.sum",)),
    ListedLayer("layer2.0.sum", "add", 8, activation="relu", reads=("layer2.0.deep", "layer2.0.downsample.0")),
    ListedLayer("avgpool", "mean", 8),
    ListedLayer("classifier.0", "dense", 12, activation="hard_swish"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights; the logit is where the features differ most, with a bias of 0, which the converter leaves out."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("layered")
    split = make_split(folder / "images")
    shape = LayeredShape("resnet", LAYERS, (0.03, 0.0, -0.05))
    model = build_model(shape)
    h = network_input(calibration_images(split)).astype(np.float32)
    features = keras.Model(model.input, model.get_layer("logit").input)(h).numpy()
    middle = features.mean(0)
    _, spread, directions = np.linalg.svd(features - middle, full_matrices=False)
    kernel = directions[0] * np.sqrt(len(h)) / spread[0] / 2  # logits of mean 0 and standard deviation ½
    arrays = {**get_arrays(model), "logit/kernel": kernel[:, np.newaxis], "logit/bias": np.zeros(1)}
    return make_run(folder / "run", split, shape, arrays, SIZE)


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "layered"
    export_run(run, folder, ALL)
    return folder


def test_float32_is_the_network(run: Path, bundle: Path) -> None:
    shape = read_shape(run / "shape.json")
    model = build_model(shape)
    set_arrays(model, read_weights(run / "weights.npz", shape))
    images = calibration_images(SplitManifest.read(run / "split.json"))
    expected = with_logit(model)(network_input(images).astype(np.float32))[0].numpy()[:, 0]
    np.testing.assert_allclose(logits(bundle, "float32", images), expected, atol=1e-4)
    assert expected.std() > 0.1


@pytest.mark.parametrize(("kind", "least"), [("fp16", 45), ("dynamic", 18), ("int8", 25), ("int16x8", 35)])
def test_noise_on_the_images_of_calibration(kind: str, least: float, run: Path, bundle: Path) -> None:
    images = calibration_images(SplitManifest.read(run / "split.json"))
    parent, found = (logits(bundle, name, images) for name in ("float32", kind))
    sqnr = 10 * np.log10(parent.var() / np.mean((found - parent) ** 2))
    assert sqnr > least


def test_integers_leave_nothing_but_the_ends_to_the_interpreter(bundle: Path) -> None:
    checks = {check["kind"]: check for check in json.loads((bundle / "checks.json").read_text())}
    assert set(checks) == {"float32", *QUANTIZED_KINDS}
    assert checks["int8"]["placement"]["pieces"] == 1
    assert {left["operator"] for left in checks["int8"]["placement"]["left_out"]} == {"QUANTIZE"}


def test_a_logit_without_a_bias_gets_one(bundle: Path) -> None:
    found = {kind: operators((bundle / f"model_{kind}.tflite").read_bytes()) for kind in ("float32", "int8")}
    maker = {kind: next(one for one in ops if "logit" in one.outputs) for kind, ops in found.items()}
    assert len(maker["float32"].inputs) == 2 and len(maker["int8"].inputs) == 3


def test_a_normalization_is_one_sum_before_the_stem(bundle: Path) -> None:
    found = [operator.name for operator in operators((bundle / "model_float32.tflite").read_bytes())]
    assert found[:4] == ["CONCATENATION", "ADD", "PAD", "CONV_2D"] and "MUL" not in found[:4]


def calibration_images(split: SplitManifest) -> np.ndarray:
    return load_items(calibration_items(split, ALL.calibration), Path(split.folder), SPEC)[0]


def logits(bundle: Path, kind: str, images: np.ndarray) -> np.ndarray:
    scorer = Scorer(bundle / f"model_{kind}.tflite", SPEC)
    return np.array([scorer.score(image).logit for image in images])
