"""The slice level beside the AUC of each part of a run: its own AUC, and the network's within brain slices."""

from collections.abc import Mapping

import numpy as np

from hemotk.artifacts import Part, SliceLevel, SplitManifest
from hemotk.data.read.tissue import BRAIN
from hemotk.stats.slice_level import slice_level


def levels_of(
    split: SplitManifest, logits: Mapping[Part, np.ndarray], tissue: Mapping[Part, np.ndarray]
) -> dict[str, SliceLevel]:
    """The slice level of each scored part; `logits` and `tissue` are float64 [n] in the order of the split.

    `tissue` is the share of soft tissue in a picture, 0 to 1. Intervals are over the split's groups.
    """
    levels: dict[str, SliceLevel] = {}
    for part, scores in logits.items():
        items = split.part(part)
        groups = [item.group for item in items]
        levels[part] = slice_level([item.label for item in items], scores, tissue[part], groups, BRAIN)
    return levels
