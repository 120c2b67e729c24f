"""Resizing and crops in front of a network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_classifiers import SIZE, backbone, gray_pictures, predicted, randomized, undecided
from layer_chains import arrays, chain

from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.importing.normalization import read_front
from hemotk.importing.run import score
from hemotk.importing.sizes import PictureSize
from hemotk.stats.metrics import sigmoid

END: tuple[str, dict[str, Any]] = ("ZeroPadding2D", {})


def to(kind: str, height: int, width: int | None = None, **settings: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"height": height, "width": height if width is None else width, **settings}


def front(layers: list[tuple[str, dict[str, Any]]]) -> PictureSize:
    """Of pictures of 8×8."""
    return read_front(chain([*layers, END]), arrays(), "unit")[1]


@pytest.mark.parametrize(
    ("layers", "size"),
    [
        ([], PictureSize(8)),
        ([to("Resizing", 8)], PictureSize(8)),
        ([to("CenterCrop", 8), to("RandomCrop", 8)], PictureSize(8)),
        ([to("Resizing", 6, data_format="channels_last")], PictureSize(6, resized=True)),
        ([to("Resizing", 6), to("CenterCrop", 6)], PictureSize(6, resized=True)),
        ([to("Resizing", 6), to("Resizing", 7)], PictureSize(7, resized=True)),
    ],
)
def test_the_size_is_that_of_the_last_resizing(layers: list[tuple[str, dict[str, Any]]], size: PictureSize) -> None:
    assert front(layers) == size
    assert bool(size.notes) == size.resized


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (to("Resizing", 6, 7), "makes pictures of 6×7, and only squares are supported"),
        (to("CenterCrop", 6), "cuts 6×6 out of pictures of 8×8"),
        (to("RandomCrop", 6), "cuts 6×6 out of pictures of 8×8"),
        (to("Resizing", 6, data_format="channels_first"), "has data_format channels_first"),
    ],
)
def test_what_loses_a_part_of_the_picture_is_refused(layer: tuple[str, dict[str, Any]], says: str) -> None:
    with pytest.raises(HemotkError, match=f"^model.h5: layer '0' .{layer[0]}. {says}"):
        front([layer])


@pytest.mark.parametrize(("library", "entering"), [("tf_keras", 2 * SIZE), ("keras", None)])
def test_a_model_that_resizes_by_itself_is_asked_for_pictures_of_that_size(
    library: str, entering: int | None, tmp_path: Path
) -> None:
    keras = __import__(library)
    layers = keras.layers
    keras.utils.set_random_seed(0)
    body = [layers.Rescaling(1 / 255.0), backbone(keras, pooling="avg"), layers.Dense(1, activation="sigmoid")]
    body_alone = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *body])
    undecided(keras, randomized(body_alone), "raw")
    resizing = layers.Resizing(SIZE, SIZE)
    keras.Sequential([keras.Input((entering, entering, 3)), resizing, *body]).save(tmp_path / "m.keras")
    network = read_network(tmp_path / "m.keras", ImportConfig())
    assert network.preprocess.size == SIZE and f"resizes pictures to {SIZE}×{SIZE}" in network.notes[0]
    pixels = gray_pictures()
    says = predicted(body_alone, pixels, "raw")[:, 0]
    assert np.ptp(says) > 0.1 and np.abs(sigmoid(score(network, pixels)) - says).max() <= 1e-5
    with pytest.raises(HemotkError, match=f"size 64: .* was made for pictures of {SIZE}×{SIZE}"):
        read_network(tmp_path / "m.keras", ImportConfig(size=64))
