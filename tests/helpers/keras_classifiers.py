"""Classifiers as people train and save them, in Keras 2 (tf_keras) and Keras 3, with random statistics."""

import functools
import importlib
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 32
LIBRARIES = ("tf_keras", "keras")
ENDINGS = {"tf_keras": (".h5", ".keras", ""), "keras": (".h5", ".keras")}  # none: a SavedModel folder


@functools.cache
def model(library: str, name: str, mode: str = "raw") -> Any:
    """The model `name` in `library`, made for pixels normalized by `mode` before it."""
    keras = importlib.import_module(library)
    keras.utils.set_random_seed(0)
    return undecided(keras, randomized(globals()[f"_{name}"](keras)), mode)


def save(library: str, name: str, ending: str, folder: Path, mode: str = "raw") -> Path:
    """Save the model below `folder` and return where it lies."""
    path = folder / f"{library}-{name}{ending}"
    model(library, name, mode).save(path)
    return path


def randomized(network: Any, seed: int = 0) -> Any:
    """The network with BatchNorms of random scale (of either sign), shift, mean and variance, and biases."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if hasattr(layer, "layers"):
            randomized(layer, seed + 1)
        elif hasattr(layer, "moving_variance"):
            width = layer.moving_variance.shape[0]
            signed = rng.uniform(0.6, 1.4, width) * rng.choice([-1, 1], width, p=[0.2, 0.8])
            for variable, value in (
                (layer.gamma, signed),
                (layer.beta, rng.normal(0, 0.3, width)),
                (layer.moving_mean, rng.normal(0, 0.3, width)),
                (layer.moving_variance, rng.uniform(0.02, 0.3, width)),
            ):
                if variable is not None:
                    variable.assign(value)
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    return network


def undecided(keras: Any, network: Any, mode: str) -> Any:
    """The network with a last dense layer that spreads the logits of pictures around 0.

    Not widely: what tells the pictures apart is small beside the features, and so is float32's rounding.
    """
    last = [layer for layer in network.layers if hasattr(layer, "kernel")][-1]
    features = predicted(keras.Model(network.inputs[0], last.input), gray_pictures(), mode)
    kernel = np.asarray(last.kernel)
    logits = features @ kernel
    scale = 0.5 / logits.std(axis=0).max()
    last.kernel.assign(kernel * scale)
    last.bias.assign(-logits.mean(axis=0) * scale)
    return network


def backbone(keras: Any, **options: Any) -> Any:
    """A small DenseNet by keras.applications' own code, with random weights."""
    module = importlib.import_module(f"{keras.__name__}.src.applications.densenet")
    options = {"include_top": False, "input_shape": (SIZE, SIZE, 3), **options}
    return module.DenseNet([2, 1, 2, 1], weights=None, **options)


def gray_pictures(count: int = 6, seed: int = 0) -> np.ndarray:
    """Pictures with some structure, uint8 [count, SIZE, SIZE], of different brightness."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, SIZE // 4, SIZE // 4)).repeat(4, 1).repeat(4, 2)
    noisy = np.clip(coarse * rng.uniform(0.2, 1, (count, 1, 1)) + rng.normal(0, 20, (count, SIZE, SIZE)), 0, 255)
    return noisy.astype(np.uint8)


def predicted(network: Any, pixels: np.ndarray, mode: str) -> np.ndarray:
    """What the original says of gray `pixels`, normalized before it by `mode` as keras.applications does."""
    x = np.repeat(pixels[..., None].astype(np.float32), network.input_shape[-1], axis=-1)
    if mode in ("torch", "tf"):
        keras = importlib.import_module("tf_keras")
        x = keras.applications.imagenet_utils.preprocess_input(x, data_format="channels_last", mode=mode)
    elif mode == "unit":
        x = x / np.float32(255)
    return np.asarray(network(x, training=False))


def _nested(keras: Any) -> Any:
    """Sequential with its own Rescaling around a frozen backbone, a hidden layer, BatchNorm, sigmoid; compiled."""
    layers, base = keras.layers, backbone(keras)
    base.trainable = False
    network = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255.0),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    network.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC"])
    network.optimizer.build(network.trainable_variables)
    return network


def _flat(keras: Any) -> Any:
    """Functional with preprocess_input as operations, all layers in one model, softmax."""
    pictures = keras.Input((SIZE, SIZE, 3))
    x = keras.applications.densenet.preprocess_input(pictures)
    base = backbone(keras, input_tensor=x, input_shape=None, pooling="avg")
    return keras.Model(pictures, keras.layers.Dense(2, activation="softmax")(base.output))


def _bare(keras: Any) -> Any:
    """The application itself, two classes, with nothing that says how its pixels were normalized."""
    return backbone(keras, include_top=True, classes=2)


def _rich(keras: Any) -> Any:
    """Functional of any picture size: augmentation, adapted Normalization, called backbone, long head."""
    layers = keras.layers
    pictures = keras.Input((None, None, 3))
    x = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)], name="augmentation")(pictures)
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(1).normal([90, 100, 110], [50, 60, 70], (4, 8, 8, 3)))
    x = backbone(keras, input_shape=(None, None, 3))(normalization(x), training=False)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Dense(12, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Dense(6)(layers.Dense(10, activation="relu")(x))
    x = layers.Dense(1)(layers.Dropout(0.5)(x))
    return keras.Model(pictures, layers.Activation("sigmoid")(x))


def _one_channel(keras: Any) -> Any:
    """A backbone whose stem reads one channel."""
    base = backbone(keras, input_shape=(SIZE, SIZE, 1))
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            base,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def _learned_channels(keras: Any) -> Any:
    """One gray channel, from which a 1×1 convolution makes three; maps before the pooling; two of three labels."""
    layers = keras.layers
    pictures = keras.Input((SIZE, SIZE, 1))
    x = layers.Conv2D(3, 1, padding="same")(layers.Rescaling(1 / 255.0)(pictures))
    x = layers.BatchNormalization()(backbone(keras)(x))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(12, 1)(x))
    x = layers.PReLU(alpha_initializer=keras.initializers.RandomUniform(0.1, 0.5))(layers.Dense(8)(x))
    return keras.Model(pictures, layers.Dense(3, activation="sigmoid")(layers.LeakyReLU()(layers.Dense(6)(x))))


def _copied_gray(keras: Any) -> Any:
    """One gray channel, brought to −1…1 by operations and copied to three."""
    pictures = keras.Input((SIZE, SIZE, 1))
    x = pictures / 127.5 - 1.0
    x = backbone(keras, pooling="avg")(keras.layers.Concatenate()([x, x, x]))
    x = keras.layers.Dense(2)(x)
    return keras.Model(pictures, keras.layers.Softmax()(x))
