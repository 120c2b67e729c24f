"""The one network in what a file of PyTorch says: a state dict wherever it lies, or the tensors of a whole module."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hemotk.errors import HemotkError
from hemotk.importing.pytorch.files import TorchFile
from hemotk.importing.pytorch.pickles import Name, TensorView, Thing

_MOST_MODULES = 20_000
_DEEPEST = 40
# A tensor by which each network that can be read is told, a DenseNet first.
DENSENET_MARK = "conv0.weight"
LAYERED_MARKS = (
    "layer1.0.conv1.weight",
    "features.1.conv.0.0.weight",
    "features.1.block.0.0.weight",
    "blocks.0.0.conv_dw.weight",
)
_OPTIMIZER = ("exp_avg", "exp_avg_sq", "momentum_buffer", "param_groups")
# Names by which other networks are told.
_OTHERS = {
    "features.0.0.weight": "an EfficientNet, ConvNeXt or another network of torchvision",
    "conv_stem.weight": "an EfficientNet or another network of timm",
    "features.0.weight": "a VGG, AlexNet or SqueezeNet",
    "patch_embed.proj.weight": "a vision transformer",
    "stem.0.weight": "a ConvNeXt",
    "Conv2d_1a_3x3.conv.weight": "an Inception",
}
SUPPORTED = (
    "what can be imported is a DenseNet of torchvision, timm, MONAI or TorchXRayVision, or a ResNet, MobileNetV2 or "
    "MobileNetV3 of torchvision or timm, of any widths"
)


@dataclass(frozen=True)
class Module:
    """A module of a whole network: the class's name and module, and the numbers among its attributes."""

    kind: str
    origin: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Contents:
    """Tensors under their dotted names, in the file's order; `modules` likewise, empty where it is a state dict.

    `place` says in words where in the file they were.
    """

    where: Path
    tensors: Mapping[str, TensorView]
    modules: Mapping[str, Module]
    place: str

    @cached_property
    def mark(self) -> str:
        """The end of the name of the tensor that tells the network's kind; '' if it is none that can be read."""
        for mark in (DENSENET_MARK, *LAYERED_MARKS):
            if any(ends_in(name, mark) for name in self.tensors):
                return mark
        return ""


@dataclass(eq=False)
class _Search:
    """State dicts and modules in a value, each under the keys that lead to it."""

    where: Path
    states: list[Contents] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def look(self, value: Any, keys: tuple[str, ...] = ()) -> None:
        pending = [(value, keys)]
        seen: set[int] = set()
        while pending:
            one, keys = pending.pop(0)
            if id(one) in seen or len(keys) > 4 or len(seen) > _MOST_MODULES:
                continue
            seen.add(id(one))
            if isinstance(one, Thing) and _is_module(one):
                self.states.append(_module(self.where, one, ".".join(keys)))
            elif isinstance(one, dict):
                self.keys |= {key for key in one if isinstance(key, str)}
                tensors = {
                    key: item for key, item in one.items() if isinstance(key, str) and isinstance(item, TensorView)
                }
                if tensors:
                    self.states.append(Contents(self.where, tensors, {}, ".".join(keys)))
                pending += [(item, (*keys, str(key))) for key, item in one.items() if not isinstance(item, TensorView)]


def find_network(file: TorchFile) -> Contents:
    """The tensors of the only network in the file that can be read.

    Raises:
        HemotkError: there is none, or several.
    """
    search = _Search(file.where)
    search.look(file.value)
    found = [state for state in search.states if state.mark]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(repr(state.place)[:60] for state in found)
        raise HemotkError(f"{file.where}: holds several networks ({places}); save the one that you mean by itself.")
    names = [name for state in search.states for name in state.tensors]
    if search.keys & set(_OPTIMIZER) and not any(name.endswith(".weight") for name in names):
        raise HemotkError(
            f"{file.where}: holds the state of an optimizer, and no network; save the network too, with "
            "`torch.save(model.state_dict(), 'model.pt')`."
        )
    raise HemotkError(f"{file.where}: {_instead(names)}; {SUPPORTED}.")


def ends_in(name: str, end: str) -> bool:
    """Whether a dotted name is `end`, or that behind a prefix."""
    return name == end or name.endswith("." + end)


def _instead(names: Sequence[str]) -> str:
    """What there is in place of a network that can be read."""
    for end, other in _OTHERS.items():
        if any(ends_in(name, end) for name in names):
            return f"holds {other}"
    if not names:
        return "holds no tensors under names, so no network"
    return f"holds {len(names)} tensors, such as {names[0]!r:.60}, of no network that is known here"


def _is_module(thing: Thing) -> bool:
    return isinstance(thing.state, dict) and {"_parameters", "_buffers", "_modules"} <= set(thing.state)


def _module(where: Path, root: Thing, place: str) -> Contents:
    tensors: dict[str, TensorView] = {}
    modules: dict[str, Module] = {}
    for name, thing in _walked(where, root):
        state = thing.state
        assert isinstance(state, dict)
        made_by = thing.made_by if isinstance(thing.made_by, Name) else Name("", "")
        plain = {key: value for key, value in state.items() if isinstance(value, (bool, int, float, str, tuple))}
        modules[name] = Module(made_by.name, made_by.module, plain)
        for part in ("_parameters", "_buffers"):
            entries = state[part]
            for key, value in entries.items() if isinstance(entries, dict) else ():
                if isinstance(value, TensorView) and isinstance(key, str):
                    tensors[f"{name}.{key}" if name else key] = value
    return Contents(where, tensors, modules, place)


def _walked(where: Path, root: Thing) -> Iterator[tuple[str, Thing]]:
    """Every module below `root` under its dotted name, in the order in which they were added."""
    pending = [("", root, 0)]
    count = 0
    while pending:
        name, thing, depth = pending.pop()
        count += 1
        if count > _MOST_MODULES or depth > _DEEPEST:
            raise HemotkError(f"{where}: has modules within modules without end; save the network's state dict.")
        yield name, thing
        children = thing.state["_modules"] if isinstance(thing.state, dict) else {}
        for key, child in reversed(list(children.items()) if isinstance(children, dict) else []):
            if isinstance(child, Thing) and _is_module(child) and isinstance(key, str):
                pending.append((f"{name}.{key}" if name else key, child, depth + 1))
