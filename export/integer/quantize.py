"""From a float32 .tflite and ranges to a quantized one, by litert-quantizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from litert_quantizer import quantizer

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.flatbuffer import INPUT, byte_interface, operators, read_model, write_model
from hemotk.quiet import quiet, without_remarks

Range = tuple[float, float]


def quantize(content: bytes, recipe: Recipe, spec: PreprocessSpec, ranges: Mapping[str, Range]) -> bytes:
    """Quantize a float32 .tflite of the pixel contract.

    `ranges` are least and greatest value of each tensor, by its name or by the name of the operation that makes it.
    The input keeps its pixel bytes. In int8 the input is uint8, and so are the outputs unless their operators stay in
    float32; in int16x8 both are int16; the other kinds take and give float32.

    Raises:
        HemotkError: a tensor has no finite range, or the quantizer does not know an operator.
    """
    statistics = _statistics(content, {**ranges, **pixel_ranges(spec)}) if recipe.calibrated else None
    with quiet(), without_remarks():
        try:
            result = quantizer.Quantizer(content, recipe.rules()).quantize(statistics, enable_progress_report=False)
        except (ValueError, RuntimeError, KeyError) as error:
            reason = str(error).partition("\n")[0]
            raise HemotkError(
                f"{recipe.kind}: litert-quantizer refused the model ({reason}); choose others."
            ) from error
    quantized = write_model(read_model(bytes(result.quantized_model or b"")))
    return byte_interface(quantized) if recipe.kind == "int8" else quantized


def pixel_ranges(spec: PreprocessSpec) -> dict[str, Range]:
    """All pixel bytes, for the tensors that hold pixels: their ranges are set, not measured."""
    pixels = (-spec.zero_point * spec.scale, (255 - spec.zero_point) * spec.scale)
    return dict.fromkeys((INPUT, "stem_lift", "stem_windows", "stem_pad"), pixels)


def logit_range(seen: Range, decision: float, margin: float) -> Range:
    """The range of the logit: what calibration saw and the logit of the decision, with room on both sides.

    `margin` is a share of the width of what was seen. Without room around the decision, logits on its other side
    would be rounded to it.
    """
    room = margin * (seen[1] - seen[0])
    return min(seen[0], decision) - room, max(seen[1], decision) + room


def _statistics(content: bytes, ranges: Mapping[str, Range]) -> dict[str, dict[str, Any]]:
    """Ranges by tensor name in the form of litert-quantizer's calibration results."""
    found = {}
    for name in (INPUT, *(name for operator in operators(content) for name in operator.outputs)):
        low, high = ranges.get(name) or ranges.get(name.partition("/")[0]) or (np.nan, np.nan)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise HemotkError(f"calibration: tensor '{name}' has no finite range; check images and weights.")
        found[name] = {"min": np.array(low), "max": np.array(high)}
    return found
