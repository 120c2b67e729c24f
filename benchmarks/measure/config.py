"""The settings of measuring, in one object."""

from dataclasses import dataclass

from hemotk.errors import HemotkError
from hemotk.tflite.runtime import Delegate


@dataclass(frozen=True)
class MeasureConfig:
    """How to measure; limits are no part of it.

    Timing ends when every variant has at least `min_runs` timed inferences that together took `min_seconds`. A variant
    that does not answer within `patience` seconds is given up. `cpus` pins every worker to these processors; empty
    leaves that to the system. `delegate` is an external delegate, PATH[:key=value,…]. `profile` asks for the time of
    each operator, measured after all else. Without `timing` nothing is timed.
    """

    threads: int = 1
    runtime: str | None = None
    delegate: str | None = None
    profile: bool = False
    cpus: tuple[int, ...] = ()
    min_runs: int = 40
    min_seconds: float = 3.0
    patience: float = 120.0
    timing: bool = True

    def __post_init__(self) -> None:
        for holds, option, must in (
            (self.threads >= 1, "‹threads›", "at least 1"),
            (self.min_runs >= 1, "‹min_runs›", "at least 1"),
            (0 <= self.min_seconds < float("inf"), "‹min_seconds›", "0 or more"),
            (self.patience > 0, "patience", "above 0"),
            (all(cpu >= 0 for cpu in self.cpus), "‹cpu›", "a list of processor numbers from 0"),
        ):
            if not holds:
                raise HemotkError(f"{option}: must be {must}; change the value.")
        if self.delegate is not None:
            Delegate.parse(self.delegate)
