"""The layers of a network that int8 may keep in float32, and the operations that each of them is made of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.integer.float_head import head_operations
from hemotk.exporting.tflite.flatbuffer import operators

# Operators with weights. Each begins a layer.
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True)
class Layers:
    """The operations of each layer by its name, in order; `between` are those of two layers that are both kept."""

    operations: Mapping[str, tuple[str, ...]]
    between: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All layers, in order."""
        return tuple(self.operations)

    def of(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The operations to keep in float32 for these layers."""
        found = [operation for layer in layers for operation in self.operations[layer]]
        return (*found, *(operation for pair, operation in self.between.items() if {*pair} <= {*layers}))


def graph_layers(graph: Graph) -> Layers:
    """The stem, each dense layer and transition, and the head.

    Bytes go in and come out: what comes before the first convolution only moves pixels, and the outputs must be
    quantized. A concatenation is in float32 where both the layer before it and the reader behind it are, so that
    neighbours hand over float32; elsewhere it only copies what is on the grid of its block.
    """
    stem = ("stem_conv", "stem_norm", "stem_pool_pad", "stem_pool_uncut", "stem_pool", "stem_copy")
    found: dict[str, tuple[str, ...]] = {"stem": stem}
    for block, layers in enumerate(graph.blocks):
        for layer in layers:
            found[layer.name] = tuple(f"{layer.name}_{part}" for part in ("act", "reduce", "expand"))
        for transition in graph.transitions[block : block + 1]:
            found[transition.name] = tuple(f"{transition.name}_{part}" for part in ("act", "pool", "conv"))
    hidden = (f"hidden{index}" for index in range(1, len(graph.head.hidden) + 1))
    found["head"] = ("head_act",) if graph.head.cam else ("head_act", "head_mean", *hidden)
    dense = {layer.name for block in graph.blocks for layer in block}
    return Layers(found, {(name, reader): f"{name}_concat" for name, reader in pairwise(found) if name in dense})


def file_layers(content: bytes) -> Layers:
    """The layers of any float32 .tflite: each operator with weights, and what follows up to the next.

    What comes before the first only copies pixels, and the head stays in float32 anyway, so neither is among them.
    A layer's name is that of its weights, as far as the converter kept it; of equal names the later get numbers.
    """
    head = set(head_operations(content))
    found: dict[str, list[str]] = {}
    seen: Counter[str] = Counter()
    name = None
    for operator in operators(content):
        made = [output for output in operator.outputs if output not in head]
        if operator.name in _WEIGHTED and made:
            name = _layer_name(made[0])
            seen[name] += 1
            name = name if seen[name] == 1 else f"{name} {seen[name]}"
            found[name] = []
        if name is not None:
            found[name] += made
    return Layers({layer: tuple(made) for layer, made in found.items()})


def _layer_name(output: str) -> str:
    """Of what a converter joins by ;, the part that names the convolution, without the network and the operation."""
    parts = output.split(";")
    weighted = [part for part in parts if "conv2d" in part.lower() or "depthwise" in part.rpartition("/")[2]]
    named = (weighted or parts)[0].split("/")
    return "/".join(named[1:-1] or named)
