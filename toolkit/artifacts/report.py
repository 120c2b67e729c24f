"""`bench.json`: what a bench measured, every score and every raw sample included."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hemotk.artifacts.baseline import Baseline
from hemotk.artifacts.bundle import PARENTS, Kind
from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.comparison import Flip, Paired
from hemotk.artifacts.device import Device
from hemotk.artifacts.metrics import Calibration, Estimate, GroupMetrics, Metrics, SliceLevel
from hemotk.artifacts.profile import Profile
from hemotk.artifacts.strata import Stratum
from hemotk.artifacts.verdict import Outcome, Verdict

Nanoseconds = tuple[int, ...]

# The source of rows that this very bench measured.
HERE = "here"


@dataclass(frozen=True)
class ImageRef:
    """One image: id (path in the split or folder), label (1 = hemorrhage), None where nobody gave one, and group.

    Images of one patient, and copies of one picture, have the same `group`, a number that names nobody; None where
    patients are not known.
    """

    id: str
    label: int | None
    group: int | None = None


@dataclass(frozen=True)
class ImageScores:
    """One variant's scores, a value per image in the report's order; None where the model gave NaN or infinity.

    `logit` and `output` are what the model's two outputs say; `probability` is sigmoid(logit / temperature), which
    the decisions are made on.
    """

    logit: tuple[float | None, ...]
    probability: tuple[float | None, ...]
    output: tuple[float | None, ...]


@dataclass(frozen=True)
class Latency:
    """Times of one variant in nanoseconds, batch 1, input conversion not included.

    `load_ns` is opening the file until the interpreter is ready, `first_ns` the first inference; the rest is the
    steady state. `rounds_ns` holds every timed inference, one list per round; `warmup_ns` those before. `ratio` is
    this variant's median over that of its float parent from the same source, `ratio_to_first` over that of the first
    bundle's float parent from the same source (None for the first bundle's rows).
    """

    load_ns: int
    first_ns: int
    warmup_ns: Nanoseconds
    rounds_ns: tuple[Nanoseconds, ...]
    p50_ns: float
    p90_ns: float
    p99_ns: float
    ratio: Estimate
    ratio_to_first: Estimate | None = None

    def __post_init__(self) -> None:
        require(any(self.rounds_ns), "rounds_ns", "non-empty")


@dataclass(frozen=True)
class SameModel:
    """A row measured elsewhere against the row of the same file measured here, image by image.

    Of `images` compared, `identical` have exactly the same logit and probability output; `flips` are those on which
    the decision differs (`parent` is the probability found here); drift is |Δ probability|. `one_sided` images have
    NaN or infinity on one side only; their drift counts as 1. `beyond` images have logits further apart than
    `tolerance`, what the bundle's card allows between runtimes; None where the card does not say.
    """

    images: int
    identical: int
    flips: tuple[Flip, ...]
    max_drift: float
    one_sided: int = 0
    beyond: int | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        require(0 <= self.identical <= self.images, "identical", "between 0 and images")


@dataclass(frozen=True)
class DrawnCheck:
    """The logits that a device gave for a bundle's drawn pictures, in place of the test split, against the recorded.

    `largest` is the greatest difference of a logit, None where one is NaN or infinite there; `tolerance` is what the
    bundle's card allows between runtimes.
    """

    images: int
    largest: float | None
    tolerance: float

    def __post_init__(self) -> None:
        require(self.images > 0, "images", "above 0")

    @property
    def holds(self) -> bool:
        """Whether no logit is further off than allowed."""
        return self.largest is not None and self.largest <= self.tolerance

    @property
    def words(self) -> str:
        """What was found, as the end of a sentence that begins with the row."""
        largest = "no number" if self.largest is None else f"{self.largest:.3g}"
        gives = "gives" if self.holds else "does not give"
        return (
            f"{gives} what the bundle records for {self.images} drawn pictures (largest difference of a logit "
            f"{largest}, allowed {self.tolerance:.3g})"
        )


@dataclass(frozen=True)
class VariantResult:
    """One row of the bench: a variant of `bundle` (a name in the report's `bundles`), measured on `source`.

    `failure` says why the variant could not be run to the end (empty if it could); `findings` name what is wrong
    with its scores (NaN, a constant, one class). `metrics` and `calibration` need labels; `grouped` has intervals over
    groups of images, None where each image is a group of its own, or groups are not known. `paired` is against its own
    float parent (None for the parent itself), `paired_first` against the float parent of the first bundle (None in
    that bundle); the parent is the one from the same source where it ran there, else the one measured here. Memory is
    the peak of the variant's own process, and what that process held before it opened the model. `profile` is None
    where none was asked for; `same_model` is for rows that were measured elsewhere. `slice_level` needs labels;
    `strata` are by the columns that were asked for. `drawn` is for a device that ran the bundle's drawn pictures in
    place of the test split; nothing is then known of accuracy there.
    """

    LATER: ClassVar[tuple[str, ...]] = ("drawn",)

    bundle: str
    source: str
    kind: Kind
    file: str
    sha256: str
    bytes: int
    failure: str = ""
    findings: tuple[str, ...] = ()
    scores: ImageScores | None = None
    metrics: Metrics | None = None
    calibration: Calibration | None = None
    paired: Paired | None = None
    paired_first: Paired | None = None
    latency: Latency | None = None
    peak_memory_bytes: int | None = None
    base_memory_bytes: int | None = None
    profile: Profile | None = None
    same_model: SameModel | None = None
    grouped: GroupMetrics | None = None
    slice_level: SliceLevel | None = None
    strata: tuple[Stratum, ...] = ()
    drawn: DrawnCheck | None = None


@dataclass(frozen=True)
class BenchedBundle:
    """One bundle of the bench and its operating point.

    `name` is that of its card, or its folder where two have the same name; `folder` is the path as it was given;
    `size` is the side of its input in pixels. A probability of `threshold` or more, after the logit was divided by
    `temperature`, is `labels[1]`.
    """

    name: str
    folder: str
    sha256: str
    testset_sha256: str
    size: int
    labels: tuple[str, str]
    threshold: float
    temperature: float


@dataclass(frozen=True)
class RowSource:
    """The machine that measured rows: `HERE`, or the device that an imported file came from.

    `environment` holds the facts about machine, runtime and versions; `device` is None here.
    """

    name: str
    environment: Mapping[str, Any]
    device: Device | None = None


@dataclass(frozen=True)
class BenchReport(Artifact):
    """The results of one bench of one or several bundles, on one or several machines; fractions throughout.

    `images` are those of the test split, or of the folder named in `folder`, or of the test part of the split file
    named there, whose SHA-256 is `split_sha256` (both empty for the bundles' own test split); every row's scores are in
    their order, and `skipped` gives the reason for each picture that could not be read. `variants` has the first
    bundle's rows first, in each bundle the float parent first, and rows measured elsewhere last. `warnings` say why
    times may not repeat, `notes` what else a reader must know. `cautions` say of a classifier that it is no better than
    chance, or than always saying one class, whatever the verdicts are. `command` makes the bench again. `baseline` is
    an earlier report that this one is held against, None where none was given.
    """

    SCHEMA: ClassVar[str] = "hemotk.bench/2"
    LATER: ClassVar[tuple[str, ...]] = ("baseline",)

    created: str
    command: str
    bundles: tuple[BenchedBundle, ...]
    sources: tuple[RowSource, ...]
    folder: str
    images: tuple[ImageRef, ...]
    skipped: tuple[str, ...]
    settings: Mapping[str, Any]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    variants: tuple[VariantResult, ...]
    verdicts: tuple[Verdict, ...]
    passed: bool
    conclusion: str
    seconds: float
    split_sha256: str = ""
    cautions: tuple[str, ...] = ()
    baseline: Baseline | None = None

    def __post_init__(self) -> None:
        require(bool(self.variants), "variants", "non-empty")
        require(self.passed == all(verdict.passed for verdict in self.verdicts), "passed", "what the verdicts say")
        bundles, sources = [bundle.name for bundle in self.bundles], [source.name for source in self.sources]
        require(bool(bundles) and len(set(bundles)) == len(bundles), "bundles", "non-empty, each name once")
        require(sources[:1] == [HERE] and len(set(sources)) == len(sources), "sources", f"'{HERE}' first, each once")
        first = self.variants[0]
        require(
            (first.bundle, first.source) == (bundles[0], HERE) and first.kind in PARENTS,
            "variants",
            "a list that begins with the float32 parent of the first bundle",
        )
        for row in self.variants:
            require(row.bundle in bundles and row.source in sources, "variants", "of the bundles and sources listed")
            require(Path(row.file).name == row.file, "variants", "a list of plain file names")
            if row.scores is not None:
                require(len(row.scores.logit) == len(self.images), "scores", "one per image")

    def outcomes(self, outcome: Outcome) -> tuple[Verdict, ...]:
        """The verdicts of that outcome."""
        return tuple(verdict for verdict in self.verdicts if verdict.told == outcome)

    @property
    def environment(self) -> Mapping[str, Any]:
        """The facts about this machine."""
        return self.sources[0].environment

    def variant(self, kind: str, bundle: str = "", source: str = HERE) -> VariantResult | None:
        """The row of that kind, by default of the first bundle and measured here, or None."""
        wanted = (bundle or self.bundles[0].name, source, kind)
        return next((row for row in self.variants if (row.bundle, row.source, row.kind) == wanted), None)

    def parent(self, row: VariantResult) -> VariantResult | None:
        """The float parent that `row` is held against: of the same bundle and source, or None."""
        candidates = (self.variant(kind, row.bundle, row.source) for kind in PARENTS)
        return next((parent for parent in candidates if parent is not None), None)

    def bundle_of(self, row: VariantResult) -> BenchedBundle:
        """The bundle of `row`."""
        return next(bundle for bundle in self.bundles if bundle.name == row.bundle)

    def name_of(self, row: VariantResult | Verdict) -> str:
        """The name of the row: its kind, with bundle and device where the report has several."""
        return row_name(row, len(self.bundles) > 1)


def row_name(row: VariantResult | Verdict, several: bool) -> str:
    """The name of a row: its kind, after its bundle where there are `several`, before its device where it has one.

    A file without a bundle is called by its name.
    """
    words = [row.bundle] if row.kind == "given" else [*([row.bundle] if several else []), row.kind]
    return " ".join([*words, *([] if row.source == HERE else [f"on {row.source}"])])
