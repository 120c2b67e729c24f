"""How far a device's outputs for drawn pictures may be from the recorded ones."""

from collections.abc import Sequence

from hemotk.artifacts import TensorSpec

# Versions of the runtime differ by one step of an 8-bit logit and by two of a map: twice that is allowed, plus a half.
STEPS, MAP_STEPS = 2.5, 4.5
# Where an output is float32 it has no steps: this share of the largest value takes their place.
SHARE = 0.02


def drawn_tolerance(output: TensorSpec, values: Sequence[float], steps: float = STEPS) -> float:
    """By how much a device's values of this output may differ from `values`, ours; in the output's units, above 0."""
    if output.scale > 0:
        return steps * output.scale
    return SHARE * max(1.0, *(abs(value) for value in values))
