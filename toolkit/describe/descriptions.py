"""The results of `describe`, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from hemotk.artifacts import (
    BundleCard,
    GroupMetrics,
    Metrics,
    Part,
    PreprocessSpec,
    RunCard,
    Verdict,
)
from hemotk.artifacts.cv import CvFold, OutOfFold
from hemotk.artifacts.metrics import Estimate, SliceLevel
from hemotk.models.shape import Shape
from hemotk.tflite.facts import ModelFacts
from hemotk.tflite.metadata import ModelMetadata

Checked = Literal["good", "changed", "missing"]


@dataclass(frozen=True)
class FileState:
    """A file, its size if it is there, and whether its SHA-256 is the recorded one."""

    path: str
    state: Checked
    bytes: int | None


@dataclass(frozen=True)
class BlockFacts:
    """One dense block: channels that enter and leave it; lowest and highest width of its layers, None without any."""

    layers: int
    entering: int
    leaving: int
    bottleneck: tuple[int, int] | None
    growth: tuple[int, int] | None


@dataclass(frozen=True)
class PartFacts:
    """The size of one part of a split: images, those of each class, and groups (patients or copies)."""

    images: int
    classes: tuple[int, int]
    groups: int


@dataclass(frozen=True)
class Description:
    """A description of the file or folder at `path`; `what` is its kind."""

    what: ClassVar[str]
    path: str
    files: tuple[FileState, ...] = field(default=(), kw_only=True)

    @property
    def faulty(self) -> tuple[FileState, ...]:
        """The files that are not what was recorded."""
        return tuple(file for file in self.files if file.state != "good")


@dataclass(frozen=True)
class OtherDescription(Description):
    """Something without a description of its own: `kind` is what it is, `advice` what to do with it."""

    what: ClassVar[str] = "other"
    kind: str
    advice: str


@dataclass(frozen=True)
class RunDescription(Description):
    """A run; `macs` are multiply-accumulates at the run's picture size, `blocks` is empty for other families.

    `parts` are those of its split, empty where the split is not the one that was recorded.
    """

    what: ClassVar[str] = "run"
    card: RunCard
    shape: Shape
    parameters: int
    macs: int
    blocks: tuple[BlockFacts, ...]
    parts: Mapping[Part, PartFacts]


@dataclass(frozen=True)
class TestSetDescription(Description):
    """A preprocessed test split; `split` is the SHA-256 of the split it was drawn from."""

    what: ClassVar[str] = "testset"
    __test__: ClassVar[bool] = False
    created: str
    preprocess: PreprocessSpec
    facts: PartFacts
    split: str


@dataclass(frozen=True)
class BundleDescription(Description):
    """A bundle; `testset` is None where the one that belongs to it does not lie beside it."""

    what: ClassVar[str] = "bundle"
    card: BundleCard
    testset: TestSetDescription | None


@dataclass(frozen=True)
class SplitDescription(Description):
    """A split; `folder_found` says whether the recorded image folder is there. Its images are not read.

    `checked` says whether it has their checksums, without which equal pictures are not known; `merged` whether it is
    of several folders, `compared_between` whether pictures were compared between these, too.
    """

    what: ClassVar[str] = "split"
    created: str
    folder: str
    folder_found: bool
    classes: tuple[str, str]
    grouping: str
    checked: bool
    merged: bool
    compared_between: bool
    seed: int
    test: float
    validation: float
    sha256: str
    parts: Mapping[Part, PartFacts]


@dataclass(frozen=True)
class CrossValidationDescription(Description):
    """A cross-validation without its images' scores; the run card of each fold is among the files."""

    what: ClassVar[str] = "cross-validation"
    name: str
    created: str
    arch: str
    labels: tuple[str, str]
    grouping: str
    folds: tuple[CvFold, ...]
    pooled: OutOfFold
    seconds: float
    slice_level: Mapping[str, SliceLevel] | None = None


@dataclass(frozen=True)
class ReportRow:
    """One variant of a bench in short; times are in milliseconds, `ratio` is to the float parent's median.

    `kind` has bundle and device beside it where the bench had several. `grouped` and `grouped_agreement` have intervals
    over groups of images; None where each image is a group of its own, or groups are not known. `slice_level` is None
    without labels.
    """

    kind: str
    bytes: int
    failure: str
    findings: tuple[str, ...]
    metrics: Metrics | None
    grouped: GroupMetrics | None
    agreement: Estimate | None
    grouped_agreement: Estimate | None
    flips: int | None
    p50_ms: float | None
    p90_ms: float | None
    ratio: Estimate | None
    slice_level: SliceLevel | None = None


@dataclass(frozen=True)
class BundleDecision:
    """A bundle of a bench, and what its probabilities become verdicts at."""

    bundle: str
    threshold: float
    temperature: float


@dataclass(frozen=True)
class ReportDescription(Description):
    """A bench report without its raw samples; `folder` is what was scored in place of the test split, or empty."""

    what: ClassVar[str] = "report"
    created: str
    folder: str
    images: int
    decisions: tuple[BundleDecision, ...]
    passed: bool
    conclusion: str
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    variants: tuple[ReportRow, ...]
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelDescription(Description):
    """A .tflite; `bundle` and `kind` are those of the card beside it, empty if none names the file.

    `metadata` is None where the model carries none.
    """

    what: ClassVar[str] = "model"
    sha256: str
    facts: ModelFacts
    bundle: str
    kind: str
    metadata: ModelMetadata | None
