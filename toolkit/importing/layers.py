"""A Keras model's configuration as one flat list of layers: nested models opened, names resolved, no code run."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hemotk.errors import HemotkError
from hemotk.importing.elsewhere import refuse_wrapper, subclassed
from hemotk.importing.unapplied import UNAPPLIED

MODELS = frozenset({"Sequential", "Functional", "Model"})
_OWN = ("keras", "tf_keras", "tensorflow", "builtins")  # the packages whose layers are known by their names
_CHAINS = frozenset({"Sequential", "Pipeline"})  # a Pipeline is a layer that calls others in turn
SUPPORTED = (
    "what can be imported is a keras.applications DenseNet with Resizing, Rescaling, Normalization or a linear 1×1 "
    "convolution before it, and GlobalAveragePooling2D, Dropout, BatchNormalization and Dense layers with ReLU up to "
    "sigmoids, a softmax over two, or their logits behind it"
)


@dataclass(frozen=True)
class LayerPlace:
    """The place of a layer in its model: its name, its number, and its class with the count of its like before it."""

    name: str
    position: int
    counted: str


@dataclass(frozen=True)
class KerasLayer:
    """One layer: places from the outermost model inwards, Keras class, configuration, and what it reads.

    `inputs` are indices of layers; `constants` the other arguments of the call, by position or keyword.
    """

    path: tuple[LayerPlace, ...]
    kind: str
    config: Mapping[str, Any]
    inputs: tuple[int, ...]
    constants: Mapping[int | str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The layer's own name."""
        return self.path[-1].name


@dataclass(frozen=True)
class LayerGraph:
    """All layers of one model; `layers[0]` is its input, of `shape` (batch, height, width, channels; None is any)."""

    where: Path
    shape: tuple[int | None, ...]
    layers: tuple[KerasLayer, ...]
    output: int

    def consumers(self, index: int) -> list[int]:
        """The layers that read layer `index`."""
        return [number for number, layer in enumerate(self.layers) if index in layer.inputs]

    def refuse(self, layer: KerasLayer, what: str) -> HemotkError:
        """The error that names `layer` and says `what` is wrong with it."""
        return refusal(self.where, layer.name, layer.kind, what)


def refusal(where: Path, name: str, kind: str, what: str) -> HemotkError:
    """The error that names a layer, says `what` is wrong with it, and what is supported."""
    return HemotkError(f"{where}: layer '{name}' ({kind}) {what}; {SUPPORTED}.")


def open_layers(model: Mapping[str, Any], where: Path) -> LayerGraph:
    """Flatten `model` ('class_name' and 'config' as Keras writes them); layers that only train are left out.

    Raises:
        HemotkError: several inputs or outputs, shared layers, a layer that was told to train, or a custom class.
    """
    opener = _Opener(where)
    name = str(_name(model))
    check_kind(model, where)
    opener.layers.append(KerasLayer((LayerPlace(name, 0, ""),), "InputLayer", {}, ()))
    shape = tuple(_input_shape(model) or ())
    if len(shape) != 4:
        raise refusal(
            where, name, model["class_name"], "does not say that it takes pictures with height, width, channels"
        )
    output = opener.open(model, (), 0)
    return LayerGraph(where, shape, tuple(opener.layers), output)


def check_kind(model: Mapping[str, Any], where: Path) -> None:
    """Refuse a model whose class says in code what its layers do."""
    if model["class_name"] not in MODELS:
        raise subclassed(where, model["class_name"])


class _Opener:
    """Collects the layers of a model and of the models in it."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self.layers: list[KerasLayer] = []

    def open(self, model: Mapping[str, Any], path: tuple[LayerPlace, ...], source: int) -> int:
        """Add the layers of `model`, fed by layer `source`; returns the index of its output."""
        entries = _entries(model)
        chain = model["class_name"] in _CHAINS
        places = _places(entries, sequential=chain)
        if chain:
            for entry, place in zip(entries, places, strict=True):
                if entry["class_name"] != "InputLayer":
                    source = self._add(entry, (*path, place), (source,), {})
            return source
        return self._open_net(model, list(zip(entries, places, strict=True)), path, source)

    def _open_net(
        self,
        model: Mapping[str, Any],
        pending: list[tuple[Mapping[str, Any], LayerPlace]],
        path: tuple[LayerPlace, ...],
        source: int,
    ) -> int:
        inputs, outputs = (_references(model["config"][key]) for key in ("input_layers", "output_layers"))
        if len(inputs) != 1 or len(outputs) != 1:
            what = f"has {len(inputs)} inputs and {len(outputs)} outputs where one of each is expected"
            raise refusal(self._where, _name(model), model["class_name"], what)
        made = {inputs[0]: source}
        pending = [(entry, place) for entry, place in pending if entry["class_name"] != "InputLayer"]
        while pending:
            later = []
            for entry, place in pending:
                names, constants = self._call(entry)
                if all(name in made for name in names):
                    made[place.name] = self._add(entry, (*path, place), tuple(made[name] for name in names), constants)
                else:
                    later.append((entry, place))
            if len(later) == len(pending):
                raise refusal(self._where, later[0][1].name, later[0][0]["class_name"], "reads what no layer makes")
            pending = later
        return made[outputs[0]]

    def _call(self, entry: Mapping[str, Any]) -> tuple[list[str], dict[int | str, Any]]:
        """Names of the layers that `entry` reads, and the other arguments of its call."""
        nodes = entry["inbound_nodes"]
        if len(nodes) != 1:
            raise refusal(self._where, _name(entry), entry["class_name"], f"is used {len(nodes)} times")
        if isinstance(nodes[0], dict):
            # Keras 3 writes `training` down where nobody gave it, and `predict` sets it for every layer anew.
            return _keras3_call(nodes[0])
        names, constants = _keras2_call(nodes[0])
        if constants.get("training"):
            what = "was told to train even when it is used (training=True, which Keras 2 keeps in predict)"
            raise refusal(self._where, _name(entry), entry["class_name"], what)
        return names, constants

    def _add(
        self,
        entry: Mapping[str, Any],
        path: tuple[LayerPlace, ...],
        inputs: tuple[int, ...],
        constants: Mapping[int | str, Any],
    ) -> int:
        kind = entry["class_name"]
        refuse_wrapper(self._where, path[-1].name, kind)
        module = (entry.get("module") or _OWN[0]).partition(".")[0]
        if module not in _OWN or ">" in kind or ">" in (entry.get("registered_name") or ""):
            raise refusal(self._where, path[-1].name, kind, "is of a custom class")
        if len(inputs) == 1 and kind in MODELS | _CHAINS:
            return self.open(entry, path, inputs[0])
        linear = kind == "Activation" and entry["config"]["activation"] == "linear"
        if len(inputs) == 1 and (kind in UNAPPLIED or linear):
            return inputs[0]
        self.layers.append(KerasLayer(path, kind, entry["config"], inputs, constants))
        return len(self.layers) - 1


def _name(entry: Mapping[str, Any]) -> str:
    config = entry["config"]
    return str(entry.get("name") or (config.get("name", "") if isinstance(config, dict) else ""))


def _entries(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    config = model["config"]
    return config if isinstance(config, list) else config["layers"]  # a list: Sequential before Keras 2.2.3


def _places(entries: list[Mapping[str, Any]], *, sequential: bool) -> list[LayerPlace]:
    """The place of each layer; a Sequential does not count its input."""
    counts: Counter[str] = Counter()
    places = []
    position = 0
    for entry in entries:
        kind = _snake_case(entry["class_name"])
        places.append(LayerPlace(_name(entry), position, f"{kind}_{counts[kind]}" if counts[kind] else kind))
        counts[kind] += 1
        position += not (sequential and entry["class_name"] == "InputLayer")
    return places


def _snake_case(name: str) -> str:
    """A class name as Keras writes it into `.keras` files."""
    split = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", split).lower()


def _references(value: Any) -> list[str]:
    """Layer names in ['name', 0, 0] or a list or mapping of such."""
    if isinstance(value, dict):
        value = list(value.values())
    if value and isinstance(value[0], str):
        value = [value]
    return [name for name, _, _ in value]


def _keras2_call(node: list[Any]) -> tuple[list[str], dict[int | str, Any]]:
    """A node of [['layer', node, tensor, {keywords}], …]; one alone where an operation was called with one tensor."""
    calls = [node] if isinstance(node[0], str) else node
    constants: dict[int | str, Any] = {}
    for call in calls:
        constants.update(call[3] if len(call) > 3 else {})
    return [call[0] for call in calls], constants


def _keras3_call(node: Mapping[str, Any]) -> tuple[list[str], dict[int | str, Any]]:
    """A node of {'args': […], 'kwargs': {…}} in which tensors are marked as such."""
    names: list[str] = []
    constants: dict[int | str, Any] = {}
    for key, value in [*enumerate(node["args"]), *node["kwargs"].items()]:
        tensors = value if isinstance(value, list) else [value]
        if all(isinstance(item, dict) and item.get("class_name") == "__keras_tensor__" for item in tensors):
            names += [item["config"]["keras_history"][0] for item in tensors]
        else:
            constants[key] = value
    return names, constants


def _input_shape(model: Mapping[str, Any]) -> list[int | None] | None:
    """The shape of the first input that `model` says, batch included."""
    for entry in _entries(model):
        if entry["class_name"] in MODELS:
            return _input_shape(entry)
        for key in ("batch_shape", "batch_input_shape"):
            if entry["config"].get(key):
                return list(entry["config"][key])
        if model["class_name"] == "Sequential":
            break
    config = model["config"]
    return config.get("build_input_shape") if isinstance(config, dict) else None
