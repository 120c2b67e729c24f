"""Any chain of dense layers, BatchNorms and ReLUs becomes ReLU layers and one logit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import arrays, chain

from hemotk.errors import HemotkError
from hemotk.importing.head import read_head

FEATURES = 5
POOL = ("GlobalAveragePooling2D", {})
Layers = list[tuple[str, dict[str, Any]]]


def dense(width: int, activation: str = "linear", use_bias: bool = True) -> tuple[str, dict[str, Any]]:
    return "Dense", {"units": width, "activation": activation, "use_bias": use_bias}


def norm(scale: bool = True, center: bool = True) -> tuple[str, dict[str, Any]]:
    return "BatchNormalization", {"scale": scale, "center": center, "epsilon": 1e-3}


RELU = ("ReLU", {})
PIECES = st.one_of(
    st.builds(dense, st.integers(1, 6), st.sampled_from(["linear", "relu"]), st.booleans()),
    st.builds(norm, st.booleans(), st.booleans()),
    st.sampled_from([RELU, ("Activation", {"activation": "relu"}), ("Flatten", {})]),
)


class Original:
    """Random weights for a chain of layers, and what Keras would make of a vector."""

    def __init__(self, layers: Layers, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.layers = layers
        self.weights: dict[str, np.ndarray] = {}
        width = FEATURES
        for number, (kind, config) in enumerate(layers, 1):  # the pooling is layer 0
            if kind == "Dense":
                self.weights[f"{number}_kernel"] = rng.normal(size=(width, config["units"])).astype(np.float32)
                width = config["units"]
                if config["use_bias"]:
                    self.weights[f"{number}_bias"] = rng.normal(size=width).astype(np.float32)
            elif kind == "BatchNormalization":
                named = {"gamma": config["scale"], "beta": config["center"], "moving_mean": True}
                for name in (name for name, has in named.items() if has):
                    self.weights[f"{number}_{name}"] = rng.normal(size=width).astype(np.float32)
                self.weights[f"{number}_moving_variance"] = rng.uniform(0.1, 2, width).astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Float64, layer by layer, without the last layer's activation."""
        for number, (kind, config) in enumerate(self.layers, 1):
            found = {name: self.weights.get(f"{number}_{name}", default) for name, default in DEFAULTS.items()}
            if kind == "Dense":
                x = x @ found["kernel"].astype(np.float64) + found["bias"]
            elif kind == "BatchNormalization":
                deviation = np.sqrt(found["moving_variance"].astype(np.float64) + config["epsilon"])
                x = (x - found["moving_mean"]) / deviation * found["gamma"] + found["beta"]
            if kind == "ReLU" or config.get("activation") == "relu":
                x = np.maximum(x, 0)
        return x


ZERO, ONE = np.float64(0), np.float64(1)
DEFAULTS = dict.fromkeys(("kernel", "bias", "beta", "moving_mean"), ZERO) | {"gamma": ONE, "moving_variance": ONE}


def imported(original: Original, positive_class: int = 1) -> dict[str, np.ndarray]:
    return read_head(chain([POOL, *original.layers]), arrays(**original.weights), FEATURES, positive_class)


def forward(head: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    for number in range(1, len(head) // 2):
        x = np.maximum(x @ head[f"hidden{number}/kernel"] + head[f"hidden{number}/bias"], 0)
    return (x @ head["logit/kernel"] + head["logit/bias"])[:, 0]


@given(st.lists(PIECES, max_size=6), st.booleans(), st.sampled_from([0, 1]), st.integers(0, 2**32 - 1))
def test_the_logit_is_the_originals(pieces: Layers, softmax: bool, positive_class: int, seed: int) -> None:
    output = dense(2, "softmax") if softmax else dense(1, "sigmoid")
    original = Original([*pieces, output], seed)
    features = np.abs(np.random.default_rng(seed).normal(size=(20, FEATURES)))  # what a ReLU lets through
    z = original(features)
    expected = (z[:, 1] - z[:, 0] if softmax else z[:, 0]) * (1 if positive_class else -1)
    found = forward(imported(original, positive_class), features)
    assert np.allclose(found, expected, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(z).max()))


def test_maps_without_a_relu_between_them_become_one() -> None:
    original = Original([norm(), dense(7), norm(), dense(4, "relu"), norm(), dense(3), dense(2), ("Softmax", {})], 0)
    assert {name: array.shape for name, array in imported(original).items()} == {
        "hidden1/kernel": (FEATURES, 4),
        "hidden1/bias": (4,),
        "logit/kernel": (4, 1),
        "logit/bias": (1,),
    }


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([], "layer '0' .GlobalAveragePooling2D. ends the network without a sigmoid or softmax"),
        ([dense(1)], "layer '1' .Dense. ends the network without a sigmoid or softmax"),
        ([dense(2, "sigmoid")], "layer '1' .Dense. ends in a sigmoid over 2 numbers"),
        ([dense(1, "softmax")], "layer '1' .Dense. ends in a softmax over 1 numbers"),
        ([("Activation", {"activation": "sigmoid"})], "layer '1' .Activation. ends in a sigmoid over 5 numbers"),
        ([dense(3, "gelu")], "layer '1' .Dense. has the activation gelu"),
        ([dense(3), ("ReLU", {"max_value": 6.0})], "layer '2' .ReLU. has the activation"),
        ([dense(3), ("ReLU", {"negative_slope": 0.1})], "layer '2' .ReLU. has the activation"),
        ([("LayerNormalization", {})], "layer '1' .LayerNormalization. stands where Dense or BatchNormalization"),
        ([dense(1, "sigmoid"), norm()], "layer '2' .BatchNormalization. follows the sigmoid"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(layers: Layers, says: str) -> None:
    with pytest.raises(HemotkError, match=f"^model.h5: {says}"):
        imported(Original(layers, 0))
