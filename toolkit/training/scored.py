"""What a run folder keeps of its scores: a table of all, the misses of the test part, a picture of the decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hemotk.artifacts import Part, SplitManifest
from hemotk.training.misses import MISSES_FILE, misses_of, write_misses
from hemotk.training.plots import DECISIONS_FILE, plot_decisions
from hemotk.training.scores import SCORES_FILE, write_scores


@dataclass(frozen=True)
class ScoredParts:
    """The scored parts of a split: `logits` and, where it is known, share of soft tissue, float64 [n] in its order.

    `point` is the threshold and the temperature of the decision.
    """

    split: SplitManifest
    logits: Mapping[Part, np.ndarray]
    tissue: Mapping[Part, np.ndarray] = field(default_factory=dict)
    point: tuple[float, float] = (0.5, 1.0)


def write_scored(folder: Path, scored: ScoredParts, title: str) -> list[str]:
    """Write the files into `folder`, and name those that the run's card has a checksum of; none without logits."""
    if not scored.logits:
        return []
    write_scores(folder / SCORES_FILE, scored.split, scored.logits, scored.tissue)
    if scored.logits.keys() & {"test", "validation"}:
        plot_decisions(folder / DECISIONS_FILE, scored.split, scored.logits, scored.point, title)
    if "test" not in scored.logits:
        return [SCORES_FILE]
    misses = misses_of(scored.split.part("test"), scored.logits["test"], *scored.point)
    write_misses(folder / MISSES_FILE, misses)
    return [SCORES_FILE, MISSES_FILE]


def run_title(arch: str, name: str) -> str:
    """The title of a run's pictures."""
    return arch if name == arch else f"{name} ({arch})"
