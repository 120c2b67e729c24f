"""The head phase: cached features say what the frozen network says, nothing but the head changes, and resuming."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import PARTS, Part, PreprocessSpec, RunCard, SplitManifest
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.models.families import named_shape
from hemotk.models.shape import CnnShape, DenseNetShape, Shape
from hemotk.models.weights import read_shape, read_weights, write_weights

pytest.importorskip("tf_keras")
import tf_keras as keras

from hemotk.models.build import build_model, get_arrays, set_arrays
from hemotk.training.checkpoint import CHECKPOINT_FILE
from hemotk.training.config import AugmentConfig, TrainConfig
from hemotk.training.features import FEATURE_FILES, Backbone, Features
from hemotk.training.fit import Data
from hemotk.training.head import backbone_of, head_of
from hemotk.training.history import Epoch, read_history, write_history
from hemotk.training.listener import Listener
from hemotk.training.loop import TrainJob, train
from hemotk.training.steps import Batch, Trainer, augmented_input

SIZE = 32
TINY = named_shape("densenet-tiny", SIZE)
assert isinstance(TINY, DenseNetShape)
COLOURED = replace(TINY, channels=3, gray_mean=(0.1, 0.2, 0.3), gray_std=(1.0, 0.9, 0.8), hidden=(7, 5))
CNN = named_shape("cnn", SIZE)
SPEC = PreprocessSpec(SIZE)


class Killed(BaseException):
    """Stands for a kill: nothing in the training catches it."""


class KillAtFeatures(Listener):
    """Kills at a number of pictures; remembers the numbers that it was told."""

    def __init__(self, at: int = -1) -> None:
        self.at = at
        self.told: list[int] = []

    def features(self, done: int, total: int) -> None:
        self.told.append(done)
        if done >= self.at > 0:
            raise Killed


class KillAfter(Listener):
    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        if epoch > self.last:
            raise Killed


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    """Thirty pictures of noise; those with hemorrhage are brighter."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for i in range(30):
        path = folder / ("hemorrhage" if i % 2 else "normal") / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray((rng.integers(40, 90, (SIZE, SIZE)) + i % 2 * 60).astype(np.uint8)).save(path)
    return make_split(scan(folder), SplitConfig())


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Of the network that is traced in the shortest time."""
    weights = _weight_file(tmp_path_factory.mktemp("weights") / "w.npz", CNN)
    return TrainConfig("cnn", str(weights), SIZE, epochs=1, batch=8, head_epochs=3, head_views=2, seed=1)


@pytest.fixture(scope="module")
def undisturbed(split: SplitManifest, config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(TrainJob(split, out), config)
    return out


def _weight_file(path: Path, shape: Shape) -> Path:
    """Weights with BatchNorm averages as if they had been trained."""
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    arrays = dict(get_arrays(build_model(shape)))
    for name, array in arrays.items():
        if name.endswith(("moving_mean", "beta", "moving_variance", "gamma")):
            arrays[name] = (array + rng.uniform(0, 0.3, array.shape)).astype(np.float32)
    write_weights(path, arrays)
    return path


def _pixels(data: Data, part: Part) -> np.ndarray:
    """Of a part that lies in memory."""
    pixels = data.pixels[part]
    assert isinstance(pixels, np.ndarray)
    return pixels


def _data() -> Data:
    rng = np.random.default_rng(0)
    counts = {part: 5 + i for i, part in enumerate(PARTS)}
    return Data(
        {part: rng.integers(0, 256, (count, SIZE, SIZE), np.uint8) for part, count in counts.items()},
        {part: np.arange(count) % 2 for part, count in counts.items()},
    )


@pytest.mark.parametrize(
    ("shape", "precision"),
    [
        (COLOURED, "float32"),
        (CnnShape((4, 6), 9, SIZE), "float32"),
        (TINY, "bfloat16"),
    ],
    ids=["three channels", "cnn", "bfloat16"],
)
def test_cached_features_and_the_head_say_what_the_whole_network_says(
    shape: Shape, precision: Literal["float32", "bfloat16"], tmp_path: Path
) -> None:
    weights = read_weights(_weight_file(tmp_path / "w.npz", shape), shape)
    model = build_model(shape, dropout=0.5, precision=precision)
    set_arrays(model, weights)
    config = TrainConfig(size=SIZE, weights="w.npz", head_views=2, batch=4, dropout=0.5)
    data = _data()
    told = KillAtFeatures()
    features = Backbone(backbone_of(model), config, SPEC).features(data, tmp_path, told)
    head = head_of(model, features.width)
    trainer = Trainer(model, config, SPEC)
    plain = head(np.asarray(features.validation), training=False).numpy()[:, 0]
    np.testing.assert_allclose(plain, trainer.logits(_pixels(data, "validation")), atol=1e-5, rtol=1e-5)
    again = head(features.views[1], training=False).numpy()[:, 0]
    assert np.abs(again - head(features.views[0], training=False).numpy()[:, 0]).max() > 1e-3
    assert told.told[-1] == len(data.labels["validation"]) + 2 * len(data.labels["train"])


def test_a_view_is_what_its_seed_says(tmp_path: Path) -> None:
    from hemotk.training.augment import random_contrast, random_transforms

    model = build_model(TINY)
    data = _data()
    config = TrainConfig(size=SIZE, weights="w.npz", head_views=2, batch=4, seed=7)
    features = Backbone(backbone_of(model), config, SPEC).features(data, tmp_path, Listener())
    rng = np.random.default_rng([7, 1, 1])
    count = len(data.labels["train"])
    transforms = random_transforms(config.augment, rng, count, SIZE)
    batch = Batch(
        _pixels(data, "train"), np.zeros(count), np.ones(count), transforms, random_contrast(config.augment, rng, count)
    )
    pixels, _, _, views, contrast = batch.tensors()
    whole = backbone_of(model)(augmented_input(pixels, views, contrast, SPEC), training=False).numpy()
    np.testing.assert_allclose(features.views[1], whole, atol=1e-5)
    assert np.abs(features.views[0] - whole).max() > 1e-3


def test_a_file_of_features_grows_with_them(tmp_path: Path) -> None:
    """A map of its final size would end the process where the disk is full."""
    sizes: list[int] = []

    class Watch(Listener):
        def features(self, done: int, total: int) -> None:
            sizes.extend(path.stat().st_size for path in tmp_path.glob(".*.tmp"))

    config = TrainConfig(size=SIZE, weights="w.npz", head_views=1, batch=2)
    features = Backbone(backbone_of(build_model(TINY)), config, SPEC).features(_data(), tmp_path, Watch())
    assert 0 <= sizes[0] < features.validation.nbytes


def test_a_picture_shows_another_view_in_each_epoch() -> None:
    views = [np.array([[10 * view + i] for i in range(4)]) for view in range(3)]
    features = Features(views, views[0])
    shown = np.stack([features.of(np.array([2, 0]), epoch)[:, 0] for epoch in range(4)])
    assert shown.tolist() == [[22, 0], [2, 10], [12, 20], [22, 0]]


def test_without_epochs_of_the_network_the_backbone_stays_to_the_bit(
    split: SplitManifest, config: TrainConfig, tmp_path: Path
) -> None:
    calm = AugmentConfig(rotation_degrees=0.0, zoom=0.0, shift=0.0, contrast=0.0)
    weights = _weight_file(tmp_path / "w.npz", TINY)
    probe = replace(
        config, arch="densenet-tiny", weights=str(weights), epochs=0, head_epochs=60, augment=calm, batch=32
    )
    card = train(TrainJob(split, tmp_path / "probe"), probe)
    found, given = (read_weights(path, TINY) for path in (tmp_path / "probe" / "weights.npz", weights))
    for name in given:
        if not name.startswith("logit"):
            np.testing.assert_array_equal(found[name], given[name], err_msg=name)
    history = read_history(tmp_path / "probe" / "history.csv")
    assert len(history) == 60 and {epoch.phase for epoch in history} == {"head"}
    assert history[0].loss == pytest.approx(np.log(2), rel=1e-6)  # of a first step without an opinion
    assert history[-1].loss < history[0].loss and history[-1].accuracy > 0.9
    # What the epochs said of the cached features holds for the network that is published.
    assert card.metrics["validation"].loss == pytest.approx(history[-1].validation_loss, rel=1e-4)


def test_one_history_of_both_phases(undisturbed: Path, config: TrainConfig) -> None:
    history = read_history(undisturbed / "history.csv")
    assert [(epoch.epoch, epoch.phase) for epoch in history] == [
        (1, "head"),
        (2, "head"),
        (3, "head"),
        (4, "network"),
    ]
    assert history[0].learning_rate > history[-1].learning_rate
    card = RunCard.read(undisturbed / "run.json")
    assert (card.settings["head_epochs"], card.settings["head_views"], card.settings["epochs"]) == (3, 2, 1)
    assert not undisturbed.with_name("whole.partial").exists()


@pytest.mark.parametrize(
    "killer", [KillAtFeatures(30), KillAfter(1), KillAfter(3)], ids=["features", "head", "network"]
)
def test_killed_and_resumed_gives_the_same_network(
    split: SplitManifest, config: TrainConfig, undisturbed: Path, tmp_path: Path, killer: Listener
) -> None:
    out = tmp_path / "whole"
    with pytest.raises(Killed):
        train(TrainJob(split, out), config, killer)
    with pytest.raises(HemotkError, match="add resume"):
        train(TrainJob(split, out), config)
    told = KillAtFeatures()
    train(TrainJob(split, out, resume=True), config, told)
    shape = read_shape(out / "shape.json")
    one, two = (read_weights(folder / "weights.npz", shape) for folder in (out, undisturbed))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-5)
    histories = [[replace(e, seconds=0.0) for e in read_history(path / "history.csv")] for path in (out, undisturbed)]
    assert [e.epoch for e in histories[0]] == [e.epoch for e in histories[1]] == [1, 2, 3, 4]
    if isinstance(killer, KillAtFeatures):
        whole = len(split.part("validation")) + len(split.part("train"))
        assert told.told[:2] == [len(split.part("validation")), whole]  # kept, and not computed in batches again


def test_other_settings_are_refused_while_features_lie_there(
    split: SplitManifest, config: TrainConfig, tmp_path: Path
) -> None:
    with pytest.raises(Killed):
        train(TrainJob(split, tmp_path / "run"), config, KillAtFeatures(30))
    kept = {path.name for path in (tmp_path / "run.partial").iterdir()}
    assert CHECKPOINT_FILE in kept and kept & {*FEATURE_FILES}
    with pytest.raises(HemotkError, match="was trained with head_views 2, now it is 4"):
        train(TrainJob(split, tmp_path / "run", resume=True), replace(config, head_views=4))


def test_a_backbone_that_explodes_is_said(split: SplitManifest, config: TrainConfig, tmp_path: Path) -> None:
    arrays = dict(read_weights(Path(config.weights), CNN))
    arrays["conv3/kernel"] = np.full_like(arrays["conv3/kernel"], 3e38)
    path = tmp_path / "huge.npz"
    write_weights(path, arrays)
    with pytest.raises(HemotkError, match=r"weights .*huge\.npz: the backbone's features are no finite numbers"):
        train(TrainJob(split, tmp_path / "run"), replace(config, weights=str(path)))
    assert not (tmp_path / "run").exists()


def test_phases_survive_the_file_and_earlier_files_have_one(tmp_path: Path) -> None:
    history = [Epoch(1, 0.7, 0.5, 0.7, 0.5, 1e-3, 0.1, "head"), Epoch(2, 0.6, 0.5, 0.7, 0.5, 1e-4, 9.0)]
    write_history(tmp_path / "history.csv", history)
    assert read_history(tmp_path / "history.csv") == tuple(history)
    lines = (tmp_path / "history.csv").read_text().splitlines()
    (tmp_path / "old.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    assert [epoch.phase for epoch in read_history(tmp_path / "old.csv")] == ["network", "network"]


def test_a_loss_that_is_no_number_is_not_blamed_on_the_rate(
    split: SplitManifest, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def huge(backbone: Backbone, data: Data, *_: object) -> Features:
        views, plain = (
            np.full((len(data.labels[part]), backbone.width), 3e38, np.float32) for part in ("train", "validation")
        )
        return Features([views], plain)

    monkeypatch.setattr(Backbone, "features", huge)
    with pytest.raises(HemotkError, match=r"epoch 1, step \d: the loss is nan; .*head_epochs 0\.") as found:
        train(TrainJob(split, tmp_path / "run"), config)
    assert "--learning-rate" not in str(found.value)


def test_the_first_epoch_holds_the_time_of_the_features(
    split: SplitManifest, config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 1000.0])
    monkeypatch.setattr("hemotk.training.head.time", SimpleNamespace(monotonic=lambda: next(clock)))
    card = train(TrainJob(split, tmp_path / "run"), replace(config, head_epochs=2, epochs=0))
    first, second = read_history(tmp_path / "run" / "history.csv")
    assert first.seconds >= 1000 > second.seconds
    assert card.settings["seconds_in_epochs"] >= 1000
