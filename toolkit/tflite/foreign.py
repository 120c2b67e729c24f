"""Classifiers in .tflite files that other tools made: find out how they are fed and read."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import BUNDLE_CARD
from hemotk.artifacts.foreign import Activation, ForeignOptions, ForeignSpec
from hemotk.artifacts.normalizations import CHOICES, byte_affine
from hemotk.errors import HemotkError
from hemotk.quiet import without_remarks
from hemotk.tflite.facts import ModelFacts, ModelTensor, read_facts
from hemotk.tflite.metadata import metadata_of
from hemotk.tflite.runtime import find_runtime
from hemotk.tflite.scorer import OUTPUTS

# An input of bytes whose range is that of one of these takes the picture's bytes as they are.
_BY_RANGE = ("unit", "tf", "raw")
_BYTES = ("uint8", "int8")
_TYPES = (*_BYTES, "float32")
_ACTIVATIONS: Mapping[str, Activation] = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax"}
_WORDS: Mapping[Activation, str] = {
    "sigmoid": "its output is a sigmoid's",
    "softmax": "its output is a softmax's",
    "logit": "its output is a logit, before a sigmoid",
    "two logits": "its output is two logits, before a softmax",
}
# Operators that hand numbers on as they are.
_PASSING = frozenset({"QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "CAST"})
# At most this many of the 256 gray values may lie outside the range of an input of bytes.
_MOST_CUT = 4
_FEWEST_KEPT = 64


def needs_no_help(facts: ModelFacts) -> bool:
    """Whether this is a model of hemotk's own pixel contract: gray picture in, `logit` and `probability` out."""
    shapes = [tensor.shape for tensor in facts.inputs]
    gray = len(shapes) == 1 and _is_picture(shapes[0]) and shapes[0][0] == shapes[0][3] == 1
    return gray and {output.name for output in facts.outputs} >= set(OUTPUTS)


def read_foreign(path: Path, asked: ForeignOptions) -> ForeignSpec:
    """Find out how the classifier at `path` is to be fed and read.

    Raises:
        HemotkError: the file is broken; it is no classifier of one gray or RGB picture; or the file leaves open what
            must be known, and `asked` does not say it.
    """
    facts = read_facts(path)
    pixels, numbers = _ends(path, facts)
    channels_first = pixels.shape[3] not in (1, 3)
    channels = pixels.shape[1 if channels_first else 3]
    scale, shift, said = _normalization(path, pixels, channels, asked.normalization)
    width = math.prod(abs(size) for size in numbers.shape)
    activation, guess = _activation(path, numbers, two=width == 2 and asked.output is None)
    output, which = _output(path, width, activation, asked)
    return ForeignSpec(
        size=pixels.shape[2],
        scale=tuple(float(value) for value in np.broadcast_to(scale, channels)),
        shift=tuple(float(value) for value in np.broadcast_to(shift, channels)),
        channels_first=channels_first,
        numbers=width,
        activation=activation,
        output=output,
        positive_class=asked.positive_class,
        said=(said, f"{_WORDS[activation]}{guess}", *which),
    )


def _ends(path: Path, facts: ModelFacts) -> tuple[ModelTensor, ModelTensor]:
    """The one picture that goes in and the one tensor that comes out."""
    inputs, outputs = ([tensor.shape for tensor in end] for end in (facts.inputs, facts.outputs))
    if len(inputs) != 1 or not _is_picture(inputs[0]):
        shapes = ", ".join(str(list(shape)) for shape in inputs) or "nothing"
        raise HemotkError(
            f"{path}: takes {shapes} instead of one square gray or RGB picture, [1, N, N, 1 or 3] or "
            "[1, 1 or 3, N, N], N from 16 to 1024; name a classifier of single slices."
        )
    if len(outputs) != 1 or outputs[0][:1] not in ((1,), (-1,)) or any(size < 1 for size in outputs[0][1:]):
        shapes = ", ".join(str(list(shape)) for shape in outputs) or "nothing"
        raise HemotkError(f"{path}: gives {shapes} instead of one list of class scores [1, K]; name a classifier.")
    for tensor in (*facts.inputs, *facts.outputs):
        if tensor.dtype not in _TYPES:
            raise HemotkError(
                f"{path}: tensor '{tensor.name}' is {tensor.dtype}; only {', '.join(_TYPES)} are supported."
            )
        if tensor.dtype in _BYTES and not (math.isfinite(tensor.scale) and tensor.scale > 0):
            raise HemotkError(
                f"{path}: tensor '{tensor.name}' holds {tensor.dtype} without a quantization scale, so that its values "
                "mean nothing; convert the model again."
            )
    return facts.inputs[0], facts.outputs[0]


def _is_picture(shape: tuple[int, ...]) -> bool:
    if len(shape) != 4 or shape[0] not in (1, -1):
        return False
    sides, channels = (shape[1:3], shape[3]) if shape[3] in (1, 3) else (shape[2:], shape[1])
    return channels in (1, 3) and sides[0] == sides[1] and 16 <= sides[0] <= 1024


def _normalization(
    path: Path, pixels: ModelTensor, channels: int, asked: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Scale and shift of a byte, [1] or [3], and a clause that says where they are from."""
    if asked is not None:
        scale, shift = byte_affine(asked)
        said = f"its pixels are normalized as asked ({asked})"
    elif (from_file := _from_metadata(path, pixels.name)) is not None:
        scale, shift = from_file
        said = "its pixels are normalized as its metadata says"
    elif (mode := _by_range(pixels)) is not None:
        scale, shift = byte_affine(mode)
        said = f"its pixels are normalized as the range of its input says ({mode})"
    else:
        raise HemotkError(
            f"{path}: does not say how its pixels were normalized, and a wrong guess would give wrong scores; add "
            f"‹normalization› {CHOICES}."
        )
    if scale.size not in (1, channels):
        raise HemotkError(
            f"{path}: takes pictures of {channels} channel{'s' if channels > 1 else ''}, but the normalization has "
            f"{scale.size} numbers; give ‹normalization› with one number each, such as 0.5/0.25."
        )
    _check_range(path, pixels, scale, shift)
    return scale, shift, said


def _from_metadata(path: Path, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    metadata = metadata_of(path)
    if metadata is None or not metadata.normalization:
        return None
    # Metadata names tensors as it likes; with one input, the only entry is that input's.
    normalization = metadata.normalization.get(name) or next(iter(metadata.normalization.values()))
    mean, std = np.asarray(normalization.mean, np.float64), np.asarray(normalization.std, np.float64)
    if mean.size != std.size or mean.size not in (1, 3) or not (np.isfinite(mean).all() and (std > 0).all()):
        raise HemotkError(
            f"{path}: its metadata normalizes pixels with mean {list(normalization.mean)} and std "
            f"{list(normalization.std)}, which cannot be meant; say it with ‹normalization›."
        )
    return 1 / std, -mean / std


def _by_range(pixels: ModelTensor) -> str | None:
    """The normalization under which an input of bytes takes the picture's bytes as they are, if there is one."""
    if pixels.dtype not in _BYTES:
        return None
    for mode in _BY_RANGE:
        stored = _stored(pixels, *byte_affine(mode))[:, 0]
        first = 0 if pixels.dtype == "uint8" else -128
        if np.abs(stored - (np.arange(256) + first)).max() <= 1:
            return mode
    return None


def _stored(pixels: ModelTensor, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value of a byte input for each gray value if bytes had no ends, float64 [256, channels]."""
    real = np.arange(256)[:, np.newaxis] * scale + shift
    stored: NDArray[np.float64] = np.rint(real / pixels.scale) + pixels.zero_point
    return stored


def _check_range(path: Path, pixels: ModelTensor, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
    """Refuse a normalization that an input of bytes was not made for: gray values would be cut off, or fall together.

    A range that was calibrated on pictures may leave out a few gray values at the ends.
    """
    if pixels.dtype not in _BYTES:
        return
    stored, limits = _stored(pixels, scale, shift), np.iinfo(pixels.dtype)
    cut = int(((stored < limits.min) | (stored > limits.max)).sum(axis=0).max())
    kept = min(len(np.unique(np.clip(column, limits.min, limits.max))) for column in stored.T)
    if cut > _MOST_CUT or kept < _FEWEST_KEPT:
        low, high = ((limit - pixels.zero_point) * pixels.scale for limit in (limits.min, limits.max))
        raise HemotkError(
            f"{path}: its input holds {low:.4g} to {high:.4g}, and so normalized, pixels reach from "
            f"{float(shift.min()):.4g} to {float((255 * scale + shift).max()):.4g}: {cut} of 256 gray values would be "
            f"cut off and {kept} stay apart; give the normalization of its training: {CHOICES}."
        )


def _activation(path: Path, numbers: ModelTensor, *, two: bool) -> tuple[Activation, str]:
    """The kind of numbers that the last operator gives, and a remark on it; `two` of them belong together."""
    kind = _last_operator(path)
    if kind is not None:
        return _ACTIVATIONS.get(kind, "two logits" if two else "logit"), ""
    if numbers.dtype in _BYTES and math.isclose(numbers.scale, 1 / 256, rel_tol=1e-6):
        return ("sigmoid" if math.prod(numbers.shape[1:]) == 1 else "softmax"), ", by its range of 0 to 1"
    raise HemotkError(
        f"{path}: this interpreter does not say whether its output is a probability; install ai-edge-litert, which "
        "says it."
    )


def _last_operator(path: Path) -> str | None:
    """The type of the operator that the output's numbers come from; None where the interpreter lists none."""
    with without_remarks():
        interpreter = find_runtime().interpreter(model_content=path.read_bytes(), num_threads=1)
    listed = getattr(interpreter, "_get_ops_details", None)
    if listed is None:
        return None
    makers = {int(index): operator for operator in listed() for index in operator["outputs"]}
    operator = makers.get(int(interpreter.get_output_details()[0]["index"]))
    for _ in range(len(makers)):
        if operator is None or operator["op_name"] not in _PASSING:
            break
        operator = makers.get(int(operator["inputs"][0]))
    return "" if operator is None else str(operator["op_name"])


def _output(path: Path, width: int, activation: Activation, asked: ForeignOptions) -> tuple[int, tuple[str, ...]]:
    """The number that is hemorrhage, and what is to be said of it."""
    if asked.output is not None:
        if asked.output >= width:
            raise HemotkError(
                f"{path}: has {width} class score{'s' if width > 1 else ''}, numbered from 0, and no number "
                f"{asked.output}; choose one with ‹output›."
            )
        return asked.output, (f"number {asked.output} of its {width} scores is hemorrhage, as asked",)
    if width == 1:
        return 0, ()
    if width == 2 and activation != "sigmoid":
        word = "second" if asked.positive_class else "first"
        return 1, (f"the {word} of its two scores is hemorrhage",)
    raise HemotkError(
        f"{path}: gives {width} scores, and does not say which of them is hemorrhage; add ‹output› 0 to {width - 1}."
    )


def foreign_of(path: Path, asked: ForeignOptions) -> ForeignSpec | None:
    """The interpretation of the bare .tflite at `path`; None where it follows hemotk's own pixel contract.

    Raises:
        HemotkError: as `read_foreign`; or a bundle card lies beside it, which says all of this.
    """
    if (path.parent / BUNDLE_CARD).is_file():
        raise HemotkError(f"{path}: lies in a bundle, whose card says how it is used; name the bundle {path.parent}.")
    if not asked.anything and needs_no_help(read_facts(path)):
        return None
    return read_foreign(path, asked)
