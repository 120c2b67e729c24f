"""Measured figures with their intervals, as runs, bundles and reports keep them."""

from dataclasses import dataclass

from hemotk.artifacts.codec import require


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % interval; all are fractions for shares and areas.

    `value` is None where it does not exist (sensitivity without positives, AUC of one class); `method` names how the
    interval was made, `why` says why a value is missing.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and self.low is not None and self.high is not None:
            slack = 1e-9
            require(self.low - slack <= self.value <= self.high + slack, "value", "inside its interval")


@dataclass(frozen=True)
class Metrics:
    """What a classifier did on one part of a split, at one operating threshold.

    `loss` is the mean binary cross-entropy in nats, `brier` the mean squared error of the probability.
    """

    count: int
    positives: int
    threshold: float
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate
    loss: float
    brier: float

    def __post_init__(self) -> None:
        require(0 <= self.positives <= self.count, "positives", "between 0 and count")
