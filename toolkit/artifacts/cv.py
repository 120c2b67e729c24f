"""`cv.json`: what networks of one kind did on images that they had not seen, fold by fold and pooled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Estimate, Metrics, SliceLevel

CV_FILE = "cv.json"
CV_PLOT = "cv.png"
CV_TABLE = "cv.md"


@dataclass(frozen=True)
class CvFold:
    """One fold: its run (a folder beside `cv.json`), the SHA-256 of that run's card, and what it did on its test part.

    A probability of `threshold` or more, after the logit was divided by `temperature`, is class 1.
    """

    run: str
    sha256: str
    threshold: float
    temperature: float
    metrics: Metrics

    def __post_init__(self) -> None:
        require(bool(self.run), "run", "non-empty")


@dataclass(frozen=True)
class CvImage:
    """One image, scored once, by the network of the `fold` (1, 2, …) that it was the test of."""

    path: str
    label: int
    group: str
    fold: int
    logit: float


@dataclass(frozen=True)
class OutOfFold:
    """All test parts together, each image decided at its own fold's threshold and temperature.

    `groups` counts patients, series or single images. `auc` compares calibrated probabilities of all folds with each
    other, `fold_auc` is the mean of the folds' own, each weighted by its pairs of images. `loss` is in nats.
    """

    count: int
    positives: int
    groups: int
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate
    fold_auc: float | None
    loss: float
    brier: float

    def __post_init__(self) -> None:
        require(0 <= self.positives <= self.count, "positives", "between 0 and count")
        require(0 < self.groups <= self.count, "groups", "between 1 and count")


@dataclass(frozen=True)
class CvReport(Artifact):
    """A finished cross-validation; `labels` are the words for class 0 and 1, `settings` those of every training.

    `slice_level` is what must stand beside the AUC of `pooled` and of the folds' runs, by their names; None in files
    from before it was measured.
    """

    SCHEMA: ClassVar[str] = "hemotk.cv/1"
    LATER: ClassVar[tuple[str, ...]] = ("slice_level",)

    name: str
    created: str
    arch: str
    labels: tuple[str, str]
    grouping: str
    settings: Mapping[str, Any]
    folds: tuple[CvFold, ...]
    pooled: OutOfFold
    images: tuple[CvImage, ...]
    seconds: float
    slice_level: Mapping[str, SliceLevel] | None = None

    def __post_init__(self) -> None:
        require(len(self.folds) >= 2, "folds", "two or more")
        require(len({image.path for image in self.images}) == len(self.images), "images", "without double paths")
        require(len(self.images) == self.pooled.count, "images", "as many as were pooled")
        for image in self.images:
            require(1 <= image.fold <= len(self.folds), "images", "of folds that are there")
