"""The plain convolutional baseline in tf_keras."""

import tf_keras as keras
from tf_keras import layers

from hemotk.models.shape import CnnShape


def build_cnn(shape: CnnShape, dropout: float = 0.0) -> keras.Model:
    """A network from h float32 [n, size, size, 1] to the probability of hemorrhage float32 [n, 1]."""
    pixels = keras.Input((shape.size, shape.size, 1), name="pixels")
    x = pixels
    for number, width in enumerate(shape.filters, 1):
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(shape.hidden, activation="relu", name="hidden")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(1, dtype="float32", name="logit")(x)
    return keras.Model(pixels, layers.Activation("sigmoid", dtype="float32", name="probability")(x), name="cnn")
