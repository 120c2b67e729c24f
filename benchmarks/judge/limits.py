"""The limits of a bench, and the outcome of a limit that the images or the machine cannot decide."""

from dataclasses import dataclass, fields
from typing import Literal

from hemotk.errors import HemotkError

Undecided = Literal["pass", "fail"]
# Correct int8 files of trained networks stayed at 0.044 and below on 26 to 300 slices; one with a wrong constant
# reached 0.167 on 40, with no other limit broken. This is twice the one and well below the other.
SCORE_DRIFT = 0.1
# Where float logits are spread normally and the threshold lies where most of them are, a shift of all of them by this
# share of their standard deviation moves 0.8 % of the decisions to one side: still within the 1 % of the drops.
LOGIT_SHIFT = 0.02
_POSITIVE = ("latency_ratio", "latency_ms", "size")


@dataclass(frozen=True)
class BenchLimits:
    """The limits for every row but a float parent; `min_auc` and `min_sensitivity` are for float parents, too.

    Fractions, None for no limit. Drops are float parent − variant; `latency_ratio` is the median over the parent's,
    `latency_ms` the median in milliseconds; `flips` counts images; `score_drift` is the largest |Δ probability| of any
    image; `logit_shift` is |mean Δ logit| over the standard deviation of the parent's logits; `size` is in megabytes,
    10⁶ bytes. `min_mcnemar_p` is the least p-value of McNemar's test where more decisions were lost than gained, over
    groups of images where these are known.
    """

    accuracy_drop: float | None = 0.01
    latency_ratio: float | None = 1.1
    flips: int | None = None
    sensitivity_drop: float | None = 0.01
    score_drift: float | None = SCORE_DRIFT
    min_auc: float | None = None
    size: float | None = None
    specificity_drop: float | None = 0.01
    min_mcnemar_p: float | None = 0.05
    min_sensitivity: float | None = None
    latency_ms: float | None = None
    logit_shift: float | None = LOGIT_SHIFT

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            fits, must = _range(field.name)
            if value is not None and not fits[0] <= value <= fits[1]:
                raise HemotkError(f"‹{setting_of(field.name)}›: must be {must}; change the value.")


def setting_of(field: str) -> str:
    """The name that callers use for this field of `BenchLimits`: 'max_flips', 'min_auc'."""
    return field if field.startswith("min_") else f"max_{field}"


def _range(field: str) -> tuple[tuple[float, float], str]:
    """The least and greatest value of a field, and the same in words."""
    if field in _POSITIVE:
        return (5e-324, 1.7976931348623157e308), "a finite number above 0"
    if field == "flips":
        return (0, float("inf")), "0 or more"
    return (0, 1), "a fraction, 0 to 1"
