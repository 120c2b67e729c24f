"""`run.json`: everything about one trained network that is not its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Metrics, SliceLevel
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.artifacts.series import SeriesPoint

RUN_CARD = "run.json"
SHAPE_FILE = "shape.json"
WEIGHTS_FILE = "weights.npz"
SPLIT_FILE = "split.json"
# The one entry of a run's settings that is measured: how long its epochs took.
SECONDS_IN_EPOCHS = "seconds_in_epochs"


@dataclass(frozen=True)
class RunCard(Artifact):
    """A finished run: `runs/NAME/` with this card, shape, weights, split and, if trained, `history.csv`.

    `files` maps file names in the folder to their SHA-256; `parents` names to the SHA-256 of what the run was made
    from; `settings` is the training configuration as given; `metrics` has one entry per part of the split. A run stays
    in the house: its split, settings and notes name files and paths. A probability becomes a verdict at `threshold`,
    after the logit was divided by `temperature`; a series of slices gets its verdict by `study`, None where it was not
    chosen on data. `slice_level` is what must stand beside the AUC of each part; None in files from before it was
    measured.
    """

    SCHEMA: ClassVar[str] = "hemotk.run/1"
    LATER: ClassVar[tuple[str, ...]] = ("study", "slice_level")

    name: str
    created: str
    source: Literal["trained", "imported", "pruned"]
    arch: str
    preprocess: PreprocessSpec
    labels: tuple[str, str]
    files: Mapping[str, str]
    parents: Mapping[str, str]
    settings: Mapping[str, Any]
    metrics: Mapping[str, Metrics]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    seconds: float
    threshold: float = 0.5
    temperature: float = 1.0
    notes: tuple[str, ...] = field(default=())
    study: SeriesPoint | None = None
    slice_level: Mapping[str, SliceLevel] | None = None

    @property
    def chosen(self) -> Mapping[str, Any]:
        """The settings that somebody chose or could have chosen, without what training measured beside them."""
        return {name: value for name, value in self.settings.items() if name != SECONDS_IN_EPOCHS}

    def __post_init__(self) -> None:
        require(bool(self.name), "name", "non-empty")
        require(0 < self.threshold < 1, "threshold", "between 0 and 1")
        require(0.25 <= self.temperature <= 8, "temperature", "between 0.25 and 8")
        for name in (SHAPE_FILE, WEIGHTS_FILE, SPLIT_FILE):
            require(name in self.files, "files", f"a map that has '{name}'")
        for name in self.files:
            require(Path(name).name == name, "files", "a map of plain file names")
