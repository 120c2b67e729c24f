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
    """Figures of a classifier on one part of a split, at one operating threshold.

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


@dataclass(frozen=True)
class GroupMetrics:
    """Accuracy, sensitivity, specificity and AUC, fractions with 95 % intervals over `groups` groups of images.

    `with_positive` of the groups hold an image with label 1, `with_negative` one with label 0: sensitivity and
    specificity rest on these alone. Both are None in files from before they were counted.
    """

    groups: int
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate
    with_positive: int | None = None
    with_negative: int | None = None

    def __post_init__(self) -> None:
        for name, count in (("with_positive", self.with_positive), ("with_negative", self.with_negative)):
            require(count is None or 0 <= count <= self.groups, name, "between 0 and groups")


@dataclass(frozen=True)
class SliceLevel:
    """The AUC that the slice level alone reaches, and the AUC of a classifier within brain slices.

    `baseline` is the AUC of the share of soft tissue. `brain` is the AUC of the classifier over the `brain_images`
    slices of which at least a fifth is soft tissue; `brain_positives` of them have label 1. Intervals draw whole
    `groups` again where these are known, else `groups` is None and images are taken as independent.
    `exceeds_chance` says whether no AUC may stand without the baseline: taken over single images, its interval lies on
    one side of 0.5. Over few patients that would hardly ever show.
    """

    baseline: Estimate
    brain: Estimate
    brain_images: int
    brain_positives: int
    groups: int | None
    exceeds_chance: bool

    def __post_init__(self) -> None:
        require(0 <= self.brain_positives <= self.brain_images, "brain_positives", "between 0 and 'brain_images'")


@dataclass(frozen=True)
class CalibrationBin:
    """One bin of a reliability diagram: its images, their mean probability, and the share of them with label 1."""

    count: int
    probability: float
    share: float


@dataclass(frozen=True)
class Calibration:
    """The calibration of probabilities: how well they match frequencies, each figure with its interval.

    `brier` is the mean squared error of the probability. `error` is the expected calibration error over `bins` of
    equally many images (as far as they divide): the mean of |mean probability − share of label 1|, weighted by count.
    `by_chance` is what that error stays below in 95 % of test splits of these probabilities if every one of them were
    true: an `error` below it is no evidence of a fault.
    """

    brier: Estimate
    error: Estimate
    by_chance: float
    bins: tuple[CalibrationBin, ...]
