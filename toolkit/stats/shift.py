"""How far all scores moved to one side: the mean difference of two models' logits, in units of their spread."""

import numpy as np
from numpy.typing import ArrayLike

from hemotk.artifacts import Estimate

METHOD = "normal, of the mean of the differences, 95 %"
GROUPED = "normal, of the mean of the differences over groups, 95 %"
NO_SPREAD = "the float logits do not differ"
_QUANTILE = 1.959964


def logit_shift(logits: ArrayLike, parent: ArrayLike, groups: ArrayLike | None = None) -> Estimate:
    """|mean of `logits` − `parent`| over the standard deviation of `parent`, all float [n], at least 0.

    The interval is that of the mean; with `groups` [n] the images of one group count as one (the sandwich estimate).
    No value, and says why, where the parent's logits are all the same.
    """
    found, exact = np.asarray(logits, np.float64), np.asarray(parent, np.float64)
    spread = float(exact.std()) if len(exact) else 0.0
    if spread == 0:
        return Estimate(None, why=NO_SPREAD)
    errors = found - exact
    mean = float(errors.mean())
    place = np.arange(len(errors)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    sums = np.bincount(place.reshape(-1), errors - mean)
    count = len(sums)
    if count < 2:
        return Estimate(abs(mean) / spread)
    half = _QUANTILE * np.sqrt(np.square(sums).sum() * count / (count - 1)) / len(errors)
    method = METHOD if count == len(errors) else GROUPED
    return Estimate(
        abs(mean) / spread, max(0.0, abs(mean) - float(half)) / spread, (abs(mean) + float(half)) / spread, method
    )
