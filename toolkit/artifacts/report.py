"""`bench.json`: what a bench measured, every score and every raw sample included."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hemotk.artifacts.bundle import Kind
from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Estimate, Metrics

Nanoseconds = tuple[int, ...]


@dataclass(frozen=True)
class ImageRef:
    """One test image: id (path in the split) and label (1 = hemorrhage)."""

    id: str
    label: int


@dataclass(frozen=True)
class ImageScores:
    """One variant's scores, a value per test image in the report's order; None where the model gave NaN or infinity.

    `logit` and `output` are what the model's two outputs say; `probability` is sigmoid(logit / temperature), which
    the decisions are made on.
    """

    logit: tuple[float | None, ...]
    probability: tuple[float | None, ...]
    output: tuple[float | None, ...]


@dataclass(frozen=True)
class Flip:
    """One image on which a variant decides otherwise than the float parent; both probabilities are calibrated."""

    id: str
    label: int
    parent: float
    variant: float


@dataclass(frozen=True)
class Paired:
    """A variant against its float parent, image by image, at the operating threshold.

    `agreement` is the share of images with the same decision; `lost` and `gained` count images that only the parent
    and only the variant gets right, `mcnemar` is the exact two-sided p-value of that pair; drift is |Δ probability|;
    `auc_difference` is variant − parent.
    """

    agreement: Estimate
    flips: tuple[Flip, ...]
    lost: int
    gained: int
    mcnemar: float
    max_drift: float
    mean_drift: float
    auc_difference: Estimate


@dataclass(frozen=True)
class Latency:
    """Times of one variant in nanoseconds, batch 1, input conversion not included.

    `load_ns` is opening the file until the interpreter is ready, `first_ns` the first inference. `rounds_ns` holds
    every timed inference, one list per round; `warmup_ns` those before. `ratio` is this variant's median over the
    float parent's.
    """

    load_ns: int
    first_ns: int
    warmup_ns: Nanoseconds
    rounds_ns: tuple[Nanoseconds, ...]
    p50_ns: float
    p90_ns: float
    p99_ns: float
    ratio: Estimate

    def __post_init__(self) -> None:
        require(any(self.rounds_ns), "rounds_ns", "non-empty")


@dataclass(frozen=True)
class VariantResult:
    """One row of the bench.

    `failure` says why the variant could not be run to the end (empty if it could); `findings` name what is wrong
    with its scores (NaN, a constant, one class). `paired` is None for the float parent itself. Memory is the peak of
    the variant's own process, and what that process held before it opened the model.
    """

    kind: Kind
    file: str
    sha256: str
    bytes: int
    failure: str
    findings: tuple[str, ...]
    scores: ImageScores | None
    metrics: Metrics | None
    paired: Paired | None
    latency: Latency | None
    peak_memory_bytes: int | None
    base_memory_bytes: int | None


@dataclass(frozen=True)
class Verdict:
    """One limit held against one variant; `measured` is None where there was nothing to measure, which fails."""

    limit: str
    kind: Kind
    measured: float | None
    allowed: float | None
    passed: bool
    sentence: str


@dataclass(frozen=True)
class BenchReport(Artifact):
    """What one bench of one bundle found. `variants` has the float parent first; fractions throughout."""

    SCHEMA: ClassVar[str] = "hemotk.bench/1"

    created: str
    bundle: str
    bundle_sha256: str
    testset_sha256: str
    labels: tuple[str, str]
    threshold: float
    temperature: float
    images: tuple[ImageRef, ...]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    warnings: tuple[str, ...]
    variants: tuple[VariantResult, ...]
    verdicts: tuple[Verdict, ...]
    passed: bool
    conclusion: str
    seconds: float

    def __post_init__(self) -> None:
        require(bool(self.variants), "variants", "non-empty")
        require(self.variants[0].kind == "float32", "variants", "a list that begins with the float32 parent")
        require(self.passed == all(verdict.passed for verdict in self.verdicts), "passed", "what the verdicts say")
        for result in self.variants:
            require(Path(result.file).name == result.file, "variants", "a list of plain file names")
            if result.scores is not None:
                require(len(result.scores.logit) == len(self.images), "scores", "one per image")

    def variant(self, kind: str) -> VariantResult | None:
        """The row of that kind, or None."""
        return next((result for result in self.variants if result.kind == kind), None)
