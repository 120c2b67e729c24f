"""The layers of a DenseNet that its int8 variant keeps in float32, found on the validation part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.integer.quantize import Range, quantize
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.selective.sensitivity import Logits, Reference, Selection, Tolerance, select
from hemotk.exporting.source import Source
from hemotk.exporting.verify import Decision
from hemotk.progress import Tell
from hemotk.tflite.runtime import find_runtime
from hemotk.tflite.scorer import Scorer


@dataclass(frozen=True)
class Candidate:
    """A float32 .tflite and all that it takes to quantize it."""

    content: bytes
    recipe: Recipe
    spec: PreprocessSpec
    ranges: Mapping[str, Range]

    def keeping(self, operations: Sequence[str]) -> "Candidate":
        """The same with more operations in float32."""
        return replace(self, recipe=replace(self.recipe, keep_float=(*self.recipe.keep_float, *operations)))

    def quantized(self) -> bytes:
        """The .tflite.

        Raises:
            HemotkError: as for `quantize`.
        """
        return quantize(self.content, self.recipe, self.spec, self.ranges)


def layer_operations(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The operations of the stem, of each dense layer and transition, and of the head, by the layer's name, in order.

    Bytes go in and come out: what comes before the first convolution only moves pixels, and the outputs must be
    quantized.
    """
    found: dict[str, tuple[str, ...]] = {"stem": ("stem_conv", "stem_norm", "stem_pool_pad", "stem_pool", "stem_copy")}
    for block, layers in enumerate(graph.blocks):
        for layer in layers:
            found[layer.name] = tuple(f"{layer.name}_{part}" for part in ("act", "reduce", "expand"))
        for transition in graph.transitions[block : block + 1]:
            found[transition.name] = tuple(f"{transition.name}_{part}" for part in ("act", "pool", "conv"))
    hidden = (f"hidden{index}" for index in range(1, len(graph.head.hidden) + 1))
    found["head"] = ("head_act",) if graph.head.cam else ("head_act", "head_mean", *hidden)
    return found


def operations_of(layers: Sequence[str], graph: Graph) -> tuple[str, ...]:
    """The operations to keep in float32 for these layers.

    A concatenation is among them where both the layer before it and the reader behind it are, so that neighbours hand
    over float32; elsewhere it only copies what is on the grid of its block.
    """
    by_layer = layer_operations(graph)
    found = [operation for layer in layers for operation in by_layer[layer]]
    dense = {layer.name for block in graph.blocks for layer in block}
    for name, reader in pairwise(by_layer):
        if name in dense and {name, reader} <= set(layers):
            found.append(f"{name}_concat")
    return tuple(found)


def select_layers(
    source: Source,
    graph: Graph,
    parent: bytes,
    int8: Candidate,
    *,
    tolerance: Tolerance,
    tell: Tell,
    finished: bytes | None = None,
) -> Selection:
    """Find the layers of `graph`, which `int8` is made of, to keep in float32; `parent` is the float32 variant.

    If `finished`, int8 with everything fitted, is within the tolerance, no layer needs to be kept. Only the validation
    part is looked at.

    Raises:
        CheckFailed: no choice of layers is within the tolerance.
        HemotkError: an image is missing or changed.
    """
    items = source.split.part("validation")
    pixels = source.pixels(items)
    card = source.card
    labels = np.array([item.label for item in items])
    decision = Decision(card.threshold, card.temperature)
    reference = Reference(labels, _logits(parent, pixels, int8.spec), decision)

    if finished is not None:
        plain = reference.cost(_logits(finished, pixels, int8.spec))
        if plain.within(tolerance):
            return Selection(tolerance, (), (), (plain,))

    def score(keep: tuple[str, ...]) -> Logits:
        return _logits(int8.keeping(operations_of(keep, graph)).quantized(), pixels, int8.spec)

    return select(tuple(layer_operations(graph)), score, reference, tolerance, tell)


def _logits(content: bytes, pixels: np.ndarray, spec: PreprocessSpec) -> Logits:
    scorer = Scorer(content, spec, runtime=find_runtime())
    return np.array([scorer.score(image).logit for image in pixels])
