"""`site.json`: what a page that runs a bundle in a browser says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hemotk.artifacts.bundle import Variant
from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Metrics
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.artifacts.series import SeriesPoint

SITE_CARD = "site.json"
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class GoldenPicture:
    """A drawn picture of `width`×`height` pixels, and the bytes of each of the model's outputs for it.

    `outputs` are lower-case hexadecimal digits by the output's name, as the tensor holds them, little-endian.
    """

    width: int
    height: int
    outputs: Mapping[str, str]

    def __post_init__(self) -> None:
        require(min(self.width, self.height) >= 1, "width", "at least 1, as 'height'")
        require(all(set(digits) <= _DIGITS for digits in self.outputs.values()), "outputs", "hexadecimal digits")


@dataclass(frozen=True)
class SiteCard(Artifact):
    """A page with one model of a bundle in it. It names no picture, no path and nobody.

    Attributes:
        created: when it was made, ISO 8601 with its offset.
        hemotk: the version that made it.
        bundle: name of the bundle; `arch`, `labels`, `preprocess`, `threshold`, `temperature`, `study` are its.
        model: the variant that the page runs; `metrics` are its figures on the test split, None where there are none.
        tolerance: how far a logit of float32 may be off on another device; outputs of uint8 must be equal.
        golden: what the drawn pictures of the bundle must give.
        probabilities: for a logit of uint8, the probability of each of its 256 values as Python computes it: exp is
            rounded in another way by other libraries. Empty for a logit of float32.
        test_images: how many images of the test split are in the page.
        parts: SHA-256 of each part of the page, unpacked, by its name.
        parents: SHA-256 of what it was made of; `bundle` is the bundle's card without names.
        runtime: version of the interpreter in the page.
    """

    SCHEMA: ClassVar[str] = "hemotk.site/1"

    created: str
    hemotk: str
    bundle: str
    arch: str
    labels: tuple[str, str]
    preprocess: PreprocessSpec
    threshold: float
    temperature: float
    model: Variant
    tolerance: float
    golden: tuple[GoldenPicture, ...]
    probabilities: tuple[float, ...]
    test_images: int
    parts: Mapping[str, str]
    parents: Mapping[str, str]
    runtime: str
    metrics: Metrics | None = None
    study: SeriesPoint | None = None
    intended_use: str = "research, not for diagnosis"

    def __post_init__(self) -> None:
        require(bool(self.golden), "golden", "non-empty")
        require(0 < self.threshold < 1, "threshold", "between 0 and 1")
        require(len(self.probabilities) in (0, 256), "probabilities", "256 numbers, or none")
        require(self.tolerance >= 0, "tolerance", "0 or more")
        require(self.test_images >= 0, "test_images", "0 or more")
