"""Any chain of dense layers, BatchNorms and ReLUs, with a pooling in it, becomes ReLU layers and one logit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_chains import arrays, chain

from hemotk.errors import HemotkError
from hemotk.importing.head import head_arrays, read_head

FEATURES = 5
POOL: tuple[str, dict[str, Any]] = ("GlobalAveragePooling2D", {})
SIDE = 3
Layers = list[tuple[str, dict[str, Any]]]


def dense(width: int, activation: str = "linear", use_bias: bool = True) -> tuple[str, dict[str, Any]]:
    return "Dense", {"units": width, "activation": activation, "use_bias": use_bias}


def norm(scale: bool = True, center: bool = True) -> tuple[str, dict[str, Any]]:
    return "BatchNormalization", {"scale": scale, "center": center, "epsilon": 1e-3, "axis": [-1]}


def conv(width: int, activation: str = "linear", **settings: Any) -> tuple[str, dict[str, Any]]:
    plain = {"kernel_size": [1, 1], "strides": [1, 1], "data_format": "channels_last", "use_bias": True}
    return "Conv2D", {"units": width, "activation": activation, **plain, **settings}


def average(size: int, stride: int | None = None) -> tuple[str, dict[str, Any]]:
    return "AveragePooling2D", {"pool_size": [size, size], "strides": [stride or size] * 2}


RELU: tuple[str, dict[str, Any]] = ("ReLU", {})
LEAKY = ("LeakyReLU", {"negative_slope": 0.3})
MAPS = st.one_of(
    st.builds(dense, st.integers(1, 6), st.just("linear"), st.booleans()),
    st.builds(conv, st.integers(1, 6)),
    st.builds(norm, st.booleans(), st.booleans()),
)
PIECES = st.one_of(
    st.builds(dense, st.integers(1, 6), st.sampled_from(["linear", "relu", "leaky_relu"]), st.booleans()),
    st.builds(norm, st.booleans(), st.booleans()),
    st.sampled_from(
        [RELU, ("Activation", {"activation": "relu"}), ("Flatten", {}), ("Reshape", {"target_shape": [-1]})]
    ),
    st.sampled_from([("Relu", {}), ("TFOpLambda", {"function": "nn.relu"})]),
    st.sampled_from([("Rescaling", {"scale": -0.5, "offset": 0.25})]),
    st.sampled_from([LEAKY, ("LeakyReLU", {"alpha": 0.3}), ("PReLU", {})]),
)


class Original:
    """Random weights for a chain of layers, and what Keras would make of places [n, places, FEATURES]."""

    def __init__(self, layers: Layers, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.layers = layers
        self.weights: dict[str, np.ndarray] = {}
        width = FEATURES
        for number, (kind, config) in enumerate(layers):
            if kind in ("Dense", "Conv2D"):
                kernel = rng.normal(size=(width, config["units"])).astype(np.float32)
                self.weights[f"{number}_kernel"] = kernel[None, None] if kind == "Conv2D" else kernel
                width = config["units"]
                if config["use_bias"]:
                    self.weights[f"{number}_bias"] = rng.normal(size=(width,)).astype(np.float32)
            elif kind == "BatchNormalization":
                named = {"gamma": config["scale"], "beta": config["center"], "moving_mean": True}
                for name in (name for name, has in named.items() if has):
                    self.weights[f"{number}_{name}"] = rng.normal(size=(width,)).astype(np.float32)
                self.weights[f"{number}_moving_variance"] = rng.uniform(0.1, 2, width).astype(np.float32)
            elif kind == "PReLU":
                self.weights[f"{number}_alpha"] = rng.uniform(-1, 1, width).astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Float64, layer by layer, without the last layer's activation."""
        for number, (kind, config) in enumerate(self.layers):
            found = {name: self.weights.get(f"{number}_{name}", default) for name, default in DEFAULTS.items()}
            if kind in ("Dense", "Conv2D"):
                x = x @ found["kernel"].astype(np.float64).reshape(x.shape[-1], -1) + found["bias"]
            elif kind == "BatchNormalization":
                deviation = np.sqrt(found["moving_variance"].astype(np.float64) + config["epsilon"])
                x = (x - found["moving_mean"]) / deviation * found["gamma"] + found["beta"]
            elif "Pooling" in kind:
                x = x.mean(axis=1)
            elif kind == "Rescaling":
                x = config["scale"] * x + config["offset"]
            if kind.lower() == "relu" or "relu" in (config.get("activation"), config.get("function", "")[3:]):
                x = np.maximum(x, 0)
            slope = {"LeakyReLU": 0.3, "PReLU": found["alpha"]}.get(kind, 0.2)
            if kind in ("LeakyReLU", "PReLU") or config.get("activation") == "leaky_relu":
                x = np.where(x < 0, slope * x, x)
        return x


ZERO, ONE = np.float64(0), np.float64(1)
DEFAULTS = dict.fromkeys(("kernel", "bias", "beta", "moving_mean", "alpha"), ZERO) | {
    "gamma": ONE,
    "moving_variance": ONE,
}


def imported(
    original: Original, positive_class: int = 1, number: int | None = None, side: int = SIDE
) -> dict[str, np.ndarray]:
    hidden, last, output = read_head(chain(original.layers), arrays(**original.weights), FEATURES, side)
    return head_arrays(hidden, last.then(output.pick(positive_class, number), np.zeros(1)))


def forward(head: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    for number in range(1, len(head) // 2):
        x = np.maximum(x @ head[f"hidden{number}/kernel"] + head[f"hidden{number}/bias"], 0)
    return (x @ head["logit/kernel"] + head["logit/bias"])[:, 0]


def places(seed: int, side: int = SIDE) -> np.ndarray:
    """What a ReLU lets through."""
    return np.abs(np.random.default_rng(seed).normal(size=(20, side**2, FEATURES)))


def close(found: np.ndarray, expected: np.ndarray, original: Original, x: np.ndarray) -> bool:
    return np.allclose(found, expected, rtol=1e-5, atol=2e-5 * max(1.0, np.abs(original(x)).max()))


@given(
    st.lists(MAPS, max_size=3),
    st.lists(PIECES, max_size=6),
    st.sampled_from(["sigmoid", "softmax", "linear", "2 linear"]),
    st.sampled_from([0, 1]),
    st.integers(0, 2**32 - 1),
)
def test_the_logit_is_the_originals(
    before: Layers, pieces: Layers, ending: str, positive_class: int, seed: int
) -> None:
    output = dense(2 if ending in ("softmax", "2 linear") else 1, ending.removeprefix("2 "))
    original = Original([*before, POOL, *pieces, output], seed)
    x = places(seed)
    z = original(x)
    expected = (z[:, 1] - z[:, 0] if z.shape[1] == 2 else z[:, 0]) * (1 if positive_class else -1)
    assert close(forward(imported(original, positive_class), x.mean(axis=1)), expected, original, x)


@pytest.mark.parametrize(
    ("layers", "side"),
    [
        ([("Flatten", {})], 1),
        ([("Reshape", {"target_shape": [FEATURES]})], 1),
        ([average(3), ("Flatten", {})], 3),
        ([average(2), POOL], 4),
        ([average(2), average(2), norm(), dense(4, "relu"), ("Flatten", {})], 4),
        ([dense(4, "relu"), LEAKY, POOL], 1),
        ([("GlobalAveragePooling2D", {"keepdims": True}), conv(4, "relu"), ("Flatten", {})], 3),
        ([POOL, ("Reshape", {"target_shape": [1, 1, FEATURES]}), conv(4, "relu"), ("Flatten", {})], 3),
    ],
)
def test_what_comes_to_one_mean_over_all_places_is_a_pooling(layers: Layers, side: int) -> None:
    layers = [*layers, dense(1, "sigmoid")]
    x = places(1, side)
    once = [POOL, *(layer for layer in layers if "Pooling" not in layer[0])]
    original, pooled_once = Original(layers, 0), Original(once, 0)
    pooled_once.weights = {
        f"{once.index(layers[int(name.partition('_')[0])])}_{name.partition('_')[2]}": array
        for name, array in original.weights.items()
    }
    found = forward(imported(original, side=side), x.mean(axis=1))
    assert close(found, pooled_once(x)[:, 0], pooled_once, x)


@pytest.mark.parametrize(
    ("width", "ending"),
    [
        (1, ("Sigmoid", {})),
        (1, ("TFOpLambda", {"function": "math.sigmoid"})),
        (2, ("TFOpLambda", {"function": "nn.softmax"})),
        (1, ("Activation", {"activation": "sigmoid"})),
    ],
)
def test_an_activation_may_be_an_operation(width: int, ending: tuple[str, dict[str, Any]]) -> None:
    original = Original([POOL, dense(width), ending], 0)
    x = places(1)
    z = original(x)
    assert close(forward(imported(original), x.mean(axis=1)), z[:, -1] - (z[:, 0] if width == 2 else 0), original, x)


@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
@pytest.mark.parametrize("number", [0, 2])
def test_one_of_several_sigmoids_is_the_one_that_was_named(activation: str, number: int) -> None:
    original = Original([POOL, dense(4, "relu"), dense(3, activation)], 0)
    x = places(1)
    for positive_class, sign in ((1, 1), (0, -1)):
        found = forward(imported(original, positive_class, number), x.mean(axis=1))
        assert close(found, sign * original(x)[:, number], original, x)


def test_an_output_without_an_activation_is_noted() -> None:
    def notes(layer: tuple[str, dict[str, Any]], number: int | None = None) -> tuple[str, ...]:
        original = Original([POOL, layer], 0)
        return read_head(chain(original.layers), arrays(**original.weights), FEATURES, SIDE)[2].notes(number)

    assert notes(dense(1, "sigmoid")) == notes(dense(2, "softmax")) == notes(dense(3, "sigmoid"), 1) == ()
    assert "without a sigmoid" in notes(dense(1))[0] and "without a sigmoid" in notes(dense(2), 1)[0]
    assert "without a softmax" in notes(dense(2))[0]


@pytest.mark.parametrize(
    ("layer", "number", "says"),
    [
        (dense(3, "sigmoid"), 3, "output 3: model.h5 has 3 outputs, numbered from 0"),
        (dense(1, "sigmoid"), 1, "output 1: model.h5 has 1 outputs"),
        (dense(2, "softmax"), 1, "output 1: model.h5 ends in a softmax over 2 numbers"),
    ],
)
def test_an_output_that_is_none_is_refused(layer: tuple[str, dict[str, Any]], number: int, says: str) -> None:
    with pytest.raises(HemotkError, match=f"^{says}"):
        imported(Original([POOL, layer], 0), number=number)


def test_maps_without_a_relu_between_them_become_one() -> None:
    layers = [norm(), dense(7), POOL, norm(), dense(4, "relu"), norm(), dense(3), dense(2), ("Softmax", {})]
    assert {name: array.shape for name, array in imported(Original(layers, 0)).items()} == {
        "hidden1/kernel": (FEATURES, 4),
        "hidden1/bias": (4,),
        "logit/kernel": (4, 1),
        "logit/bias": (1,),
    }


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([], "layer '0' .GlobalAveragePooling2D. ends the network without a sigmoid or softmax"),
        ([dense(3)], "layer '1' .Dense. ends the network without a sigmoid or softmax, in 3 numbers"),
        ([dense(3, "softmax")], "layer '1' .Dense. ends in a softmax over 3 numbers, in which the logit of one class"),
        ([dense(2, "sigmoid")], "layer '1' .Dense. ends in a sigmoid over 2 numbers, and which of them is hemorrhage"),
        ([dense(1, "softmax")], "layer '1' .Dense. ends in a softmax over 1 numbers"),
        ([("Activation", {"activation": "sigmoid"})], "layer '1' .Activation. ends in a sigmoid over 5 numbers"),
        ([dense(3, "gelu")], "layer '1' .Dense. has the activation gelu"),
        ([dense(3), ("ReLU", {"max_value": 6.0})], "layer '2' .ReLU. has the activation"),
        ([dense(3), ("TFOpLambda", {"function": "math.tanh"})], "layer '2' .TFOpLambda. has the activation math.tanh"),
        ([dense(3), ("ReLU", {"negative_slope": 0.1})], "layer '2' .ReLU. has the activation"),
        ([("LayerNormalization", {})], "layer '1' .LayerNormalization. stands where Dense or BatchNormalization"),
        ([dense(1, "sigmoid"), norm()], "layer '2' .BatchNormalization. follows the sigmoid"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(layers: Layers, says: str) -> None:
    with pytest.raises(HemotkError, match=f"^model.h5: {says}"):
        imported(Original([POOL, *layers], 0))


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([], "layer 'net' .InputLayer. is the last where GlobalAveragePooling2D is expected"),
        ([("Flatten", {})], "layer '0' .Flatten. keeps 3×3 places apart where GlobalAveragePooling2D is expected"),
        ([("GlobalMaxPooling2D", {})], "layer '0' .GlobalMaxPooling2D. stands where GlobalAveragePooling2D is exp"),
        ([("BatchNormalization", {**norm()[1], "axis": [1]})], "layer '0' .* normalizes axis .1. where channels come"),
        ([average(2), POOL], "layer '0' .AveragePooling2D. pools .2, 2. of 3×3 places"),
        ([average(3, 1), POOL], "layer '0' .AveragePooling2D. pools .3, 3. of 3×3 places"),
        ([dense(4, "relu"), POOL], "layer '0' .Dense. rectifies before the pooling"),
        ([norm(), LEAKY, POOL], "layer '1' .LeakyReLU. rectifies before the pooling"),
        ([conv(4, kernel_size=[3, 3])], "layer '0' .Conv2D. has kernel_size .3, 3. where .1, 1. is expected"),
        ([conv(4, strides=[2, 2])], "layer '0' .Conv2D. has strides .2, 2. where .1, 1. is expected"),
        ([conv(4, groups=2)], "layer '0' .Conv2D. has groups"),
        (
            [("GlobalAveragePooling2D", {"keepdims": True}), dense(1, "sigmoid")],
            "layer '0' .* keeps the pooled dimensions",
        ),
        ([POOL, ("Reshape", {"target_shape": [1, -1]})], "layer '1' .Reshape. makes arrays of .1, -1. where one of 5"),
    ],
)
def test_places_that_are_not_averaged_are_refused_by_name(layers: Layers, says: str) -> None:
    with pytest.raises(HemotkError, match=f"^model.h5: {says}"):
        imported(Original([*layers, dense(1, "sigmoid")] if layers and "keepdims" not in str(layers) else layers, 0))
