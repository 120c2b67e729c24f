"""Pictures that are read when they are needed train and score the same network, to the bit, as those in memory."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import PARTS, PreprocessSpec, SplitManifest
from hemotk.data.lazy import LazyPixels, select
from hemotk.data.scan import scan
from hemotk.data.splits import SplitConfig, make_split

pytest.importorskip("tf_keras")
import tf_keras as keras

from hemotk.models.build import build_model, get_arrays
from hemotk.models.families import named_shape
from hemotk.training.config import TrainConfig
from hemotk.training.features import Backbone
from hemotk.training.fit import Data, Listener, Stage, fit, load_data, logits_of
from hemotk.training.head import backbone_of
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
    memory = load_data(split, None, SPEC, Listener())
    parts = np.array([item.part for item in split.items])
    lazy = LazyPixels(split.items, split.root(), SPEC)
    return memory, Data({part: select(lazy, parts == part) for part in PARTS}, memory.labels)


def test_training_and_scores_are_the_same_to_the_bit(sources: tuple[Data, Data], tmp_path: Path) -> None:
    assert len(sources[1].pixels["validation"]) > 64  # more than are read at once
    found = []
    for number, data in enumerate(sources):
        keras.utils.set_random_seed(0)
        trainer = Trainer(build_model(named_shape("cnn", SIZE)), CONFIG, SPEC)
        fit(Stage(tmp_path / str(number), {}), trainer, data, Listener())
        scored = logits_of(trainer, data, PARTS)
        np.testing.assert_array_equal(scored["validation"], trainer.logits(sources[0].pixels["validation"]))
        found.append({**get_arrays(trainer.model), **scored})
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
