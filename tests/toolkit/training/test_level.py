"""What stands beside the AUC of each part of a run."""

import numpy as np

from hemotk.artifacts import PARTS, Part, SplitItem, SplitManifest
from hemotk.stats.metrics import auc
from hemotk.training.level import levels_of


def test_each_part_has_its_own_slice_level_over_its_groups() -> None:
    rng = np.random.default_rng(0)
    items = tuple(
        SplitItem(f"{part}{k}.png", f"{number}{k:063d}", k % 2, f"{part}{k // 4}", part)
        for number, part in enumerate(PARTS)
        for k in range(40)
    )
    split = SplitManifest("now", "d", ("normal", "hemorrhage"), 0, 0.2, 0.2, "patient", items)
    logits: dict[Part, np.ndarray] = {"train": rng.normal(size=40), "test": rng.normal(size=40)}
    tissue: dict[Part, np.ndarray] = {"train": rng.random(40), "test": rng.random(40)}
    levels = levels_of(split, logits, tissue)
    assert list(levels) == ["train", "test"]
    for part, shares in tissue.items():
        level = levels[part]
        labels, inside = np.arange(40) % 2, shares >= 0.2
        assert level.groups == 10 and level.brain_images == inside.sum()
        assert level.baseline.value == auc(labels, shares)
        assert level.brain.value == auc(labels[inside], logits[part][inside])
