"""What is no classifier that can be taken in: each file is named for what it is, and the advice works."""

import importlib
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_model_optimization as tfmot
from keras_classifiers import SIZE, backbone, gray_pictures, randomized, undecided
from torch_files import many, mapping, name, number, tensor, text, write, write_state

from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.importing.run import score
from hemotk.stats.metrics import sigmoid

TFMOT = "of tensorflow-model-optimization; save"


def classifier(library: str) -> Any:
    keras = importlib.import_module(library)
    layers = keras.layers
    pictures = keras.Input((SIZE, SIZE, 3))
    x = backbone(keras, pooling="avg")(layers.Rescaling(1 / 255.0)(pictures))
    return undecided(keras, randomized(keras.Model(pictures, layers.Dense(1, activation="sigmoid")(x))), "raw")


def three(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., None], 3, axis=-1).astype(np.float32)


def refused(path: Path, told: str) -> None:
    with pytest.raises(HemotkError, match=told):
        read_network(path, ImportConfig(SIZE, "unit"))


def test_the_wrappers_of_pruning_are_named_and_stripped_it_is_taken(tmp_path: Path) -> None:
    model = flat()
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(model)
    wrapped.save(tmp_path / "wrapped.keras")
    refused(tmp_path / "wrapped.keras", rf"wrapper for pruning {TFMOT} what `tfmot.sparsity.keras.strip_pruning")
    tfmot.sparsity.keras.strip_pruning(wrapped).save(tmp_path / "m.keras")
    assert agrees(tmp_path / "m.keras", model, "unit")


def test_the_wrappers_of_clustering_and_of_quantization_are_named(tmp_path: Path) -> None:
    quantize = tfmot.quantization.keras.quantize_annotate_model
    quantize(flat()).save(tmp_path / "annotated.h5")
    refused(tmp_path / "annotated.h5", rf"wrapper for quantization-aware training {TFMOT} the model from before")
    middle = tfmot.clustering.keras.CentroidInitialization.LINEAR
    clustered = tfmot.clustering.keras.cluster_weights(flat(), number_of_clusters=4, cluster_centroids_init=middle)
    clustered.save(tmp_path / "clustered.h5")
    refused(tmp_path / "clustered.h5", rf"wrapper for clustering {TFMOT} what `tfmot.clustering.keras.strip_cluster")


def flat() -> Any:
    """A classifier in one functional model, as tfmot asks for it, of pixels between 0 and 1."""
    keras = importlib.import_module("tf_keras")
    features = backbone(keras, pooling="avg")
    ended = keras.layers.Dense(1, activation="sigmoid")(features.output)
    return undecided(keras, randomized(keras.Model(features.input, ended)), "unit")


def agrees(path: Path, model: Any, mode: str) -> bool:
    """Whether the imported file has the probabilities that `model` predicts, and these differ."""
    pixels = gray_pictures()
    says = model.predict(three(pixels) / (255 if mode == "unit" else 1), verbose=0)[:, 0]
    found = sigmoid(score(read_network(path, ImportConfig(SIZE, mode)), pixels))
    return bool(np.ptp(says) > 0.1 and np.abs(found - says).max() <= 1e-5)


@pytest.mark.parametrize("library", ["tf_keras", "keras"])
def test_a_subclassed_model_is_told_how_to_become_functional(library: str, tmp_path: Path) -> None:
    keras = importlib.import_module(library)
    inner = classifier(library)

    class Mine(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.steps = inner.layers[1:]

        def call(self, x: Any, training: bool | None = None) -> Any:
            for step in self.steps:
                x = step(x, training=training) if "net" in step.name else step(x)
            return x

    model = Mine()
    model(three(gray_pictures()))
    model.save(tmp_path / "mine.keras")
    refused(tmp_path / "mine.keras", r"is a subclassed model \(Mine\).*keras.Model\(x, model.call\(x\)\).save")
    x = keras.Input((SIZE, SIZE, 3))
    keras.Model(x, model.call(x)).save(tmp_path / "m.keras")  # as the error says
    assert agrees(tmp_path / "m.keras", model, "auto")


def onnx(path: Path, start: bytes) -> Path:
    path.write_bytes(b"\x08\x0a" + start + b"\x07pytorch" + bytes(40))
    return path


def exported(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr("m/models/model.json", "{}")
        archive.writestr("m/byteorder", "little")
    return path


def quantized(path: Path) -> Path:
    """As torch.ao.quantization writes the state dict of a network whose classifier it quantized."""
    block = np.zeros((2, 3, 7, 7), np.float32)
    return write_state(
        path, {"features.conv0.weight": block, "classifier.scale": block, "classifier.zero_point": block}
    )


def quantized_module(path: Path) -> Path:
    """A whole module with a layer of torch.ao.nn.quantized in it."""

    def module(origin: str, children: dict[str, bytes], parameters: dict[str, bytes]) -> bytes:
        state = {"_parameters": mapping(parameters), "_buffers": b"}", "_modules": mapping(children)}
        return name(origin, "Module") + b")\x81" + mapping(state) + b"b"

    conv = module("torch.nn.modules.conv", {}, {"weight": tensor("0", (2, 3, 7, 7))})
    linear = module("torch.ao.nn.quantized.dynamic.modules.linear", {}, {})
    return write(path, module("a", {"conv0": conv, "fc": linear}, {}), {"0": np.zeros(294, np.float32)})


def optimizer(path: Path) -> Path:
    """As torch.optim.Adam's state dict."""
    moments = mapping({"exp_avg": tensor("0", (2,)), "exp_avg_sq": tensor("0", (2,))})
    state = b"}(" + number(0) + moments + b"u"
    value = mapping({"state": state, "param_groups": b"](" + many([text("lr")]) + b"e"})
    return write(path, value, {"0": np.zeros(2, np.float32)})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: onnx(path, b"\x12"), "is an ONNX network.*state_dict"),
        (lambda path: onnx(path, b"\x3a"), "is an ONNX network.*model.keras"),
        (
            lambda path: path.write_bytes(struct.pack("<I", 28) + b"TFL3" + bytes(64)),
            "is a .tflite, which needs no import",
        ),
        (exported, "is a program of torch.export; save the network's state dict"),
        (quantized, "was quantized in PyTorch; save the state dict of the network from before"),
        (quantized_module, "was quantized in PyTorch; save the state dict of the network from before"),
        (optimizer, r"holds the state of an optimizer, and no network; save the network too, with `torch.save\(model"),
        (lambda path: path.write_bytes(b"\x08\x00\x12" + bytes(40)), "is no saved Keras model"),
    ],
)
@pytest.mark.parametrize("ending", [".bin", ".h5"])
def test_other_files_are_named_whatever_they_are_called(
    make: Callable[[Path], object], told: str, ending: str, tmp_path: Path
) -> None:
    make(tmp_path / f"m{ending}")
    refused(tmp_path / f"m{ending}", told)
