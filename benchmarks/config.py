"""The options of a bench, in one object."""

from dataclasses import dataclass, field, replace

from hemotk.benchmarks.judge.limits import BenchLimits, Undecided
from hemotk.benchmarks.measure.config import MeasureConfig
from hemotk.errors import HemotkError


@dataclass(frozen=True)
class BenchConfig(MeasureConfig):
    """How to measure, and the limits for the variants.

    Without `timing` no limit on time is held. `undecided` says whether limits that cannot be decided pass or fail.
    """

    limits: BenchLimits = field(default_factory=BenchLimits)
    undecided: Undecided = "pass"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.timing and self.limits.latency_ms is not None:
            raise HemotkError(
                f"‹max_latency_ms› {self.limits.latency_ms:g}: needs times, and timing is off; leave one of both out."
            )

    @property
    def held(self) -> BenchLimits:
        """The limits less those on time where nothing is timed."""
        return self.limits if self.timing else replace(self.limits, latency_ratio=None, latency_ms=None)
