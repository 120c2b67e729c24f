"""What a model says about some pictures: the file of `hemotk predict --json`, and its table."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hemotk.artifacts.codec import Artifact
from hemotk.artifacts.foreign import ForeignSpec, assumptions
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.artifacts.series import SeriesPoint
from hemotk.errors import HemotkError

INTENDED_USE = "research, not for diagnosis"
COLUMNS = ("picture", "probability", "logit", "label", "verdict", "doubts", "failure")


@dataclass(frozen=True)
class VerifiedModel:
    """A .tflite whose checksum was found right, and how its logit becomes a verdict.

    A probability of `threshold` or more, after the logit was divided by `temperature`, is `labels[1]`. `study` is the
    rule for a series, None where it was not chosen on data. `bundle` and `kind` are empty for a model without a card,
    whose other facts are then assumed. `foreign` has the facts for feeding and reading a model that hemotk did not
    export.
    """

    LATER: ClassVar[tuple[str, ...]] = ("foreign",)

    path: str
    sha256: str
    preprocess: PreprocessSpec
    threshold: float = 0.5
    temperature: float = 1.0
    labels: tuple[str, str] = ("normal", "hemorrhage")
    bundle: str = ""
    kind: str = ""
    study: SeriesPoint | None = None
    foreign: ForeignSpec | None = None

    @property
    def words(self) -> str:
        """Which model it is, and how its logit becomes a verdict; for a model without a card, what is assumed."""
        if self.kind:
            facts = f"threshold {self.threshold:g}, temperature {self.temperature:g}"
            return f"{self.path}: {self.kind} of bundle {self.bundle}, {facts}"
        said = () if self.foreign is None else self.foreign.said
        return f"{self.path}: {assumptions(self.preprocess.size, said)}"

    def series_point(self, k: int | None = None) -> SeriesPoint:
        """The rule for a series' verdict: as was chosen, or the mean of the `k` highest slices against the threshold.

        Raises:
            HemotkError: nothing was chosen, and `k` is not given.
        """
        if k is not None:
            return SeriesPoint(k, self.threshold)
        if self.study is None:
            raise HemotkError(
                f"‹k›: {self.path} does not say how a series gets one verdict, as no series were there to choose it "
                "on; give k, the number of slices to average."
            )
        return self.study


@dataclass(frozen=True)
class ScoredPicture:
    """One picture's score: `probability` is sigmoid(logit / temperature), `label` 1 where it reaches the threshold.

    `doubts` are reasons why it may be no head CT slice, clauses that go on after 'it'.
    """

    path: str
    logit: float
    probability: float
    label: int
    verdict: str
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeriesVerdict:
    """One verdict for a series of `slices` slices: `probability`, the mean of the `k` highest, against `threshold`."""

    slices: int
    k: int
    threshold: float
    probability: float
    label: int
    verdict: str


@dataclass(frozen=True)
class ScoredPictures(Artifact):
    """One model's results for some pictures; `failures` maps the unreadable ones to a sentence each.

    With a `study` the pictures are its slices in their order.
    """

    SCHEMA: ClassVar[str] = "hemotk.predictions/1"

    model: VerifiedModel
    runtime: str
    predictions: tuple[ScoredPicture, ...]
    failures: Mapping[str, str]
    intended_use: str = INTENDED_USE
    study: SeriesVerdict | None = None

    def to_csv(self) -> bytes:
        """A row for each picture, as `COLUMNS` call its values; those that cannot be read have a failure alone.

        Doubts are separated by '; '. A series has no row: its verdict is in the JSON.
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for one in self.predictions:
            table.writerow((one.path, one.probability, one.logit, one.label, one.verdict, "; ".join(one.doubts), ""))
        for path, why in self.failures.items():
            table.writerow((path, "", "", "", "", "", why))
        return text.getvalue().encode()
