"""The rule that gives a series of slices one verdict, as runs and bundles keep it."""

from dataclasses import dataclass

from hemotk.artifacts.codec import require


@dataclass(frozen=True)
class SeriesPoint:
    """The mean of a series' `k` highest probabilities is class 1 where it is `threshold` or more."""

    k: int
    threshold: float

    def __post_init__(self) -> None:
        require(self.k >= 1, "k", "1 or more")
        require(0 < self.threshold < 1, "threshold", "between 0 and 1")
