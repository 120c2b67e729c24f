"""Points of a sweep that nothing measured."""

from dataclasses import replace
from typing import Any

from hemotk.artifacts import Estimate, Measured, SweepPoint, SweepReport

FLOAT = Measured(
    72_500_000, 80e6, Estimate(1.0, 0.99, 1.01), Estimate(0.92, 0.76, 0.98), Estimate(0.99, 0.83, 1.0), 0.15
)


def point(name: str, kind: str = "pruned", flips: int = 0, **int8: Any) -> SweepPoint:
    """A point whose int8 is the parent's, but for what is given."""
    ratio = Estimate(0.2, 0.19, 0.21)
    budget = 0.5 if kind == "pruned" else None
    measured = replace(FLOAT, **{"bytes": 3_000_000, "latency_ns": 16e6, "ratio": ratio, **int8})
    return SweepPoint(name, kind, "densenet201", "0" * 64, budget, 10**8, 10**6, FLOAT, measured, flips, 0.01)  # type: ignore[arg-type]


def report(*points: SweepPoint, chosen: str | None = None) -> SweepReport:
    """A sweep of an unpruned run and `points`."""
    every = (point("densenet201", "unpruned", bytes=18_400_000, latency_ns=33e6), *points)
    return SweepReport("2026-01-01T00:00:00+00:00", "0" * 64, 26, 13, every, {}, chosen, "Because.", {}, {}, 1.0)
