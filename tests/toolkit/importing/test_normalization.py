"""From a byte to what the first convolution sees."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_chains import arrays, chain

from hemotk.artifacts import PreprocessSpec
from hemotk.artifacts.normalizations import byte_affine
from hemotk.errors import HemotkError
from hemotk.importing.normalization import ByteScaling, apply_normalization, read_normalization
from hemotk.models.shape import densenet

BYTES = np.arange(256.0)
SHAPE = densenet((1, 1))
KERNEL = np.random.default_rng(0).normal(size=(7, 7, 3, 64)).astype(np.float32)
positive = st.floats(1e-3, 10)
shifts = st.floats(-100, 100)


def seen(found: ByteScaling) -> np.ndarray:
    """What the network's channels are for each byte, by the pixel contract and the shape: [256, channels]."""
    spec, shape, _ = apply_normalization(found, SHAPE, KERNEL, 64)
    h = spec.scale * (BYTES[:, None] - spec.zero_point)
    if shape.gray_mean is None or shape.gray_std is None:
        return np.repeat(h, 3, axis=1)
    return (h - np.array(shape.gray_mean)) / np.array(shape.gray_std)


@given(scale=st.lists(positive, min_size=3, max_size=3), shift=st.lists(shifts, min_size=3, max_size=3))
def test_contract_and_shape_together_are_the_normalization(scale: list[float], shift: list[float]) -> None:
    found = ByteScaling(np.array(scale), np.array(shift))
    expected = BYTES[:, None] * scale + shift
    assert np.allclose(seen(found), expected, rtol=1e-12, atol=1e-10 * np.abs(expected).max())


@given(scale=positive, zero=st.integers(0, 255))
def test_a_zero_that_is_a_byte_goes_into_the_contract(scale: float, zero: int) -> None:
    found = ByteScaling(np.full(3, scale), np.full(3, -zero * scale))
    spec, shape, kernel = apply_normalization(found, SHAPE, KERNEL, 64)
    assert (spec.scale, spec.zero_point, spec.size) == (scale, zero, 64)
    assert shape == SHAPE and kernel is KERNEL


def test_one_channel_with_a_shift_gets_two_empty_ones() -> None:
    shape = densenet((1, 1))
    found = ByteScaling(np.array([1 / 127.5]), np.array([-1.0]))
    one = KERNEL[:, :, :1]
    spec, widened, kernel = apply_normalization(found, type(shape)(**{**vars(shape), "channels": 1}), one, 64)
    assert widened.channels == 3 and spec == PreprocessSpec(64)
    assert widened.gray_mean == pytest.approx((12.5 / 57.63,) * 3) and widened.gray_std == pytest.approx(
        (127.5 / 57.63,) * 3
    )
    assert np.array_equal(kernel[:, :, :1], one) and not kernel[:, :, 1:].any()


END: tuple[str, dict[str, Any]] = ("ZeroPadding2D", {})


@pytest.mark.parametrize(
    ("said", "mean", "std"),
    [
        ("0.5/0.25", [0.5], [0.25]),
        ("0.485,0.456,0.406/0.229,0.224,0.225", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ("0.5,0.4,0.3/1", [0.5, 0.4, 0.3], [1.0]),
    ],
)
def test_mean_and_deviation_may_be_said(said: str, mean: list[float], std: list[float]) -> None:
    scale, shift = byte_affine(said)
    assert np.allclose(BYTES[:, None] * scale + shift, (BYTES[:, None] / 255 - mean) / std)
    found = read_normalization(chain([END]), arrays(), said)
    assert np.allclose(seen(found), np.broadcast_to((BYTES[:, None] / 255 - mean) / std, (256, 3)))


@pytest.mark.parametrize(
    "said",
    ["caffe", "0.5", "/", "0.5/", "0.5,0.5/0.5,0.5", "a/b", "0.5/0", "0.5/-1", "nan/1", "-0.1/1", "0.5/58", "1/2/3"],
)
def test_what_is_no_mean_and_deviation_is_refused(said: str) -> None:
    with pytest.raises(HemotkError, match="'normalization' must be "):
        byte_affine(said)


COPIES: list[tuple[str, dict[str, Any]]] = [
    ("Concatenate", {"times": 3, "axis": -1}),
    ("Repeat", {"repeats": 3, "axis": 3}),
    ("Tile", {"repeats": [1, 1, 1, 3]}),
    ("TFOpLambda", {"function": "image.grayscale_to_rgb"}),
    ("TFOpLambda", {"function": "repeat", "()": {"repeats": 3, "axis": -1}}),
    ("TFOpLambda", {"function": "tile", "()": {"multiples": [1, 1, 1, 3], "name": None}}),
    ("TFOpLambda", {"function": "concat", "times": 3, "()": {"axis": -1}}),
]


@pytest.mark.parametrize("copy", COPIES)
def test_one_gray_channel_is_copied_in_many_ways(copy: tuple[str, dict[str, Any]]) -> None:
    found = read_normalization(
        chain([copy, ("Rescaling", {"scale": [0.01, 0.02, 0.03], "offset": 1}), END], 1), arrays(), "auto"
    )
    assert found.scale.tolist() == [0.01, 0.02, 0.03] and found.shift.tolist() == [1, 1, 1]


def mixing(activation: str) -> tuple[str, dict[str, Any]]:
    plain = {"kernel_size": [1, 1], "strides": [1, 1], "data_format": "channels_last", "use_bias": True}
    return "Conv2D", {**plain, "activation": activation}


def test_channels_that_a_convolution_mixes_may_fall_or_stay() -> None:
    weight, bias = np.array([[0.5, -0.25, 0.0]]), np.array([0.1, 0.2, 0.3])
    walk = chain([("Rescaling", {"scale": 1 / 255, "offset": 0}), mixing("linear"), END], 1)
    weights = arrays(**{"1_kernel": weight[None, None].astype(np.float32), "1_bias": bias.astype(np.float32)})
    found = read_normalization(walk, weights, "auto")
    expected = BYTES[:, None] / 255 * weight + bias
    assert np.allclose(BYTES[:, None] * found.scale + found.shift, expected, rtol=1e-6)
    spec, shape, kernel = apply_normalization(found, SHAPE, KERNEL, 64)
    assert spec == PreprocessSpec(64) and shape.gray_mean is not None
    h = spec.scale * (BYTES[:, None] - spec.zero_point)
    made = ((h - np.array(shape.gray_mean)) / np.array(shape.gray_std)) @ kernel[3, 3]
    assert np.allclose(made, expected @ KERNEL[3, 3], atol=1e-5)


def test_a_convolution_does_not_say_how_pixels_were_normalized() -> None:
    weights = arrays(**{"0_kernel": np.ones((1, 1, 1, 3), np.float32), "0_bias": np.zeros(3, np.float32)})
    with pytest.raises(HemotkError, match="does not say how its pixels were normalized"):
        read_normalization(chain([mixing("linear"), END], 1), weights, "auto")


MEAN = [100.0, 110.0, 120.0]
OWN: dict[str, tuple[list[tuple[str, dict[str, Any]]], Any]] = {
    "rescaling": ([("Rescaling", {"scale": 1 / 127.5, "offset": -1.0})], lambda p: p / 127.5 - 1),
    "rescaling per channel": (
        [("Rescaling", {"scale": [0.01, 0.02, 0.03], "offset": [0, 1, 2]})],
        lambda p: p * [0.01, 0.02, 0.03] + [0, 1, 2],
    ),
    "given statistics": (
        [("Normalization", {"axis": [-1], "mean": [[MEAN]], "variance": 2500.0})],
        lambda p: (p - MEAN) / 50,
    ),
    "learned statistics": (
        [("Normalization", {"axis": [3], "mean": None})],
        lambda p: (p - [60, 70, 80]) / [10, 20, 30],
    ),
    "batch normalization": (
        [("BatchNormalization", {"scale": True, "center": False, "epsilon": 0.0})],
        lambda p: (p - [60, 70, 80]) / [10, 20, 30] * [1.5, 2, 1],
    ),
    "Keras 2 operations": (
        [
            ("TFOpLambda", {"function": "cast", "()": {"dtype": "float32"}}),
            ("TFOpLambda", {"function": "math.truediv", "()": {"y": 255.0, "name": None}}),
            ("TFOpLambda", {"function": "nn.bias_add", "()": {"bias": [-0.1, -0.2, -0.3], "data_format": "NHWC"}}),
            ("TFOpLambda", {"function": "math.subtract", "()": {"y": 0.5}}),
            ("TFOpLambda", {"function": "math.multiply", "()": {"y": 4}}),
        ],
        lambda p: (p / 255 - [0.1, 0.2, 0.3] - 0.5) * 4,
    ),
    "Keras 3 operations": (
        [
            ("TrueDivide", {"()": {1: 255.0}}),
            ("Subtract", {"()": {1: [[[[0.1, 0.2, 0.3]]]]}}),
            ("Multiply", {"()": {0: 4.0}}),
            ("Add", {"()": {1: 0.5}}),
        ],
        lambda p: (p / 255 - [0.1, 0.2, 0.3]) * 4 + 0.5,
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_the_models_own_layers_are_taken_in_their_order(name: str) -> None:
    layers, expected = OWN[name]
    statistics = {
        "0_mean": np.array([60, 70, 80], np.float32),
        "0_variance": np.array([100, 400, 900], np.float32),
        "0_gamma": np.array([1.5, 2, 1], np.float32),
        "0_moving_mean": np.array([60, 70, 80], np.float32),
        "0_moving_variance": np.array([100, 400, 900], np.float32),
    }
    walk = chain([*layers, END])
    found = read_normalization(walk, arrays(**statistics), "auto")
    assert walk.at == len(layers)
    pixels = np.repeat(BYTES[:, None], 3, axis=1)
    assert np.allclose(pixels * found.scale + found.shift, expected(pixels), rtol=1e-12, atol=1e-10)
    assert np.allclose(seen(found), expected(pixels), rtol=1e-12, atol=1e-10)


def test_what_was_done_before_the_model_comes_before_its_own_layers() -> None:
    walk = chain([("Normalization", {"axis": -1, "mean": 0.5, "variance": 0.04}), END])
    found = read_normalization(walk, arrays(), "unit")
    assert np.allclose(BYTES[:, None] * found.scale + found.shift, ((BYTES / 255 - 0.5) / 0.2)[:, None])


@pytest.mark.parametrize(
    ("layers", "channels", "mode", "says"),
    [
        ([("Subtract", {"()": {0: 255.0}})], 3, "raw", "layer '0' .Subtract. is no normalization by constants"),
        ([("TrueDivide", {"()": {0: 255.0}})], 3, "raw", "layer '0' .TrueDivide. is no normalization by constants"),
        ([("Add", {"times": 2})], 3, "raw", "layer '0' .Add. is no normalization by constants"),
        ([("TFOpLambda", {"function": "math.pow", "()": {"y": 2}})], 3, "raw", "layer '0' .TFOpLambda. is no normal"),
        (
            [("Rescaling", {"scale": [1, 2], "offset": 0})],
            3,
            "raw",
            "layer '0' .Rescaling. has 2 numbers for 3 channels",
        ),
        ([("Concatenate", {"times": 2, "axis": -1})], 1, "raw", "layer '0' .Concatenate. does not copy one gray"),
        ([("Concatenate", {"times": 3, "axis": 1})], 1, "raw", "layer '0' .Concatenate. does not copy one gray"),
        ([mixing("relu")], 1, "raw", "layer '0' .Conv2D. has the activation relu in front of the network"),
        ([("Repeat", {"repeats": 3, "axis": 1})], 1, "raw", "layer '0' .Repeat. does not copy one gray"),
        ([("Tile", {"repeats": [1, 2, 1, 3]})], 1, "raw", "layer '0' .Tile. does not copy one gray"),
        ([("Tile", {"repeats": [1, 1, 1, 3]})], 3, "raw", "layer '0' .Tile. does not copy one gray"),
        ([("Normalization", {"axis": [1], "mean": 0})], 3, "raw", "normalizes over something else than channels"),
        ([("Normalization", {"axis": -1, "mean": 0, "invert": True})], 3, "raw", "normalizes over something else"),
        ([("Rescaling", {"scale": -1 / 255, "offset": 1})], 3, "auto", "turns black and white around"),
        ([("Normalization", {"axis": -1, "mean": 0.5, "variance": 0.04})], 3, "auto", "1.28e.03 apart"),
        ([("Rescaling", {"scale": 1 / 255, "offset": 0})], 3, "unit", "0.00392 apart"),
        ([], 3, "auto", "does not say how its pixels were normalized"),
        ([], 1, "torch", "layer 'net' .InputLayer. has 1 channels where 3 are needed"),
        ([], 4, "raw", "layer 'net' .InputLayer. has 4 channels where 1 or 3 are needed"),
    ],
)
def test_what_is_unclear_is_refused(
    layers: list[tuple[str, dict[str, Any]]], channels: int, mode: str, says: str
) -> None:
    with pytest.raises(HemotkError, match=f"^model.h5: .*{says}"):
        read_normalization(chain([*layers, END], channels), arrays(), mode)
