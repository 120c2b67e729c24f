"""A network that was normalized elsewhere keeps its constants in int8, however the import was told of them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tf_keras
from exportable_runs import make_run, make_split
from random_networks import network_input, random_arrays, random_pixels

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, BundleCard, PreprocessSpec, RunCard
from hemotk.cli.main import run
from hemotk.describe.model_card import MODEL_CARD
from hemotk.errors import HemotkError
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.models import make_models
from hemotk.exporting.source import Source, open_run
from hemotk.importing.config import ImportConfig, ImportedNetwork
from hemotk.importing.network import read_network
from hemotk.importing.run import score
from hemotk.models.build import build_model, get_arrays, set_arrays
from hemotk.models.shape import DenseNetShape, densenet
from hemotk.progress import silent
from hemotk.store.run import TOLD_ANEW
from hemotk.tflite.scorer import Scorer

SIZE = 48
OWN = PreprocessSpec(SIZE)
SHAPE = densenet((1, 1), growth=16)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@dataclass(frozen=True, eq=False)
class Told:
    """A normalization of bytes, scale · p + shift; `mode` is said to the import, `layer` is in front of the model."""

    scale: np.ndarray
    shift: np.ndarray
    mode: str
    layer: Any = None
    channels: Literal[1, 3] = 3


WAYS = (
    *("torch", "tf", "unit", "said mean and deviation", "given mean and variance", "rescaled"),
    *("one channel, tf", "one channel, unit"),
)


def told(name: str) -> Told:
    """The ways in which people tell an import of their normalization."""
    layers = tf_keras.layers
    mean, variance = np.array([100.0, 110, 120]), np.array([3000.0, 3600, 2500])
    given = layers.Normalization(mean=mean, variance=variance)
    return {
        "torch": Told(1 / (255 * STD), -MEAN / STD, "torch"),
        "tf": Told(np.full(3, 1 / 127.5), np.full(3, -1.0), "tf"),
        "unit": Told(np.full(3, 1 / 255), np.zeros(3), "unit"),
        "given mean and variance": Told(1 / np.sqrt(variance), -mean / np.sqrt(variance), "auto", given),
        "said mean and deviation": Told(np.full(3, 1 / 63.75), np.full(3, -2.0), "0.5/0.25"),
        "rescaled": Told(np.full(3, 1 / 127.5), np.full(3, -1.0), "auto", layers.Rescaling(1 / 127.5, -1)),
        "one channel, tf": Told(np.full(1, 1 / 127.5), np.full(1, -1.0), "tf", channels=1),
        "one channel, unit": Told(np.full(1, 1 / 255), np.zeros(1), "unit", channels=1),
    }[name]


def native(case: Told) -> DenseNetShape:
    """The shape that says the normalization relative to hemotk's own pixels."""
    mean = np.broadcast_to(-OWN.scale * (OWN.zero_point + case.shift / case.scale), 3)
    std = np.broadcast_to(OWN.scale / case.scale, 3)
    return replace(SHAPE, gray_mean=tuple(mean.tolist()), gray_std=tuple(std.tolist()))


def settled(shape: DenseNetShape, channels: int = 3) -> dict[str, np.ndarray]:
    """Random weights with the BatchNorm statistics of pictures, and the logit along which these differ most."""
    network = build_model(shape, bn_momentum=0.0)
    random = random_arrays(shape, 9, (1.0,))
    random["conv1/conv/kernel"][:, :, channels:] = 0
    set_arrays(network, {name: array / 2 if name.endswith("beta") else array for name, array in random.items()})
    h = network_input(random_pixels(48, SIZE)).astype(np.float32)
    network(h, training=True)
    arrays = dict(get_arrays(network))
    pooled = tf_keras.Model(network.input, network.get_layer("avg_pool").output)(h).numpy().astype(np.float64)
    mean = pooled.mean(axis=0)
    along = np.linalg.svd(pooled - mean)[2][0]
    along *= 3 / ((pooled - mean) @ along).std()
    arrays["logit/kernel"] = along[:, np.newaxis].astype(np.float32)
    arrays["logit/bias"] = np.array([-mean @ along], np.float32)
    return arrays


def one_channel(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The network whose stem reads one channel with the kernel of the first of three."""
    return {**arrays, "conv1/conv/kernel": arrays["conv1/conv/kernel"][:, :, :1]}


def foreign(case: Told, arrays: dict[str, np.ndarray], path: Path) -> Path:
    """The network as a Keras model of normalized pixels, or of bytes with its own layer in front."""
    network = build_model(replace(SHAPE, channels=case.channels))
    set_arrays(network, one_channel(arrays) if case.channels == 1 else arrays)
    first = network.get_layer("zero_padding2d").input
    body = tf_keras.Model(first, network.output)
    front = [] if case.layer is None else [case.layer]
    tf_keras.Sequential([tf_keras.Input((SIZE, SIZE, case.channels)), *front, body]).save(path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("imported")


@pytest.fixture(scope="module")
def split(home: Path) -> Any:
    return make_split(home / "images")


def run_of(home: Path, name: str, split: Any, network: ImportedNetwork) -> Path:
    folder = make_run(home / name, split, network.shape, dict(network.weights), SIZE)
    card = RunCard.read(folder / RUN_CARD)
    replace(card, source="imported", preprocess=network.preprocess).write(folder / RUN_CARD)
    return folder


def int8_sqnr(source: Source) -> float:
    """Of the logit, in dB."""
    pixels = random_pixels(24, SIZE, seed=9)
    calibration = random_pixels(24, SIZE)
    contents = make_models(source, ExportConfig(), calibration, silent).contents
    spec = source.card.preprocess
    exact, found = (
        np.array([scorer.score(image).logit for image in pixels])
        for scorer in (Scorer(contents[kind], spec) for kind in ("float32", "int8"))
    )
    return float(10 * np.log10(exact.var() / np.mean((exact - found) ** 2)))


@pytest.mark.parametrize("name", WAYS)
def test_int8_is_as_close_as_that_of_the_same_network_told_natively(name: str, home: Path, split: Any) -> None:
    case = told(name)
    arrays = settled(native(case), case.channels)
    network = read_network(foreign(case, arrays, home / f"{name}.h5"), ImportConfig(normalization=case.mode))
    same = ImportedNetwork(native(case), arrays, OWN, "native")
    pixels = random_pixels(8, SIZE, seed=9)
    assert np.abs(score(network, pixels) - score(same, pixels)).max() <= 2e-5
    found = int8_sqnr(open_run(run_of(home, f"run {name}", split, network)))
    assert found >= 30
    if network.preprocess == OWN:
        assert isinstance(network.shape, DenseNetShape) and isinstance(same.shape, DenseNetShape)
        assert network.shape.gray_mean == pytest.approx(same.shape.gray_mean, abs=1e-12)
        assert network.shape.gray_std == pytest.approx(same.shape.gray_std, abs=1e-12)
    else:
        assert found >= int8_sqnr(open_run(run_of(home, f"native {name}", split, same))) - 2


def old_style(network: ImportedNetwork) -> ImportedNetwork:
    """The same network as hemotk 0.1.0 imported it: relative to bytes between 0 and 1."""
    assert isinstance(network.shape, DenseNetShape)
    mean, std = np.array(network.shape.gray_mean), np.array(network.shape.gray_std)
    unit = 1 / (255 * OWN.scale)
    old_mean, old_std = (unit * mean + OWN.zero_point / 255), unit * std
    shape = replace(network.shape, gray_mean=tuple(old_mean.tolist()), gray_std=tuple(old_std.tolist()))
    return replace(network, shape=shape, preprocess=replace(OWN, scale=1 / 255, zero_point=0))


@pytest.fixture(scope="module")
def new() -> ImportedNetwork:
    shape = native(told("torch"))
    return ImportedNetwork(shape, settled(shape), OWN, "native")


def test_a_run_imported_before_is_told_anew_with_the_same_logits(new: ImportedNetwork, home: Path, split: Any) -> None:
    old = old_style(new)
    assert isinstance(old.shape, DenseNetShape) and isinstance(new.shape, DenseNetShape)
    assert old.shape.gray_mean == pytest.approx(MEAN) and old.shape.gray_std == pytest.approx(STD)
    source = open_run(run_of(home, "old", split, old))
    assert source.card.preprocess == OWN and source.card.notes[-1] == TOLD_ANEW
    assert isinstance(source.shape, DenseNetShape)
    assert source.shape.gray_mean == pytest.approx(new.shape.gray_mean, abs=1e-12)
    assert source.shape.gray_std == pytest.approx(new.shape.gray_std, abs=1e-12)
    pixels = random_pixels(8, SIZE, seed=9)
    before = score(old, pixels)
    after = score(replace(old, shape=source.shape, preprocess=source.card.preprocess), pixels)
    assert np.ptp(before) > 1 and np.abs(after - before).max() <= 4e-6 * np.abs(before).max()
    assert int8_sqnr(source) >= 30


def test_the_export_of_a_run_imported_before_says_so(
    new: ImportedNetwork, home: Path, split: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    old = run_of(home, "said", split, old_style(new))
    assert run(["export", str(old), "--out", str(home / "bundle"), "--calibration", "12"]) == 0
    assert TOLD_ANEW in capsys.readouterr().out
    assert TOLD_ANEW in (home / "bundle" / MODEL_CARD).read_text(encoding="utf-8")
    assert BundleCard.read(home / "bundle" / BUNDLE_CARD).preprocess == OWN


def test_a_plane_beyond_the_pixels_grid_is_refused(new: ImportedNetwork, home: Path, split: Any) -> None:
    source = open_run(run_of(home, "beyond", split, new))
    for scale, zero_point in ((1 / 255, 0), (OWN.scale * 1.001, 115), (OWN.scale, 200)):
        spec = replace(OWN, scale=scale, zero_point=zero_point)
        wrong = replace(source, card=replace(source.card, preprocess=spec))
        with pytest.raises(HemotkError, match=r"'gray_mean'. needs the constant 1\.111 .*; import the network again"):
            make_models(wrong, ExportConfig(), random_pixels(2, SIZE), silent)


def test_pixels_of_any_grid_will_do_without_a_plane(home: Path, split: Any) -> None:
    spec = PreprocessSpec(SIZE, 1 / 255, 0)
    network = ImportedNetwork(SHAPE, settled(SHAPE), spec, "native")
    source = open_run(run_of(home, "no plane", split, network))
    assert source.card.preprocess == spec and TOLD_ANEW not in source.card.notes
    assert int8_sqnr(source) >= 20
