"""`bundle.json` and `testset.json`: what an app or a bench needs, and the pictures it is proven on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Metrics
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.artifacts.study import StudyPoint

BUNDLE_CARD = "bundle.json"
TESTSET_CARD = "testset.json"
TESTSET_IMAGES = "images.npy"
LABELS_FILE = "labels.txt"
GOLDEN_FILE = "golden.npz"
TESTSET_SUFFIX = ".testset"

Kind = Literal["float32", "fp16", "dynamic", "int8", "int16x8"]


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
class BundleCard(Artifact):
    """A finished bundle: `bundles/NAME/` with this card, the .tflite variants, `labels.txt` and `golden.npz`.

    It holds no picture of a person; `testset` is the SHA-256 of `testset.json` in the folder `NAME.testset` beside it.
    `variants` has the float parent (`float32`) first. `recipe` is what quantization was asked for. `study` says how a
    series of slices gets one verdict, None where that was not chosen on data.
    """

    SCHEMA: ClassVar[str] = "hemotk.bundle/1"
    LATER: ClassVar[tuple[str, ...]] = ("study",)

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
    study: StudyPoint | None = None

    def __post_init__(self) -> None:
        require(0 < self.threshold < 1, "threshold", "between 0 and 1")
        require(0.25 <= self.temperature <= 8, "temperature", "between 0.25 and 8")
        require(bool(self.variants), "variants", "non-empty")
        require(self.variants[0].kind == "float32", "variants", "a list that begins with the float32 parent")
        kinds = [variant.kind for variant in self.variants]
        require(len(set(kinds)) == len(kinds), "variants", "without double kinds")
        for name in self.files:
            require(Path(name).name == name, "files", "a map of plain file names")

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
    """The preprocessed test split: `images.npy` is uint8 [n, size, size], row i belongs to `items[i]`."""

    SCHEMA: ClassVar[str] = "hemotk.testset/1"
    __test__: ClassVar[bool] = False

    created: str
    split: str
    preprocess: PreprocessSpec
    images: str
    items: tuple[TestItem, ...]

    def __post_init__(self) -> None:
        require(bool(self.items), "items", "non-empty")
