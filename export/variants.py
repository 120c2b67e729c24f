"""What export makes: the .tflite of each kind, and what each of them is quantized from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hemotk.artifacts import PreprocessSpec, RunCard
from hemotk.exporting.integer.float_head import head_operations
from hemotk.exporting.integer.quantize import Range, logit_range, quantize
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.selective.sensitivity import Selection


@dataclass(frozen=True)
class Models:
    """The .tflite of each kind, float32 first, and the recipes of the others.

    `logit_bias` is what was taken off the logit of each integer variant. `selection` says how the layers were found
    that int8 keeps in float32, None where they were not looked for.
    """

    contents: Mapping[str, bytes]
    recipes: tuple[Recipe, ...]
    selection: Selection | None = None
    logit_bias: Mapping[str, float] = field(default_factory=dict)


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


def integer_candidate(content: bytes, recipe: Recipe, card: RunCard, ranges: Mapping[str, Range]) -> Candidate:
    """For int8 or int16x8: room around the logit that decides, and the head in float32 where the recipe says so."""
    decision = card.temperature * math.log(card.threshold / (1 - card.threshold))
    known = {**ranges, "logit": logit_range(ranges["logit"], decision, recipe.logit_margin)}
    candidate = Candidate(content, recipe, card.preprocess, known)
    return candidate.keeping(head_operations(content)) if recipe.float_head else candidate
