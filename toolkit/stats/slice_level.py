"""The baseline beside an AUC: what the slice level alone reaches, and the AUC within brain slices."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike

from hemotk.artifacts import SliceLevel
from hemotk.render.numbers import with_interval
from hemotk.stats.grouped import auc_by_group
from hemotk.stats.metrics import auc_estimate


def slice_level(
    labels: ArrayLike, scores: ArrayLike, tissue: ArrayLike, groups: ArrayLike | None, brain: float
) -> SliceLevel:
    """Hold `scores` (float [n]) against the share of soft tissue `tissue` (0 to 1, [n]); `labels` are 0 or 1, [n].

    Slices with a share of at least `brain` count as brain slices. `groups` [n] says of each image what group it is of;
    intervals then draw whole groups again. None takes images as independent.
    """
    truth, values, share = np.asarray(labels, bool), np.asarray(scores, np.float64), np.asarray(tissue, np.float64)
    names = None if groups is None else np.asarray(groups)
    inside = share >= brain
    alone = auc_estimate(truth, share)
    return SliceLevel(
        baseline=auc_by_group(truth, share, names),
        brain=auc_by_group(truth[inside], values[inside], None if names is None else names[inside]),
        brain_images=int(inside.sum()),
        brain_positives=int(truth[inside].sum()),
        groups=None if names is None else len(np.unique(names)),
        exceeds_chance=alone.low is not None and alone.high is not None and not alone.low <= 0.5 <= alone.high,
    )


def beside(levels: Mapping[str, SliceLevel]) -> Iterator[str]:
    """A sentence for each part or fold of `levels` in which the slice level alone exceeds chance."""
    for name, level in levels.items():
        if level.exceeds_chance:
            counted = "images" if level.groups is None else f"{level.groups} groups"
            yield (
                f"{name}: the share of soft tissue alone has an AUC of {with_interval(level.baseline)}, since slices "
                f"with hemorrhage lie at certain levels; within the {level.brain_images} brain slices "
                f"({level.brain_positives} with label 1) the network's AUC is {with_interval(level.brain)}; intervals "
                f"over {counted}."
            )
