"""`hemotk plan --json`: what a set of images can prove, and how long a training takes."""

from dataclasses import dataclass
from typing import ClassVar

from hemotk.artifacts.codec import Artifact, require


@dataclass(frozen=True)
class ExpectedWidth:
    """One measure on the test part: the mean half width of its 95 % interval, and how much it takes for the target.

    `images` and `groups` are those that the measure is taken on; `half_width` is None without any. `needed` groups in
    the test part would make the half width the target, None where that cannot be said.
    """

    measure: str
    images: int
    groups: int
    half_width: float | None
    needed: int | None


@dataclass(frozen=True)
class Pace:
    """Seconds of one training step of `batch` pictures on this machine; an epoch is of `images`."""

    arch: str
    size: int
    batch: int
    epochs: int
    seconds: float
    images: int
    device: str

    @property
    def epoch(self) -> float:
        """Seconds of the training steps of an epoch."""
        return self.seconds * -(-self.images // self.batch)


@dataclass(frozen=True)
class PlanReport(Artifact):
    """What a test on the images of `folder` can show, for a classifier that is assumed, before anything is trained.

    `right` is the share of slices that the classifier is assumed to get right, `correlation` how much those of one
    group go together (intraclass correlation). `target` is the half width that was asked for. `groups` are those of the
    test part. `least_drop` is the smallest drop of accuracy that can be ruled out if no decision changes there, and
    `groups_for_drop` how many groups that takes for a drop of 0.01. `pace` is None where nothing was timed; `audit` has
    the findings of an audit, None for a split file.
    """

    SCHEMA: ClassVar[str] = "hemotk.plan/1"

    folder: str
    right: float
    correlation: float
    target: float
    images: int
    groups: int
    expected: tuple[ExpectedWidth, ...]
    least_drop: float | None
    groups_for_drop: int
    pace: Pace | None = None
    audit: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        require(0 < self.right < 1, "right", "between 0 and 1")
        require(0 <= self.correlation < 1, "correlation", "at least 0 and below 1")
        require(0 < self.target < 0.5, "target", "between 0 and 0.5")
