"""Figures as words: the one notation of estimates and their intervals, everywhere."""

from hemotk.artifacts import Estimate

NOTHING = "–"


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """`[0.254, 0.746]`, of differences `[-0.012, +0.031]`; nothing where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    sign = "+" if signed else ""
    return f"[{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


def with_interval(estimate: Estimate) -> str:
    """`0.500 [0.254, 0.746]`; where nothing was measured, why."""
    if estimate.value is None:
        return f"unknown ({estimate.why})" if estimate.why else NOTHING
    return f"{estimate.value:.3f} {interval(estimate)}".rstrip()


def duration(seconds: float | None) -> str:
    """`0.3 s`, `95 s`, `12 min` or `3.4 h`."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 0.95:
        return f"{seconds:.1g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
