"""`sweep.json`: networks of several sizes, measured side by side on the validation part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Estimate

SWEEP_FILE = "sweep.json"
SWEEP_PLOT = "sweep.png"
SWEEP_TABLE = "sweep.md"


@dataclass(frozen=True)
class Measured:
    """One .tflite: its size, its time and what it does on the validation part.

    `latency_ns` is the median of one inference, `ratio` that median over the one of the unpruned run's float32;
    `loss` is the mean binary cross-entropy in nats.
    """

    bytes: int
    latency_ns: float
    ratio: Estimate
    accuracy: Estimate
    auc: Estimate
    loss: float

    def __post_init__(self) -> None:
        require(self.bytes > 0, "bytes", "above 0")
        require(self.latency_ns > 0, "latency_ns", "above 0")
        require(self.loss >= 0, "loss", "0 or more")


@dataclass(frozen=True)
class SweepPoint:
    """One network of a sweep, as float32 and as int8.

    `budget` is the share of the unpruned run's multiply-accumulates that was asked for, None where none was. `run` is
    the SHA-256 of its run card. `flips` counts validation images on which int8 decides otherwise than its own float32,
    `drift` is the greatest |Δ probability| between the two.
    """

    name: str
    kind: Literal["unpruned", "pruned", "reference"]
    arch: str
    run: str
    budget: float | None
    macs: int
    parameters: int
    float32: Measured
    int8: Measured
    flips: int
    drift: float

    def __post_init__(self) -> None:
        require(bool(self.name), "name", "non-empty")
        require(self.budget is None or 0 < self.budget < 1, "budget", "above 0 and below 1")
        require(self.macs > 0 and self.parameters > 0, "macs", "above 0, as 'parameters'")
        require(self.flips >= 0, "flips", "0 or more")


@dataclass(frozen=True)
class SweepReport(Artifact):
    """The results of a sweep on the `images` of the validation part, `positives` of them of the class `positive`.

    `points` has the unpruned run first; `left_out` gives the reason for each network that is no point. `chosen` names
    one of the points, None if none was good enough; `why` is the sentence for either. `settings` is what was asked for,
    `environment` the machine that all were timed on.
    """

    SCHEMA: ClassVar[str] = "hemotk.sweep/1"

    created: str
    split: str
    images: int
    positives: int
    points: tuple[SweepPoint, ...]
    left_out: Mapping[str, str]
    chosen: str | None
    why: str
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    seconds: float
    positive: str = "hemorrhage"

    def __post_init__(self) -> None:
        names = [point.name for point in self.points]
        require(0 <= self.positives <= self.images, "positives", "between 0 and images")
        require(len(set(names)) == len(names), "points", "a list with each name once")
        kinds = [point.kind for point in self.points]
        require(kinds[:1] == ["unpruned"] and kinds.count("unpruned") == 1, "points", "a list with one unpruned, first")
        require(self.chosen is None or self.chosen in names, "chosen", "the name of a point")

    @property
    def unpruned(self) -> SweepPoint:
        """The run that the sweep began with."""
        return self.points[0]
