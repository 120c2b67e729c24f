"""What `predict` does not apply, in the versions of Keras that are installed."""

import functools
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_classifiers import SIZE, backbone, gray_pictures, randomized, undecided

from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.importing.run import score
from hemotk.importing.unapplied import UNAPPLIED
from hemotk.stats.metrics import sigmoid

# What their constructors need; those that are not named need nothing.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout"), (0.5,)),
    **dict.fromkeys(("RandomTranslation", "RandomShear"), (0.2, 0.2)),
    **dict.fromkeys(("RandomRotation", "RandomZoom", "RandomHeight", "RandomWidth", "RandomContrast"), (0.3,)),
    **dict.fromkeys(("RandomBrightness", "RandomHue", "RandomSaturation", "RandomSharpness"), (0.3,)),
    **dict.fromkeys(("RandomGrayscale", "RandomInvert", "RandomColorDegeneration"), (0.9,)),
    "RandomPosterization": (4,),
}


@pytest.mark.parametrize("library", ["tf_keras", "keras"])
def test_a_network_in_use_hands_on_what_enters_these_layers(library: str) -> None:
    layers = importlib.import_module(library).layers
    pictures = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)
    known = [name for name in sorted(UNAPPLIED) if hasattr(layers, name)]
    assert len(known) >= 14
    for name in known:
        layer = getattr(layers, name)(*ARGUMENTS.get(name, ()))
        assert np.array_equal(np.asarray(layer(pictures, training=False)), pictures), name


def test_every_random_layer_of_keras_is_known_but_crops() -> None:
    for library in ("tf_keras", "keras"):
        layers = importlib.import_module(library).layers
        random = {name for name in dir(layers) if name.startswith("Random")}
        assert random - UNAPPLIED == {"RandomCrop"}


@functools.cache
def augmented(library: str, training: bool | None) -> Any:
    """A classifier of gray pictures with augmentation and dropout in its functional calls."""
    keras = importlib.import_module(library)
    layers = keras.layers
    keras.utils.set_random_seed(0)
    told = {} if training is None else {"training": training}
    pictures = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255.0)(layers.RandomFlip("horizontal")(pictures, **told))
    x = layers.Dropout(0.5)(backbone(keras, pooling="avg")(x), **told)
    return undecided(keras, randomized(keras.Model(pictures, layers.Dense(1, activation="sigmoid")(x))), "raw")


@pytest.mark.parametrize(
    ("library", "training", "ending"), [("keras", None, ".keras"), ("keras", True, ".h5"), ("tf_keras", None, ".h5")]
)
def test_a_network_says_what_predict_says(library: str, training: bool | None, ending: str, tmp_path: Path) -> None:
    model = augmented(library, training)
    pixels = gray_pictures()
    says = model.predict(np.repeat(pixels[..., None], 3, axis=-1).astype(np.float32), verbose=0)[:, 0]
    model.save(tmp_path / f"m{ending}")
    network = read_network(tmp_path / f"m{ending}", ImportConfig())
    assert np.ptp(says) > 0.1 and np.abs(sigmoid(score(network, pixels)) - says).max() <= 1e-5


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_what_keras_2_applies_in_predict_is_refused(ending: str, tmp_path: Path) -> None:
    augmented("tf_keras", True).save(tmp_path / f"m{ending}")
    with pytest.raises(HemotkError, match=r"layer 'random_flip\w*' .RandomFlip. was told to train .*training=True"):
        read_network(tmp_path / f"m{ending}", ImportConfig())
