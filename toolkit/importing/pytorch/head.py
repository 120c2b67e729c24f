"""What stands behind the DenseNet's features in a file of PyTorch, as ReLU layers and one logit, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hemotk.errors import HemotkError
from hemotk.importing.head import Dense
from hemotk.importing.pytorch.backbone import EPSILON, Tensors
from hemotk.importing.pytorch.contents import Module
from hemotk.importing.pytorch.pickles import TensorView

Array = NDArray[np.float64]
Head: TypeAlias = Literal["sigmoid", "softmax"]

_NOTHING = frozenset({"Dropout", "Dropout2d", "AlphaDropout", "Identity", "Flatten", "AdaptiveAvgPool2d"})
_ENDS: Mapping[str, Head] = {"Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "softmax"}
_THRESHOLDS = "op_threshs"
ONLY_EXPECT = " Only --expect checks it."
UNKNOWN_FORWARD = (
    "The file holds weights and no program: that the features go through a ReLU, a mean over all places and the "
    "classifier, as torchvision's DenseNet does it, is taken for granted." + ONLY_EXPECT
)
UNKNOWN_LAYERS = "The file holds weights and no program, so this is taken for granted:"


@dataclass(frozen=True, eq=False)
class ReadHead:
    """`hidden` maps that a ReLU follows, and the `last`, to as many numbers as the network has outputs.

    `ends` is the activation that the module says, None where it does not say one.
    """

    hidden: tuple[Dense, ...]
    last: Dense
    ends: Head | None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """The number of outputs."""
        return int(self.last.bias.size)


def read_head(tensors: Tensors, features: int, rest: dict[str, TensorView]) -> ReadHead:
    """The head behind `features` channels, in the tensors `rest` that no feature layer took.

    Raises:
        HemotkError: no layer or several that the file does not say how to join, or what is no layer of a head.
    """
    notes = []
    for name in [name for name in rest if name.rpartition(".")[2] == _THRESHOLDS]:
        del rest[name]
        notes.append(
            "TorchXRayVision's operating points (op_threshs) were left out: they bend the probabilities and keep their "
            "order. Compare with logits, or set op_threshs to None first."
        )
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in rest))
    if not layers:
        raise HemotkError(
            f"{tensors.file.where}: has the features of a network and no classifier; save the whole classifier."
        )
    if len(layers) == 1:
        dense = _linear(tensors, rest, layers[0], features)
        return ReadHead((), dense, _end_behind(tensors, layers[0]), tuple(notes))
    head = _sequence(tensors, rest, layers, features)
    return ReadHead(head.hidden, head.last, head.ends, (*notes, *head.notes))


def pick(head: ReadHead, where: object, said: Head | None, number: int | None, positive: int) -> tuple[Array, str]:
    """The map float64 [outputs, 1] to the logit of hemorrhage, and in words how the outputs were understood.

    Raises:
        HemotkError: the outputs are no single logit, or `said` and `number` do not fit them.
    """
    if said and head.ends and said != head.ends:
        raise HemotkError(f"‹head› {said}: {where} itself ends in a {head.ends}; leave ‹head› out.")
    kind, width, sign = said or head.ends, head.width, 1.0 if positive == 1 else -1.0
    if number is not None and not number < width:
        raise HemotkError(f"‹output› {number}: {where} has {width} outputs, numbered from 0; choose one of them.")
    if kind == "softmax" and (width != 2 or number is not None):
        count = "two outputs and no ‹output›" if width == 2 else f"two outputs, and here are {width}"
        raise HemotkError(f"‹head› softmax: its logit is linear for {count} only; train with sigmoids, or two classes.")
    if number is not None:
        return sign * np.eye(width)[:, [number]], f"output {number} of {width}, a sigmoid of its own"
    if width == 1:
        return np.array([[sign]]), "one logit, before a sigmoid"
    if width == 2 and kind != "sigmoid":
        return np.array([[-sign], [sign]]), "two logits, before a softmax"
    raise HemotkError(
        f"{where}: has {width} outputs; say with ‹output› 0 to {width - 1} which sigmoid is hemorrhage. A softmax over "
        "more than two has no linear logit; train with sigmoids, or two classes."
    )


def _linear(tensors: Tensors, rest: Mapping[str, object], layer: str, entering: int) -> Dense:
    name = f"{layer}.weight" if layer else "weight"
    unknown = [each for each in rest if each.rpartition(".")[0] == layer and not each.endswith((".weight", ".bias"))]
    if name not in rest or unknown:
        raise tensors.refuse(unknown[0] if unknown else layer, "is no linear layer of a classifier")
    weight = tensors.read(name)
    if weight.ndim == 4 and weight.shape[2:] == (1, 1):
        weight = weight[:, :, 0, 0]
    if weight.ndim != 2 or weight.shape[1] != entering:
        raise tensors.refuse(name, f"is {list(weight.shape)} where [outputs, {entering}] is expected")
    bias = f"{layer}.bias"
    offset = tensors.read(bias) if bias in rest else np.zeros(weight.shape[0])
    if offset.shape != weight.shape[:1]:
        raise tensors.refuse(bias, f"is {list(offset.shape)} where {list(weight.shape[:1])} is expected")
    return Dense(weight.T, offset)


def _end_behind(tensors: Tensors, layer: str) -> Head | None:
    """The activation in the same Sequential behind the only linear layer, if the file has its modules."""
    parent, _, own = layer.rpartition(".")
    modules = tensors.contents.modules
    if parent not in modules or modules[parent].kind != "Sequential":
        return None
    at = list(_children(modules, parent))
    behind = [modules[f"{parent}.{name}" if parent else name].kind for name in at[at.index(own) + 1 :]]
    others = [kind for kind in behind if kind not in _NOTHING]
    if any(kind not in _ENDS for kind in others) or len(others) > 1:
        raise tensors.refuse(parent, f"has {', '.join(others)[:60]} behind its last linear layer")
    return _ENDS[others[0]] if others else None


def _sequence(tensors: Tensors, rest: Mapping[str, object], layers: list[str], features: int) -> ReadHead:
    """Several layers: in the order and with the activations of the one Sequential that they are in."""
    modules = tensors.contents.modules
    parents = {layer.rpartition(".")[0] for layer in layers}
    parent = parents.pop()
    if parents or parent not in modules or modules[parent].kind != "Sequential":
        names = ", ".join(repr(layer)[:40] for layer in layers[:4])
        raise HemotkError(
            f"{tensors.file.where}: has {len(layers)} layers behind the features ({names}), and does not say which "
            "activations are between them; save the whole module with `torch.save(model, 'model.pt')`, its head in "
            "one torch.nn.Sequential."
        )
    hidden: list[Dense] = []
    pending: Dense | None = None
    width, ends = features, None
    for child in _children(modules, parent):
        name = f"{parent}.{child}" if parent else child
        module = modules[name]
        if module.kind in _NOTHING or name + "." == tensors.at:
            continue
        if ends is not None:
            raise tensors.refuse(name, f"({module.kind:.40}) follows the {ends}")
        if module.kind in _ENDS:
            ends = _ENDS[module.kind]
        elif module.kind == "ReLU":
            if pending is not None:
                hidden.append(pending)
            pending = None
        else:
            dense = _map(tensors, rest, name, module, width)
            pending = dense if pending is None else pending.then(dense.weight, dense.bias)
            width = int(dense.bias.size)
    if pending is None:
        raise tensors.refuse(parent, "ends in no linear layer")
    return ReadHead(tuple(hidden), pending, ends)


def _map(tensors: Tensors, rest: Mapping[str, object], name: str, module: Module, width: int) -> Dense:
    if module.kind == "Linear":
        return _linear(tensors, rest, name, width)
    if module.kind != "BatchNorm1d" or f"{name}.running_mean" not in rest:
        raise tensors.refuse(name, f"({module.kind:.40}) is no layer of a head that can be joined exactly")
    mean, variance = tensors.read(f"{name}.running_mean"), tensors.read(f"{name}.running_var")
    scale = 1 / np.sqrt(variance + float(module.settings.get("eps", EPSILON)))
    if f"{name}.weight" in rest:
        scale = scale * tensors.read(f"{name}.weight")
    shift = tensors.read(f"{name}.bias") if f"{name}.bias" in rest else 0.0
    if scale.shape != (width,):
        raise tensors.refuse(name, f"normalizes {scale.size} numbers where {width} arrive")
    return Dense(np.diag(scale), shift - mean * scale)


def _children(modules: Mapping[str, Module], parent: str) -> list[str]:
    """The names of the modules right below `parent`, in order."""
    start = f"{parent}." if parent else ""
    return [name[len(start) :] for name in modules if name and name.startswith(start) and "." not in name[len(start) :]]
