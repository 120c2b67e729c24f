"""`bundle.json` and `testset.json`: what an app or a bench needs, and the pictures it is proven on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Metrics
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.artifacts.series import SeriesPoint
from hemotk.files import sha256_bytes

BUNDLE_CARD = "bundle.json"
TESTSET_CARD = "testset.json"
TESTSET_IMAGES = "images.npy"
LABELS_FILE = "labels.txt"
GOLDEN_FILE = "golden.npz"
TESTSET_SUFFIX = ".testset"
# The names of label 0 and 1 where nobody gives others.
LABELS = ("normal", "hemorrhage")

_DIGITS = frozenset("0123456789abcdef")

Kind = Literal["float32", "fp16", "dynamic", "int8", "int16x8", "given"]
# The models that others are compared with: the float model of a bundle, or a file from elsewhere, which is alone.
PARENTS: tuple[Kind, ...] = ("float32", "given")
# Which model is taken unless another is asked for. int16x8 is there to compare with: its kernels are far slower.
PREFERRED: tuple[Kind, ...] = ("int8", "dynamic", "fp16", "int16x8", "float32", "given")


@dataclass(frozen=True)
class TensorSpec:
    """One input or output tensor: real value = `scale` · (stored − `zero_point`); scale 0 means stored as is."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        require(all(size > 0 for size in self.shape), "shape", "static (all sizes above 0)")


@dataclass(frozen=True)
class Variant:
    """One .tflite of a bundle. Outputs are named `probability`, `logit` and optionally `cam`."""

    kind: Kind
    file: str
    sha256: str
    bytes: int
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]

    def __post_init__(self) -> None:
        require(Path(self.file).name == self.file, "file", "a plain file name")
        names = {output.name for output in self.outputs}
        require({"probability", "logit"} <= names, "outputs", "a list with 'probability' and 'logit'")


@dataclass(frozen=True)
class CalibrationItem:
    """One image that quantization ranges were gathered on: path in the split, checksum of the file, label."""

    path: str
    sha256: str
    label: int


@dataclass(frozen=True)
class CalibrationManifest(Artifact):
    """A file in `NAME.testset/`: the images that quantization ranges were gathered on, by name.

    It stays in the house, as the test set does; `Calibrated.manifest` gives its name. `split` is the SHA-256 of the
    split whose training part they are of.
    """

    SCHEMA: ClassVar[str] = "hemotk.calibration/1"

    split: str
    items: tuple[CalibrationItem, ...]


@dataclass(frozen=True)
class Calibrated:
    """The images that quantization ranges were gathered on, without names: `positives` of them have label 1.

    `sha256` are the checksums of their files in the order of the digits, each once. They identify a picture only for
    those who have its file.
    """

    images: int
    positives: int
    sha256: tuple[str, ...]

    def __post_init__(self) -> None:
        require(0 <= self.positives <= self.images, "positives", "between 0 and images")
        # The order of the split would give away who belongs together, and which label.
        require(self.sha256 == tuple(sorted({*self.sha256})), "sha256", "sorted, each once")
        require(len(self.sha256) <= self.images, "sha256", "at most one per image")
        require(all(len(each) == 64 and set(each) <= _DIGITS for each in self.sha256), "sha256", "64 digits each")

    @property
    def manifest(self) -> str:
        """The name of the file in `NAME.testset/` that lists these images; other images give another name."""
        return f"calibration-{sha256_bytes(''.join(self.sha256).encode())[:12]}.json"

    @classmethod
    def of(cls, items: Sequence[CalibrationItem]) -> "Calibrated":
        """The facts about `items` that may leave the house."""
        return cls(len(items), sum(item.label for item in items), tuple(sorted({item.sha256 for item in items})))


@dataclass(frozen=True)
class RuntimeSpread:
    """How far apart the scores of one file are between the `ways` to run it, on the golden pictures.

    `logit` and `probability` are the greatest differences that were seen, as the file gives them. `tolerance` is how
    far apart the logits of one picture may be on two runtimes before something is wrong.
    """

    ways: tuple[str, ...]
    logit: float
    probability: float
    tolerance: float

    def __post_init__(self) -> None:
        require(bool(self.ways), "ways", "non-empty")
        require(0 <= self.logit <= self.tolerance, "tolerance", "at least the spread of the logit")


@dataclass(frozen=True)
class BundleCard(Artifact):
    """A finished bundle: `bundles/NAME/` with this card, the .tflite variants, `labels.txt` and `golden.npz`.

    It holds no picture of a person; `testset` is the SHA-256 of `testset.json` in the folder `NAME.testset` beside it.
    `variants` has the float parent (`float32`) first. `recipe` is what quantization was asked for. `study` is the rule
    that gives a series of slices one verdict, None where it was not chosen on data.

    `runtimes` has the spread of each kind over runtimes, None in cards from before it was measured. `calibrated` counts
    the calibration images. Cards from before it have them in `calibration`, by name and with their
    labels: only their `nameless` form may leave the house.
    """

    SCHEMA: ClassVar[str] = "hemotk.bundle/1"
    LATER: ClassVar[tuple[str, ...]] = ("study", "calibrated", "runtimes")

    name: str
    created: str
    arch: str
    labels: tuple[str, str]
    preprocess: PreprocessSpec
    threshold: float
    temperature: float
    variants: tuple[Variant, ...]
    files: Mapping[str, str]
    parents: Mapping[str, str]
    testset: str
    recipe: Mapping[str, Any]
    calibration: tuple[CalibrationItem, ...]
    metrics: Mapping[str, Metrics]
    versions: Mapping[str, str]
    seconds: float
    intended_use: str = "research, not for diagnosis"
    study: SeriesPoint | None = None
    calibrated: Calibrated | None = None
    runtimes: Mapping[str, RuntimeSpread] | None = None

    def __post_init__(self) -> None:
        require(0 < self.threshold < 1, "threshold", "between 0 and 1")
        require(0.25 <= self.temperature <= 8, "temperature", "between 0.25 and 8")
        require(bool(self.variants), "variants", "non-empty")
        require(self.variants[0].kind in PARENTS, "variants", "a list that begins with the float32 parent")
        kinds = [variant.kind for variant in self.variants]
        require(len(set(kinds)) == len(kinds), "variants", "without double kinds")
        for name in self.files:
            require(Path(name).name == name, "files", "a map of plain file names")
        require(self.calibrated is None or not self.calibration, "calibration", "empty where there is 'calibrated'")

    @property
    def calibrated_on(self) -> Calibrated:
        """The calibration images without names, whether the card names them or not."""
        return Calibrated.of(self.calibration) if self.calibrated is None else self.calibrated

    def tolerance(self, kind: str) -> float | None:
        """How far apart the logits of one picture may be on two runtimes; None where it was not measured."""
        spread = (self.runtimes or {}).get(kind)
        return None if spread is None else spread.tolerance

    def nameless(self) -> "BundleCard":
        """The card that may leave the house: as it is if it names no image."""
        return replace(self, calibration=(), calibrated=self.calibrated_on) if self.calibration else self

    def variant(self, kind: str) -> Variant | None:
        """The variant of that kind, or None."""
        return next((variant for variant in self.variants if variant.kind == kind), None)


@dataclass(frozen=True)
class TestItem:
    """One test image: its row in `images.npy`, an id (path in the split), label and group (patient)."""

    __test__: ClassVar[bool] = False

    id: str
    label: int
    group: str


@dataclass(frozen=True)
class TestSetCard(Artifact):
    """The preprocessed test split: `images.npy` is uint8 [n, size, size], row i belongs to `items[i]`.

    Its ids name files and people: it stays in the house, `nameless` goes onto a phone.
    """

    SCHEMA: ClassVar[str] = "hemotk.testset/1"
    __test__: ClassVar[bool] = False

    created: str
    split: str
    preprocess: PreprocessSpec
    images: str
    items: tuple[TestItem, ...]

    def __post_init__(self) -> None:
        require(bool(self.items), "items", "non-empty")

    def nameless(self) -> "NamelessTestSet":
        """The card that goes with the pictures onto a phone."""
        items = tuple(NamelessItem(str(row)) for row in range(len(self.items)))
        return NamelessTestSet(self.created, self.split, self.preprocess, self.images, items)


@dataclass(frozen=True)
class NamelessItem:
    """One test image as a phone knows it: `id` is its row in `images.npy`, in decimal digits."""

    id: str


@dataclass(frozen=True)
class NamelessTestSet(Artifact):
    """A test split as a phone gets it: the pictures' numbers, without paths, labels and groups.

    It has the schema of `TestSetCard`, so that apps of any age read it.
    """

    SCHEMA: ClassVar[str] = TestSetCard.SCHEMA

    created: str
    split: str
    preprocess: PreprocessSpec
    images: str
    items: tuple[NamelessItem, ...]
