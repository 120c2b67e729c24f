"""A variant held against its float parent, image by image, as bench reports keep it."""

from dataclasses import dataclass

from hemotk.artifacts.metrics import Estimate


@dataclass(frozen=True)
class Flip:
    """One image on which a variant decides otherwise than its parent; both probabilities are calibrated."""

    id: str
    label: int | None
    parent: float
    variant: float


@dataclass(frozen=True)
class Drops:
    """The drops of a variant's shares below its parent's, fractions: parent − variant, negative for a gain.

    The images are paired. Intervals draw whole groups again where these are known: `groups` of them, of which
    `with_positive` hold an image with label 1 and `with_negative` one with label 0. Else `groups` is None, images are
    taken as independent, and the other two count images.
    """

    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    groups: int | None
    with_positive: int
    with_negative: int


@dataclass(frozen=True)
class Paired:
    """A variant against another row (its parent), image by image, each at its own bundle's operating threshold.

    `agreement` is the share of images with the same decision; `lost` and `gained` count images that only the parent
    and only the variant gets right, `mcnemar` is the exact two-sided p-value of that pair; drift is |Δ probability|;
    `auc_difference` is variant − parent. Without labels `lost`, `gained`, `mcnemar` and `drops` are None.
    `grouped_auc_difference` and `grouped_agreement` have intervals over groups of images, `grouped_mcnemar` is the
    p-value over them; None where each image is a group of its own, or groups are not known. `logit_bias` and `logit_sd`
    are mean and standard deviation of the logit's error, `logit_shift` is the mean's size as a share of the standard
    deviation of the other row's logits. `drops`, `grouped_mcnemar` and these three are None in files from before there
    were these.
    """

    agreement: Estimate
    flips: tuple[Flip, ...]
    lost: int | None
    gained: int | None
    mcnemar: float | None
    max_drift: float
    mean_drift: float
    auc_difference: Estimate
    grouped_auc_difference: Estimate | None = None
    grouped_agreement: Estimate | None = None
    grouped_mcnemar: float | None = None
    drops: Drops | None = None
    logit_bias: float | None = None
    logit_sd: float | None = None
    logit_shift: Estimate | None = None
