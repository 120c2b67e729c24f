"""Pictures that are read when they are needed train and score the same network, to the bit, as those in memory."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import PARTS, PreprocessSpec, SplitManifest
from hemotk.data.read.lazy import LazyPixels
from hemotk.data.read.pipeline import load_items
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split

pytest.importorskip("tf_keras")
import tf_keras as keras

from hemotk.models.build import build_model, get_arrays
from hemotk.models.families import named_shape
from hemotk.training.config import TrainConfig
from hemotk.training.features import Backbone
from hemotk.training.fit import Data, Stage, fit, load_data, logits_of
from hemotk.training.head import backbone_of
from hemotk.training.listener import Listener
from hemotk.training.steps import Trainer

SIZE = 16
SPEC = PreprocessSpec(SIZE)
CONFIG = TrainConfig("cnn", weights="given", size=SIZE, epochs=2, batch=4, head_views=2)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for i in range(110):
        path = folder / ("hemorrhage" if i % 2 else "normal") / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (SIZE, SIZE)).astype(np.uint8)).save(path)
    return make_split(scan(folder), SplitConfig(test=0.1, validation=0.8, grouping="none"))


@pytest.fixture(scope="module")
def sources(split: SplitManifest) -> tuple[Data, Data]:
    """The same pictures, in memory and read when needed."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for most in (len(split.items) * SIZE * SIZE, len(split.items) * SIZE * SIZE - 1):
            patch.setattr("hemotk.training.fit.MOST_IN_MEMORY", most)
            found.append(load_data(split, None, SPEC, Listener()))
    return found[0], found[1]


def test_what_fits_is_read_part_by_part_and_the_rest_when_needed(
    sources: tuple[Data, Data], split: SplitManifest
) -> None:
    whole, labels = load_items(split.items, split.root(), SPEC)
    for part in PARTS:
        where = np.array([item.part == part for item in split.items])
        held, left = (data.pixels[part] for data in sources)
        assert isinstance(held, np.ndarray) and isinstance(left, LazyPixels)
        assert np.array_equal(held, whole[where]) and np.array_equal(left[:], whole[where])
        assert all(np.array_equal(data.labels[part], labels[where]) for data in sources)


def test_every_picture_is_told_of_once(split: SplitManifest) -> None:
    said = []

    class Told(Listener):
        def loading(self, done: int, total: int) -> None:
            said.append((done, total))

    load_data(split, None, SPEC, Told())
    assert said == [(done, len(split.items)) for done in range(1, len(split.items) + 1)]


def test_training_and_scores_are_the_same_to_the_bit(sources: tuple[Data, Data], tmp_path: Path) -> None:
    assert len(sources[1].pixels["validation"]) > 64  # more than are read at once
    found = []
    for number, data in enumerate(sources):
        keras.utils.set_random_seed(0)
        trainer = Trainer(build_model(named_shape("cnn", SIZE)), CONFIG, SPEC)
        fit(Stage(tmp_path / str(number), {}), trainer, data, Listener())
        scored = logits_of(trainer, data, PARTS)
        whole = sources[0].pixels["validation"]
        assert isinstance(whole, np.ndarray)
        np.testing.assert_array_equal(scored["validation"], trainer.logits(whole))
        found.append({**get_arrays(trainer.model), **{str(part): logits for part, logits in scored.items()}})
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name], err_msg=name)


def test_features_are_the_same_to_the_bit(sources: tuple[Data, Data], tmp_path: Path) -> None:
    backbone = Backbone(backbone_of(build_model(named_shape("cnn", SIZE))), CONFIG, SPEC)
    found = []
    for number, data in enumerate(sources):
        (folder := tmp_path / str(number)).mkdir()
        found.append(backbone.features(data, folder, Listener()))
    for one, two in zip((*found[0].views, found[0].validation), (*found[1].views, found[1].validation), strict=True):
        np.testing.assert_array_equal(one, two)
