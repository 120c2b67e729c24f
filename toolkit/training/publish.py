"""The finished run folder of a training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hemotk.artifacts import (
    Learned,
    Metrics,
    Part,
    PreprocessSpec,
    RunCard,
    SeriesPoint,
    SplitManifest,
)
from hemotk.artifacts.run import SECONDS_IN_EPOCHS
from hemotk.environment import machine, versions
from hemotk.models.shape import Shape
from hemotk.models.weights import Weights
from hemotk.render.toml import SETTINGS_FILE
from hemotk.store.publish import Checksums, RunContent
from hemotk.store.publish import publish_run as publish
from hemotk.training.history import HISTORY_FILE, Epoch, write_history
from hemotk.training.level import levels_of
from hemotk.training.plots import CURVES_FILE, plot_curves
from hemotk.training.scored import ScoredParts, run_title, write_scored
from hemotk.training.settings_file import run_settings

PACKAGES = ("tensorflow", "tf_keras", "numpy", "pillow")


@dataclass(frozen=True)
class Origin:
    """The origin of a run, as its card keeps it; `parents` are those besides the split.

    A probability becomes a verdict at `threshold`, after the logit was divided by `temperature`; a series by `series`.
    """

    source: Literal["trained", "pruned"]
    arch: str
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)
    threshold: float = 0.5
    temperature: float = 1.0
    series: SeriesPoint | None = None


@dataclass(frozen=True)
class Trained:
    """The result of a training; `seconds` is its wall time, of this process.

    `logits` are those of the scored parts, float64 [n] in the order of the split; without them no scores are written.
    `tissue` is the share of soft tissue in their pictures, in the same order; without it no slice level is written.
    `before` is what the network had learned from on other splits; None where it began with weights that saw no CT.
    """

    split: SplitManifest
    origin: Origin
    shape: Shape
    preprocess: PreprocessSpec
    weights: Weights
    history: Sequence[Epoch]
    metrics: Mapping[str, Metrics]
    seconds: float
    logits: Mapping[Part, np.ndarray] = field(default_factory=dict)
    before: Learned | None = None
    tissue: Mapping[Part, np.ndarray] = field(default_factory=dict)


def publish_run(trained: Trained, out: Path, *, overwrite: bool, partial: Path | None = None) -> RunCard:
    """Write the run folder `out`: card, shape, weights, split, ancestors, settings, history, scores, misses, pictures.

    `partial` is the locked folder of the unfinished work, which is of no use afterwards.

    Raises:
        HemotkError: `out` exists and `overwrite` is false, or it cannot be written.
    """
    content = RunContent(trained.shape, trained.weights, trained.split, trained.before)

    def extra(folder: Path) -> list[str]:
        write_history(folder / HISTORY_FILE, trained.history)
        plot_curves(folder / CURVES_FILE, trained.history, run_title(trained.origin.arch, out.name))
        point = trained.origin.threshold, trained.origin.temperature
        scored = ScoredParts(trained.split, trained.logits, trained.tissue, point)
        settings = run_settings(trained.origin.settings, trained.origin.parents, out)
        (folder / SETTINGS_FILE).write_text(settings, encoding="utf-8")
        return [HISTORY_FILE, SETTINGS_FILE, *write_scored(folder, scored, run_title(trained.origin.arch, out.name))]

    def card(files: Checksums) -> RunCard:
        return _card(trained, out.name, files)

    return publish(out, content, card, overwrite=overwrite, extra=extra, partial=partial)


def _card(trained: Trained, name: str, files: Checksums) -> RunCard:
    origin = trained.origin
    in_epochs = sum(epoch.seconds for epoch in trained.history)
    return RunCard(
        name=name,
        created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        source=origin.source,
        arch=origin.arch,
        preprocess=trained.preprocess,
        labels=trained.split.classes,
        files=files,
        parents={**origin.parents, "split": trained.split.sha256()},
        settings={**origin.settings, SECONDS_IN_EPOCHS: round(in_epochs, 3)},
        metrics=trained.metrics,
        versions=versions(*PACKAGES),
        machine=machine(),
        seconds=trained.seconds,
        threshold=origin.threshold,
        temperature=origin.temperature,
        study=origin.series,
        slice_level=levels_of(trained.split, trained.logits, trained.tissue) if trained.tissue else None,
        notes=origin.notes,
    )
