"""An imported network says what the original says, and what cannot be imported exactly is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras
from keras_classifiers import ENDINGS, SIZE, backbone, gray_pictures, model, predicted, randomized, save, undecided

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig, ImportedNetwork
from hemotk.importing.network import read_network
from hemotk.importing.run import score
from hemotk.models.shape import DenseNetShape
from hemotk.stats.metrics import sigmoid

SAVED = [(library, ending) for library, endings in ENDINGS.items() for ending in endings]
CLOSE = 1e-5


def positive(predictions: np.ndarray, positive_class: int = 1) -> np.ndarray:
    """The original's probability of the positive class, [n]."""
    if predictions.shape[1] == 2:
        return predictions[:, positive_class]
    return predictions[:, 0] if positive_class == 1 else 1 - predictions[:, 0]


def probability(network: ImportedNetwork, pixels: np.ndarray) -> np.ndarray:
    return sigmoid(score(network, pixels))


def agrees(network: ImportedNetwork, original: np.ndarray, pixels: np.ndarray) -> bool:
    assert np.ptp(original) > 0.1, "a test on predictions that are all alike proves nothing"
    return bool(np.abs(probability(network, pixels) - original).max() <= CLOSE)


@pytest.mark.parametrize(
    ("library", "ending", "name"),
    [(*saved, name) for saved in SAVED for name in ("nested", "flat", "rich") if saved[1] or name == "nested"],
)
def test_every_kind_of_file_gives_the_originals_probability(
    tmp_path: Path, library: str, ending: str, name: str
) -> None:
    network = read_network(save(library, name, ending, tmp_path), ImportConfig(size=SIZE))
    pixels = gray_pictures()
    assert agrees(network, positive(predicted(model(library, name), pixels, "raw")), pixels)
    assert ("Keras 2" if library == "tf_keras" else "Keras 3") in network.format


@pytest.mark.parametrize("mode", ["torch", "tf", "unit", "raw"])
def test_normalization_before_the_model_is_what_was_said(tmp_path: Path, mode: str) -> None:
    path = save("tf_keras", "bare", ".h5", tmp_path, mode)
    network = read_network(path, ImportConfig(normalization=mode))
    pixels = gray_pictures()
    assert agrees(network, positive(predicted(model("tf_keras", "bare", mode), pixels, mode)), pixels)
    spec, shape = network.preprocess, network.shape
    assert isinstance(shape, DenseNetShape)
    if mode in ("raw", "unit"):
        assert shape.gray_mean is None
        assert (spec.scale, spec.zero_point) == ((1.0 if mode == "raw" else 1 / 255), 0)
    else:
        assert spec == PreprocessSpec(SIZE)
        expected = {"torch": (0.485, 0.456, 0.406), "tf": (0.5, 0.5, 0.5)}[mode]
        assert shape.gray_mean == pytest.approx((np.array(expected) - 115 / 255) / 0.226, abs=1e-12)


@pytest.mark.parametrize("library", ENDINGS)
def test_one_gray_channel_copied_to_three(tmp_path: Path, library: str) -> None:
    network = read_network(save(library, "copied_gray", ".keras", tmp_path), ImportConfig())
    pixels = gray_pictures()
    assert agrees(network, positive(predicted(model(library, "copied_gray"), pixels, "raw")), pixels)


@pytest.mark.parametrize(("library", "ending"), [saved for saved in SAVED if saved[1]])
def test_one_of_three_labels_of_learned_channels(tmp_path: Path, library: str, ending: str) -> None:
    path = save(library, "learned_channels", ending, tmp_path)
    pixels = gray_pictures()
    says = predicted(model(library, "learned_channels"), pixels, "raw")
    one, other = np.argsort(np.ptp(says, axis=0))[1:].tolist()  # those of which pictures differ most
    assert agrees(read_network(path, ImportConfig(output=one)), says[:, one], pixels)
    network = read_network(path, ImportConfig(output=other, positive_class=0))
    assert agrees(network, 1 - says[:, other], pixels) and network.notes == ()
    with pytest.raises(HemotkError, match="ends in a sigmoid over 3 numbers, and which of them is hemorrhage must be"):
        read_network(path, ImportConfig())


@pytest.mark.parametrize("width", [1, 2])
def test_logits_without_an_activation_are_taken_as_such(tmp_path: Path, width: int) -> None:
    network = headed(backbone(tf_keras, pooling="avg"), head=(tf_keras.layers.Dense(width),))
    pixels = gray_pictures()
    z = predicted(undecided(tf_keras, network, "unit"), pixels, "unit")
    network.save(tmp_path / "m.h5")
    imported = read_network(tmp_path / "m.h5", ImportConfig(normalization="unit"))
    expected = z[:, 0] if width == 1 else z[:, 1] - z[:, 0]
    assert np.ptp(expected) > 0.1 and np.abs(score(imported, pixels) - expected).max() <= 4 * CLOSE
    assert ("without a sigmoid" if width == 1 else "without a softmax") in imported.notes[0]


@pytest.mark.parametrize(("mode", "channels"), [("unit", 1), ("tf", 3)])
def test_a_stem_of_one_channel_is_widened_only_for_a_shift(tmp_path: Path, mode: str, channels: int) -> None:
    network = read_network(save("keras", "one_channel", ".keras", tmp_path, mode), ImportConfig(normalization=mode))
    pixels = gray_pictures()
    assert network.shape.channels == channels
    assert agrees(network, positive(predicted(model("keras", "one_channel", mode), pixels, mode)), pixels)


@pytest.mark.parametrize("name", ["flat", "nested"])
def test_class_0_may_be_the_one_with_hemorrhage(tmp_path: Path, name: str) -> None:
    network = read_network(save("tf_keras", name, ".h5", tmp_path), ImportConfig(positive_class=0))
    pixels = gray_pictures()
    assert agrees(network, positive(predicted(model("tf_keras", name), pixels, "raw"), 0), pixels)


def test_the_size_is_the_models_own_or_what_was_asked_for(tmp_path: Path) -> None:
    fixed = save("tf_keras", "nested", ".h5", tmp_path)
    free = save("tf_keras", "rich", ".h5", tmp_path)
    assert read_network(fixed, ImportConfig()).preprocess.size == SIZE
    assert read_network(free, ImportConfig()).preprocess.size == 224
    assert read_network(free, ImportConfig(size=64)).preprocess.size == 64
    with pytest.raises(HemotkError, match=f"size 64: .*made for pictures of {SIZE}×{SIZE}"):
        read_network(fixed, ImportConfig(size=64))
    with pytest.raises(HemotkError, match="size 16: must be between 32 and 1024"):
        read_network(free, ImportConfig(size=16))


def test_without_a_normalization_in_the_file_it_must_be_said(tmp_path: Path) -> None:
    path = save("tf_keras", "bare", ".h5", tmp_path)
    with pytest.raises(
        HemotkError, match=r"bare\.h5: does not say how its pixels were normalized.*torch.*unit.*tf.*raw"
    ):
        read_network(path, ImportConfig())


def test_a_double_normalization_is_refused(tmp_path: Path) -> None:
    path = save("tf_keras", "nested", ".h5", tmp_path)
    with pytest.raises(HemotkError, match=r"normalization unit and the model's own layers.*0\.00392 apart"):
        read_network(path, ImportConfig(normalization="unit"))


def test_an_own_normalization_for_other_pixels_than_bytes_is_refused_until_said(tmp_path: Path) -> None:
    normalization = tf_keras.layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.04, 0.05, 0.06])
    network = undecided(tf_keras, headed(normalization, backbone(tf_keras, pooling="avg")), "unit")
    path = tmp_path / "m.h5"
    network.save(path)
    with pytest.raises(HemotkError, match="which no network is trained on"):
        read_network(path, ImportConfig())
    pixels = gray_pictures()
    imported = read_network(path, ImportConfig(normalization="unit"))
    assert agrees(imported, positive(predicted(network, pixels, "unit")), pixels)


def headed(*front: Any, head: tuple[Any, ...] | None = None, shape: tuple[int, ...] = (SIZE, SIZE, 3)) -> Any:
    """A Sequential of `front` with a sigmoid head."""
    head = (tf_keras.layers.Dense(1, activation="sigmoid"),) if head is None else head
    return randomized(tf_keras.Sequential([tf_keras.Input(shape), *front, *head]))


def unsupported() -> dict[str, tuple[Any, str]]:
    """Name → a model that cannot be imported, and what the error says."""
    layers, functional = tf_keras.layers, tf_keras.Model
    pictures = tf_keras.Input((SIZE, SIZE, 3))
    pooled = backbone(tf_keras, pooling="avg")
    twice = layers.Dense(pooled.output_shape[1], name="shared", activation="relu")
    two_outputs = [layers.Dense(1, name=n, activation="sigmoid")(pooled(pictures)) for n in ("one", "two")]
    skip = layers.Dense(128)(pooled(pictures))
    sigmoid_head = layers.Dense(1, activation="sigmoid")
    return {
        "flattened": (
            headed(backbone(tf_keras, input_shape=(64, 64, 3)), layers.Flatten(name="flat"), shape=(64, 64, 3)),
            "layer 'flat' .Flatten. keeps 2×2 places apart where GlobalAveragePooling2D is expected",
        ),
        "max pooling": (
            headed(backbone(tf_keras, pooling="max")),
            "layer 'max_pool' .GlobalMaxPooling2D. stands where GlobalAverage",
        ),
        "other backbone": (
            headed(layers.Conv2D(8, 3, name="block1_conv1"), layers.GlobalAveragePooling2D()),
            "layer 'block1_conv1' .Conv2D. stands where ZeroPadding2D is expected",
        ),
        "lambda": (
            headed(layers.Lambda(lambda x: x / 255, name="scaled"), pooled),
            "layer 'scaled' .Lambda. stands where ZeroPadding2D",
        ),
        "two labels": (
            headed(pooled, head=(layers.Dense(2, activation="sigmoid", name="labels"),)),
            "layer 'labels' .Dense. ends in a sigmoid over 2 numbers",
        ),
        "three classes": (
            headed(pooled, head=(layers.Dense(3, activation="softmax", name="classes"),)),
            "ends in a softmax over 3 numbers",
        ),
        "logits": (
            headed(pooled, head=(layers.Dense(3, name="z"),)),
            "layer 'z' .Dense. ends the network without a sigmoid or softmax, in 3 numbers",
        ),
        "tanh": (
            headed(pooled, layers.Dense(4, activation="tanh", name="t")),
            "layer 't' .Dense. has the activation tanh",
        ),
        "bounded relu": (headed(pooled, layers.Dense(4), layers.ReLU(6, name="six")), "layer 'six' .ReLU. has the act"),
        "layer normalization": (
            headed(pooled, layers.LayerNormalization(name="ln")),
            "layer 'ln' .LayerNormalization. stands where Dense or",
        ),
        "behind the output": (
            headed(pooled, head=(sigmoid_head, layers.Dense(1, name="more", activation="sigmoid"))),
            "layer 'more' .Dense. follows the sigmoid",
        ),
        "shared": (
            functional(pictures, sigmoid_head(twice(twice(pooled(pictures))))),
            "layer 'shared' .Dense. is used 2 times",
        ),
        "two outputs": (functional(pictures, two_outputs), "has 1 inputs and 2 outputs"),
        "skip": (
            functional(pictures, layers.Dense(1, activation="sigmoid")(layers.Add()([skip, layers.ReLU()(skip)]))),
            "is read by 2 layers",
        ),
        "dropout in use": (
            functional(
                pictures,
                layers.Dense(1, activation="sigmoid")(layers.Dropout(0.5, name="d")(pooled(pictures), training=True)),
            ),
            "layer 'd' .Dropout. was told to train",
        ),
        "oblong": (
            headed(backbone(tf_keras, input_shape=(64, 32, 3), pooling="avg"), shape=(64, 32, 3)),
            "takes pictures of 64×32",
        ),
        "two channels": (
            headed(backbone(tf_keras, input_shape=(32, 32, 2), pooling="avg"), shape=(32, 32, 2)),
            "has 2 channels where 1 or 3 are needed",
        ),
        "negative": (headed(layers.Rescaling(-1 / 255, 1), pooled), "turns black and white around"),
        "crop": (
            headed(layers.CenterCrop(SIZE, SIZE, name="cropped"), pooled, shape=(64, 64, 3)),
            "layer 'cropped' .CenterCrop. cuts 32×32 out of pictures of 64×64",
        ),
        "convolution": (
            headed(layers.Conv2D(3, 1, activation="relu", name="mixed"), pooled, shape=(SIZE, SIZE, 1)),
            "layer 'mixed' .Conv2D. has the activation relu in front of the network",
        ),
    }


def test_what_is_not_supported_is_refused_by_the_layers_name(tmp_path: Path) -> None:
    for name, (network, says) in unsupported().items():
        path = tmp_path / f"{name}.h5"
        network.save(path)
        with pytest.raises(HemotkError, match=says) as caught:
            read_network(path, ImportConfig(normalization="raw"))
        assert str(caught.value).startswith(f"{path}: "), name


def altered(name: str, **settings: Any) -> Any:
    """A model whose DenseNet has one layer's settings changed."""
    config = model("tf_keras", "bare").get_config()
    (entry,) = (layer for layer in config["layers"] if layer["name"] == name)
    assert settings.keys() <= entry["config"].keys()
    entry["config"].update(settings)
    return tf_keras.Model.from_config(config)


@pytest.mark.parametrize(
    ("layer", "settings"),
    [
        ("conv1/conv", {"use_bias": True}),
        ("conv1/conv", {"activation": "relu"}),
        ("conv1/bn", {"axis": [1]}),
        ("pool1", {"pool_size": (2, 2)}),
        ("zero_padding", {"padding": ((2, 3), (3, 3))}),
        ("conv2_block1_0_relu", {"activation": "selu"}),
        ("conv2_block1_1_bn", {"epsilon": 0.1}),
        ("conv3_block1_2_conv", {"dilation_rate": (2, 2)}),
        ("conv2_block1_2_conv", {"groups": 2}),
        ("pool2_pool", {"padding": "same"}),
        ("pool2_conv", {"use_bias": True}),
        ("avg_pool", {"keepdims": True}),
    ],
)
def test_a_backbone_that_is_no_densenet_in_one_setting_is_refused(
    tmp_path: Path, layer: str, settings: dict[str, Any]
) -> None:
    if layer == "zero_padding":
        layer = next(found.name for found in model("tf_keras", "bare").layers if "zero_padding" in found.name)
    path = tmp_path / "altered.h5"
    altered(layer, **settings).save(path)
    with pytest.raises(HemotkError, match=f"layer '{layer}'"):
        read_network(path, ImportConfig(normalization="raw"))


def test_a_network_of_half_precision_is_noted(tmp_path: Path) -> None:
    half = altered("conv1/conv", dtype={"class_name": "Policy", "config": {"name": "mixed_float16"}})
    notes = []
    for network in (half, model("tf_keras", "bare")):
        network.save(tmp_path / "m.h5")
        notes.append(read_network(tmp_path / "m.h5", ImportConfig(normalization="raw")).notes)
    assert "half precision" in notes[0][0] and notes[1] == ()


def test_a_concatenation_in_the_other_order_is_refused(tmp_path: Path) -> None:
    config = model("tf_keras", "bare").get_config()
    (entry,) = (layer for layer in config["layers"] if layer["name"] == "conv2_block2_concat")
    entry["inbound_nodes"][0].reverse()
    path = tmp_path / "reversed.h5"
    tf_keras.Model.from_config(config).save(path)
    with pytest.raises(HemotkError, match=r"layer 'conv2_block2_concat' .Concatenate. does not append"):
        read_network(path, ImportConfig(normalization="raw"))


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = headed(backbone(tf_keras, pooling="avg"))
    network.layers[-1].bias.assign([np.nan])
    network.save(tmp_path / "m.h5")
    with pytest.raises(HemotkError, match="'logit/bias' holds NaN"):
        read_network(tmp_path / "m.h5", ImportConfig(normalization="raw"))
