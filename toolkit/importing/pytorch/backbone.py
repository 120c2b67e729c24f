"""A DenseNet's tensors under PyTorch's names as a shape and arrays under hemotk's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemotk.errors import HemotkError
from hemotk.importing.pytorch.contents import SUPPORTED, Contents, Module, ends_in
from hemotk.importing.pytorch.files import MOST_BYTES, TorchFile
from hemotk.importing.pytorch.pickles import TensorView
from hemotk.models.shape import STEM_KERNEL, DenseNetShape, LayerShape

Array = NDArray[np.float64]
EPSILON = 1e-5  # PyTorch's own, which a state dict does not keep
_COUNTER = "num_batches_tracked"
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
_PLACES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"conv0", lambda _: "conv1/conv"),
    (r"norm0", lambda _: "conv1/bn"),
    (r"norm5", lambda _: "bn"),
    (r"denseblock(\d+)\.denselayer(\d+)\.(?:layers\.)?norm\.?1", lambda m: _layer(m) + "_0_bn"),
    (r"denseblock(\d+)\.denselayer(\d+)\.(?:layers\.)?norm\.?2", lambda m: _layer(m) + "_1_bn"),
    (r"denseblock(\d+)\.denselayer(\d+)\.(?:layers\.)?conv\.?1", lambda m: _layer(m) + "_1_conv"),
    (r"denseblock(\d+)\.denselayer(\d+)\.(?:layers\.)?conv\.?2", lambda m: _layer(m) + "_2_conv"),
    (r"transition(\d+)\.norm", lambda m: f"pool{int(m[1]) + 1}_bn"),
    (r"transition(\d+)\.conv", lambda m: f"pool{int(m[1]) + 1}_conv"),
)


@dataclass(frozen=True, eq=False)
class Tensors:
    """The numbers of a network's tensors, in the file; `at` is the prefix of the features' names."""

    file: TorchFile
    contents: Contents
    at: str

    def read(self, name: str) -> Array:
        """The tensor called `name`, float64."""
        return self.file.numbers(self.contents.tensors[name])

    def refuse(self, name: str, what: str) -> HemotkError:
        """The error that names a tensor or module, says `what` is wrong with it, and what is supported."""
        return HemotkError(f"{self.file.where}: {name!r:.100} {what}; {SUPPORTED}.")

    @property
    def rest(self) -> dict[str, TensorView]:
        """Tensors that are none of the DenseNet's feature layers, counters left out: the head's, mostly."""
        tensors = self.contents.tensors.items()
        return {
            name: view
            for name, view in tensors
            if not (name.startswith(self.at) and _place(name.removeprefix(self.at))) and not name.endswith(_COUNTER)
        }


def open_tensors(file: TorchFile, contents: Contents) -> Tensors:
    """Find the network's prefix by the tensor that tells its kind, `contents.mark`.

    Raises:
        HemotkError: there are several, or tensors of an absurd size.
    """
    marks = [name for name in contents.tensors if ends_in(name, contents.mark)]
    if len(marks) > 1:
        raise HemotkError(
            f"{file.where}: holds {len(marks)} networks in one ({marks[0]!r:.60}, {marks[1]!r:.60}); {SUPPORTED}."
        )
    quantized = any(".quantized" in module.origin or ".qat" in module.origin for module in contents.modules.values())
    if quantized or any(name.endswith(".zero_point") for name in contents.tensors):
        raise HemotkError(
            f"{file.where}: was quantized in PyTorch; save the state dict of the network from before it was, because "
            "hemotk quantizes by itself."
        )
    tensors = Tensors(file, contents, marks[0].removesuffix(contents.mark))
    size = sum(8 * int(np.prod([float(side) for side in view.shape])) for view in contents.tensors.values())
    if size > MOST_BYTES or any(side < 0 for view in contents.tensors.values() for side in view.shape):
        raise HemotkError(f"{file.where}: has {size} bytes of weights, more than any network here; copy it again.")
    return tensors


def read_backbone(tensors: Tensors) -> tuple[DenseNetShape, dict[str, np.ndarray]]:
    """The shape, without hidden layers, and the arrays under hemotk's names, float32.

    BatchNorms of unequal epsilon are brought to the least one: variance + epsilon stays the same.

    Raises:
        HemotkError: what a DenseNet has not, or lacks.
    """
    arrays: dict[str, Array] = {}
    epsilons: dict[str, float] = {}
    for name in tensors.contents.tensors:
        inner = name.removeprefix(tensors.at)
        place = _place(inner) if name.startswith(tensors.at) else None
        if place is None or inner.endswith(_COUNTER):
            continue
        layer, part = place
        if f"{layer}/{part}" in arrays:
            raise tensors.refuse(name, "is there twice")
        arrays[f"{layer}/{part}"] = _checked(tensors, name, tensors.read(name))
        if part == "moving_mean":
            epsilons[layer] = epsilon_of(tensors.contents.modules.get(name.rpartition(".")[0]))
    shape = _shape(tensors, arrays, min(epsilons.values(), default=EPSILON))
    for layer, epsilon in epsilons.items():
        if f"{layer}/moving_variance" in arrays:
            arrays[f"{layer}/moving_variance"] += epsilon - shape.bn_epsilon
    _fill_plain(tensors, arrays, epsilons)
    _check_sizes(tensors, arrays, shape)
    return shape, {name: array.astype(np.float32) for name, array in arrays.items()}


def _layer(match: re.Match[str]) -> str:
    return f"conv{int(match[1]) + 1}_block{int(match[2])}"


def _place(inner: str) -> tuple[str, str] | None:
    """Layer and array in hemotk's names of what PyTorch calls `inner`; None for what is no DenseNet's."""
    layer, _, part = inner.rpartition(".")
    for pattern, place in _PLACES:
        if len(layer) < 80 and (match := re.fullmatch(pattern, layer, re.ASCII)):
            name = place(match)
            if part == _COUNTER or (part == "weight" and name.endswith("conv")):
                return name, "kernel"
            return (name, _NORM[part]) if part in _NORM and not name.endswith("conv") else None
    return None


def epsilon_of(module: Module | None, default: float = EPSILON) -> float:
    """A BatchNorm's epsilon, `default` where the file does not say it."""
    value = module.settings.get("eps", default) if module else default
    return float(value) if isinstance(value, (int, float)) and 0 < value < 1 else default


def _checked(tensors: Tensors, name: str, array: Array) -> Array:
    """The array as hemotk lays it out: kernels [height, width, in, out]."""
    if not np.isfinite(array).all():
        raise tensors.refuse(name, "holds NaN or infinity")
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if array.ndim != 1:
        raise tensors.refuse(name, f"has {array.ndim} dimensions where a DenseNet of pictures has 1 or 4")
    return array


def _shape(tensors: Tensors, arrays: Mapping[str, Array], epsilon: float) -> DenseNetShape:
    def width(name: str) -> int:
        if f"{name}/kernel" not in arrays:
            raise tensors.refuse(name, "(in hemotk's names) is missing")
        return int(arrays[f"{name}/kernel"].shape[-1])

    depths: dict[int, int] = {}
    for name in arrays:
        if match := re.match(r"conv(\d+)_block(\d+)_1_conv/", name):
            depths[int(match[1])] = max(depths.get(int(match[1]), 0), int(match[2]))
    kernel = arrays["conv1/conv/kernel"]
    if kernel.shape[:2] != (STEM_KERNEL, STEM_KERNEL) or kernel.shape[2] not in (1, 3):
        sides = "×".join(map(str, kernel.shape[:2]))
        what = f"is a {sides} convolution of {kernel.shape[2]} channels where 7×7 of 1 or 3 are expected"
        raise tensors.refuse(f"{tensors.at}conv0", what)
    if sorted(depths) != list(range(2, len(depths) + 2)) or sum(depths.values()) > 1000:
        raise tensors.refuse(f"{tensors.at}denseblock", f"is there {len(depths)} times, and not numbered from 1 on")
    return DenseNetShape(
        stem=width("conv1/conv"),
        blocks=tuple(
            tuple(
                LayerShape(width(f"conv{b}_block{i}_1_conv"), width(f"conv{b}_block{i}_2_conv"))
                for i in range(1, depths[b] + 1)
            )
            for b in sorted(depths)
        ),
        transitions=tuple(width(f"pool{b}_conv") for b in sorted(depths)[:-1]),
        channels=1 if kernel.shape[2] == 1 else 3,
        bn_epsilon=epsilon,
    )


def _fill_plain(tensors: Tensors, arrays: dict[str, Array], norms: Mapping[str, float]) -> None:
    """A BatchNorm that learned no scale and shift has 1 and 0."""
    for layer in norms:
        arrays.setdefault(f"{layer}/gamma", np.ones_like(arrays[f"{layer}/moving_mean"]))
        arrays.setdefault(f"{layer}/beta", np.zeros_like(arrays[f"{layer}/moving_mean"]))


def _check_sizes(tensors: Tensors, arrays: Mapping[str, Array], shape: DenseNetShape) -> None:
    expected = {name: size for name, size in shape.arrays().items() if not name.startswith("logit/")}
    for name, size in expected.items():
        if name not in arrays:
            raise tensors.refuse(name, "(in hemotk's names) is missing")
        if arrays[name].shape != size:
            raise tensors.refuse(name, f"(in hemotk's names) is {list(arrays[name].shape)} where {list(size)} is due")
    for name in arrays:
        if name not in expected:
            raise tensors.refuse(name, "(in hemotk's names) is no part of a DenseNet")
