"""Figures within a part of the images, as a table of labels tells them apart."""

from dataclasses import dataclass

from hemotk.artifacts.codec import require
from hemotk.artifacts.metrics import Estimate


@dataclass(frozen=True)
class Stratum:
    """The figures of a row on the images whose cell in `column` is `value`.

    Where `subtype` is true these are the images with label 1 of that subtype together with all images with label 0:
    sensitivity is that within the subtype. Intervals draw whole groups again where these are known, `with_positive` of
    them with an image of label 1; else `groups` and that are None, and images are taken as independent.
    """

    column: str
    value: str
    subtype: bool
    images: int
    positives: int
    groups: int | None
    with_positive: int | None
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate

    def __post_init__(self) -> None:
        require(0 <= self.positives <= self.images, "positives", "between 0 and 'images'")
