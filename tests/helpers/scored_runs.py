"""Finished runs with scores of single images, written without a training."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from prunable_runs import SIZE, SMALL
from random_networks import random_arrays

from hemotk.artifacts import Metrics, Part, PreprocessSpec, SeriesPoint, SplitGroup, SplitItem, SplitManifest
from hemotk.files import sha256_bytes
from hemotk.stats.metrics import evaluate
from hemotk.training.history import Epoch
from hemotk.training.publish import Origin, Trained, publish_run

# What settings.toml is made from, besides the settings of a test.
ALL = {
    "weights": "none",
    "window": {"level": 40.0, "width": 80.0},
    "operating": {"rule": "fixed", "threshold": 0.5, "min_sensitivity": None, "calibrate": False},
    "appearance": None,
}
HISTORY = tuple(Epoch(i, 0.7 / i, 0.5, 0.8 / i, 0.5, 1e-3 / i, 2.0) for i in (1, 2, 3))


@dataclass(frozen=True)
class Judged:
    """The test part of a run: labels, logits, groups and shares of soft tissue of its images, named by `names`."""

    labels: Sequence[int]
    logits: Sequence[float]
    groups: Sequence[str] = ()
    tissue: Sequence[float] = ()
    names: Sequence[str] = ()
    folder: str = "images"
    threshold: float = 0.5
    temperature: float = 1.0
    series: SeriesPoint | None = None
    settings: dict[str, Any] = field(default_factory=lambda: {"epochs": 3, "seed": 0, "augment": {"zoom": 0.15}})

    def split(self) -> SplitManifest:
        """The split; its training and validation part are two images each."""
        names = self.names or [f"{place}.png" for place in range(len(self.labels))]
        groups = self.groups or names
        test = [
            SplitItem(name, sha256_bytes(name.encode()), label, group, "test")
            for name, label, group in zip(names, self.labels, groups, strict=True)
        ]
        parts: tuple[Part, ...] = ("train", "validation")
        others = [
            SplitItem(f"{part}{label}.png", sha256_bytes(f"{part}{label}".encode()), label, f"{part}{label}{at}", part)
            for part in parts
            for label in (0, 1)
            for at in [f"@{groups[0].rpartition('@')[2]}" if "@" in groups[0] else ""]
        ]
        counts = {group: groups.count(group) for group in groups}
        several = tuple(SplitGroup(name, count, ("patient",)) for name, count in counts.items() if count > 1)
        created, classes = "2026-01-01T00:00:00+00:00", ("normal", "hemorrhage")
        items = (*others, *test)
        return SplitManifest(created, self.folder, classes, 0, 0.2, 0.2, "patient", items, several)

    def write(self, folder: Path) -> Path:
        """Publish the run in `folder`."""
        split = self.split()
        logits: dict[Part, np.ndarray] = {"validation": np.array([-1.0, 1.0]), "test": np.array(self.logits, float)}
        tissue = {part: np.full(len(scores), 0.3) for part, scores in logits.items()}
        if self.tissue:
            tissue["test"] = np.array(self.tissue)
        labels = {part: [item.label for item in split.part(part)] for part in logits}
        metrics: dict[str, Metrics] = {
            part: evaluate(labels[part], scores, self.threshold, self.temperature) for part, scores in logits.items()
        }
        origin = Origin(
            "trained",
            "densenet-tiny",
            {**ALL, **self.settings},
            (),
            {},
            self.threshold,
            self.temperature,
            series=self.series,
        )
        weights = random_arrays(SMALL, 0, (1.0,))
        trained = Trained(
            split, origin, SMALL, PreprocessSpec(SIZE), weights, HISTORY, metrics, 6.5, logits, None, tissue
        )
        publish_run(trained, folder, overwrite=False)
        return folder
