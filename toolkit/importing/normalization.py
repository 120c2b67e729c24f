"""The normalization of a pixel's byte before the first convolution: the caller's word, then the model's own layers."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import PreprocessSpec
from hemotk.artifacts.normalizations import CHOICES, SANE_SPAN, byte_affine
from hemotk.artifacts.pixels import NETWORK_MEAN_BYTE, NETWORK_SCALE
from hemotk.errors import HemotkError
from hemotk.importing.copies import channel_copies, may_copy
from hemotk.importing.layers import KerasLayer
from hemotk.importing.sizes import RESIZERS, PictureSize, after_resizer, first_size
from hemotk.importing.stored import Arrays
from hemotk.importing.walk import Walk, is_pointwise, norm_affine, pointwise
from hemotk.models.shape import DenseNetShape

Array = NDArray[np.float64]

# The input of a network whose channels were mixed: h, h + 1, and a channel of no weight.
_BASIS = (0.0, -1.0, 0.0)
_BINARY = {
    **dict.fromkeys(("TrueDivide", "Divide", "math.truediv", "math.divide", "__operators__.truediv"), "divide"),
    **dict.fromkeys(("Multiply", "math.multiply", "__operators__.mul"), "multiply"),
    **dict.fromkeys(("Subtract", "math.subtract", "__operators__.sub"), "subtract"),
    **dict.fromkeys(("Add", "math.add", "__operators__.add", "nn.bias_add"), "add"),
}
_LAYERS = frozenset({"Rescaling", "Normalization", "BatchNormalization", "TFOpLambda", "Cast"})


@dataclass(frozen=True, eq=False)
class ByteScaling:
    """A byte p becomes scale · p + shift, float64 [channels].

    `own` says whether layers of the model took part, `mixed` whether one of them mixed channels by learned weights, so
    that a scale may be 0 or below.
    """

    scale: Array
    shift: Array
    own: bool = False
    mixed: bool = False

    def then(self, scale: Array, shift: Array) -> "ByteScaling":
        """This, then another by a layer of the model; both broadcast over channels."""
        return replace(self, scale=self.scale * scale, shift=self.shift * scale + shift, own=True)


def read_normalization(walk: Walk, arrays: Arrays, mode: str) -> ByteScaling:
    """Walk to before the DenseNet's first layer; `mode` is what was done before the model, 'auto' for what it says.

    Raises:
        HemotkError: 'auto' where the model has no normalization of its own, or one that cannot follow on `mode`.
    """
    return read_front(walk, arrays, mode)[0]


def read_front(walk: Walk, arrays: Arrays, mode: str) -> tuple[ByteScaling, PictureSize]:
    """As `read_normalization`, with the picture's size, which layers of the model may change.

    Raises:
        HemotkError: as there, or a picture that is cut or no square.
    """
    channels = walk.graph.shape[-1] or 0
    scale, shift = byte_affine(mode)
    if channels not in (1, 3) or channels < scale.size:
        needed = "1 or 3" if scale.size == 1 else "3"
        raise walk.graph.refuse(walk.graph.layers[0], f"has {channels} channels where {needed} are needed")
    scaling = ByteScaling(np.broadcast_to(scale, channels), np.broadcast_to(shift, channels))
    size = first_size(walk.graph)
    while (layer := walk.peek()) is not None and _in_front(layer):
        walk.next()
        if layer.kind in RESIZERS:
            size = after_resizer(size, walk.graph, layer)
        elif is_pointwise(layer):
            scaling = _mixed(scaling if scaling.mixed else _checked(scaling, walk, mode), walk, layer, arrays)
        else:
            scaling = _after(scaling, walk, layer, arrays)
    return scaling if scaling.mixed else _checked(scaling, walk, mode), size


def apply_normalization(
    scaling: ByteScaling, shape: DenseNetShape, kernel: np.ndarray, size: int
) -> tuple[PreprocessSpec, DenseNetShape, np.ndarray]:
    """The pixel contract, shape and stem kernel [7, 7, channels, stem] of a network that sees what `scaling` makes."""
    if scaling.mixed:
        return (
            PreprocessSpec(size),
            replace(shape, channels=3, gray_mean=_BASIS, gray_std=(1.0, 1.0, 1.0)),
            _on_basis(scaling, kernel),
        )
    if (spec := _plain_spec(scaling, size)) is not None:
        return spec, shape, kernel
    if shape.channels == 1:  # a network of one channel knows no normalization of its own
        empty = np.zeros_like(kernel)
        kernel = np.concatenate([kernel, empty, empty], axis=2)
    # Any other is told relative to hemotk's own pixels: their grid holds the constants that int8 needs for it.
    own = PreprocessSpec(size)
    means = -own.scale * (own.zero_point + scaling.shift / scaling.scale)
    red, green, blue = np.broadcast_to(means, 3).tolist()
    stds = np.broadcast_to(own.scale / scaling.scale, 3).tolist()
    shape = replace(shape, channels=3, gray_mean=(red, green, blue), gray_std=(stds[0], stds[1], stds[2]))
    return own, shape, kernel


def on_first_layer(
    scaling: ByteScaling, kernel: Array, size: int
) -> tuple[PreprocessSpec, tuple[float, float, float] | None, Array]:
    """The pixel contract, `LayeredShape.shift`, and the first kernel float64 [k, k, 1 or 3, out] of such a network.

    Scales go into the kernel. A constant does not, because zeros stand around the picture behind it.
    """
    if (spec := _plain_spec(scaling, size)) is not None:
        return spec, None, kernel.sum(axis=2, keepdims=True)
    own = PreprocessSpec(size)
    if kernel.shape[2] == 1:
        empty = np.zeros_like(kernel)
        kernel = np.concatenate([kernel, empty, empty], axis=2)
    kernel = kernel * np.broadcast_to(scaling.scale / own.scale, 3)[:, np.newaxis]
    shifts = own.scale * (own.zero_point + scaling.shift / scaling.scale)
    red, green, blue = np.broadcast_to(shifts, 3).tolist()
    return own, (red, green, blue), kernel


def _plain_spec(scaling: ByteScaling, size: int) -> PreprocessSpec | None:
    """The pixel contract that is all of a normalization, where one is."""
    zero = -scaling.shift[0] / scaling.scale[0]
    alike = np.ptp(scaling.scale) == 0 and np.ptp(scaling.shift) == 0
    if alike and abs(zero - round(zero)) < 1e-6 and 0 <= round(zero) <= 255:
        return PreprocessSpec(size, float(scaling.scale[0]), round(zero))
    return None


def _on_basis(scaling: ByteScaling, kernel: np.ndarray) -> np.ndarray:
    """The stem's kernel for the channels of `_BASIS`, h and h + 1: their difference is the constant."""
    slope = np.einsum("ijco,c->ijo", kernel, scaling.scale / NETWORK_SCALE)
    constant = np.einsum("ijco,c->ijo", kernel, scaling.shift + NETWORK_MEAN_BYTE * scaling.scale)
    return np.stack([slope - constant, constant, np.zeros_like(slope)], axis=2).astype(np.float32)


def _in_front(layer: KerasLayer) -> bool:
    named = layer.kind in _LAYERS or layer.kind in _BINARY or layer.kind in RESIZERS
    return named or may_copy(layer) or is_pointwise(layer)


def _mixed(scaling: ByteScaling, walk: Walk, layer: KerasLayer, arrays: Arrays) -> ByteScaling:
    """Behind a 1×1 convolution, or a dense layer over channels, without an activation."""
    if layer.config["activation"] != "linear":
        raise walk.graph.refuse(layer, f"has the activation {layer.config['activation']} in front of the network")
    weight, bias = pointwise(walk.graph, arrays, layer)
    return ByteScaling(scaling.scale @ weight, scaling.shift @ weight + bias, scaling.own, mixed=True)


def _checked(scaling: ByteScaling, walk: Walk, mode: str) -> ByteScaling:
    where = walk.graph.where
    if mode == "auto" and not scaling.own:
        raise HemotkError(
            f"{where}: does not say how its pixels were normalized, and a wrong guess would be a wrong network; give "
            f"‹normalization› {CHOICES}."
        )
    if not (np.isfinite(scaling.shift).all() and (scaling.scale > 0).all() and np.isfinite(scaling.scale).all()):
        raise HemotkError(
            f"{where}: its own normalization turns black and white around; only growing ones are supported."
        )
    span = 255 * scaling.scale
    if scaling.own and not (SANE_SPAN[0] <= span.min() and span.max() <= SANE_SPAN[1]):
        raise HemotkError(
            f"{where}: with ‹normalization› {mode} and the model's own layers, black and white would be "
            f"{span.max():.3g} apart, which no network is trained on; say what was done to the pixels before the "
            f"model: {CHOICES}."
        )
    return scaling


def _after(scaling: ByteScaling, walk: Walk, layer: KerasLayer, arrays: Arrays) -> ByteScaling:
    if may_copy(layer):
        if scaling.scale.size != 1 or channel_copies(layer) != 3:
            raise walk.graph.refuse(layer, "does not copy one gray channel to three")
        return replace(scaling, scale=np.tile(scaling.scale, 3), shift=np.tile(scaling.shift, 3))
    if layer.kind == "Cast" or layer.config.get("function") == "cast":
        return scaling
    scale, shift = _affine(walk, layer, arrays)
    if not {scale.size, shift.size} <= {1, scaling.scale.size}:
        raise walk.graph.refuse(layer, f"has {max(scale.size, shift.size)} numbers for {scaling.scale.size} channels")
    return scaling.then(scale, shift)


def _affine(walk: Walk, layer: KerasLayer, arrays: Arrays) -> tuple[Array, Array]:
    """The layer as scale and shift, float64 [1] or [channels]."""
    config = layer.config
    if layer.kind == "Rescaling":
        return _numbers(config["scale"]), _numbers(config["offset"])
    if layer.kind == "BatchNormalization":
        return norm_affine(arrays, layer)
    if layer.kind == "Normalization":
        return _standardized(walk, layer, arrays)
    operation = _BINARY.get(layer.kind if layer.kind != "TFOpLambda" else config["function"])
    constants = {key: value for key, value in layer.constants.items() if value is not None and key != "data_format"}
    if operation is None or len(constants) != 1 or (0 in constants and operation in ("subtract", "divide")):
        raise walk.graph.refuse(layer, "is no normalization by constants")
    value = _numbers(next(iter(constants.values())))
    one, zero = np.ones(1), np.zeros(1)
    return {
        "divide": (1 / value, zero),
        "multiply": (value, zero),
        "subtract": (one, -value),
        "add": (one, value),
    }[operation]


def _standardized(walk: Walk, layer: KerasLayer, arrays: Arrays) -> tuple[Array, Array]:
    config = layer.config
    if config.get("invert") or config["axis"] not in (None, [], -1, [-1], 3, [3]):
        raise walk.graph.refuse(layer, "normalizes over something else than channels, or undoes it")
    if config.get("mean") is None:
        mean, variance = (array.reshape(-1).astype(np.float64) for array in arrays.read(layer, "mean", "variance"))
    else:
        mean, variance = _numbers(config["mean"]), _numbers(config["variance"])
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)  # Keras's epsilon
    return scale, -mean * scale


def _numbers(value: object) -> Array:
    return np.asarray(value, np.float64).reshape(-1)
