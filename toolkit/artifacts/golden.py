"""`golden.json`: what an app must make of a bundle's drawn pictures, for any language to read."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hemotk.artifacts.bundle import Kind
from hemotk.artifacts.codec import Artifact, require

GOLDEN_JSON = "golden.json"


@dataclass(frozen=True)
class GoldenInput:
    """One drawn picture: `file` is a PNG before the pixel contract, `input` a gray PNG of the bytes after it.

    `gray_sha256` is that of its width · height gray bytes, `input_sha256` that of the size · size bytes, row by
    row.
    """

    file: str
    input: str
    width: int
    height: int
    gray_sha256: str
    input_sha256: str

    def __post_init__(self) -> None:
        for field in ("file", "input"):
            require(Path(getattr(self, field)).name == getattr(self, field) != "", field, "a plain file name")
        require(min(self.width, self.height) > 0, "width", "above 0, as the height")


@dataclass(frozen=True)
class GoldenScore:
    """What a model says about one picture.

    `tensor_sha256` is that of the input tensor's bytes, little endian. `logit` is the output, dequantized;
    `probability` is sigmoid(logit / temperature). `near` says that another device may give the other verdict: the
    logit is within the tolerance of the threshold.
    """

    tensor_sha256: str
    logit: float
    probability: float
    label: int
    verdict: str
    near: bool

    def __post_init__(self) -> None:
        require(self.label in (0, 1), "label", "0 or 1")
        require(0 <= self.probability <= 1, "probability", "between 0 and 1")


@dataclass(frozen=True)
class GoldenModel:
    """One model: `output` is the place of the logit among the file's outputs, from 0.

    `scores` are in the order of the pictures. The logit of another device may differ by `tolerance`.
    """

    kind: Kind
    file: str
    sha256: str
    output: int
    tolerance: float
    scores: tuple[GoldenScore, ...]

    def __post_init__(self) -> None:
        require(self.tolerance > 0, "tolerance", "above 0")
        require(self.output >= 0, "output", "at least 0")


@dataclass(frozen=True)
class GoldenSet(Artifact):
    """`golden.json` in a bundle: drawn pictures that show nobody, and what every model says about them."""

    SCHEMA: ClassVar[str] = "hemotk.golden/1"

    size: int
    threshold: float
    temperature: float
    labels: tuple[str, str]
    pictures: tuple[GoldenInput, ...]
    models: tuple[GoldenModel, ...]

    def __post_init__(self) -> None:
        for model in self.models:
            require(len(model.scores) == len(self.pictures), "scores", "one for each picture")

    def model(self, kind: str) -> GoldenModel | None:
        """What the model of that kind says, or None."""
        return next((model for model in self.models if model.kind == kind), None)
