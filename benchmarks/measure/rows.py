"""A row of the bench while it is measured."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hemotk.artifacts import HERE, DrawnCheck, ImageRef, Profile, Variant
from hemotk.benchmarks.measure import latency
from hemotk.benchmarks.measure.runners import Loaded, RunnerFailed
from hemotk.store.bundle import StoredBundle
from hemotk.tflite.scorer import Scores


@dataclass
class Row:
    """One variant of one bundle on one source; a `failure` ends its measuring for good."""

    bundle: StoredBundle
    variant: Variant
    source: str = HERE
    loaded: Loaded | None = None
    scores: list[Scores] = field(default_factory=list)
    timings: latency.Timings = field(default_factory=latency.Timings)
    peak_bytes: int | None = None
    profile: Profile | None = None
    failure: str = ""
    drawn: DrawnCheck | None = None

    @property
    def key(self) -> str:
        """A name that no other row of the bench has."""
        return f"{self.bundle.name}/{self.variant.kind}@{self.source}"

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Turn the failure of this variant into a note on its row."""
        try:
            yield
        except RunnerFailed as error:
            self.failure = str(error)


# Given the scores of some images of a row as soon as they are there.
Keep = Callable[[Row, Sequence[ImageRef], Sequence[Scores]], None]


def ignore(row: Row, images: Sequence[ImageRef], scores: Sequence[Scores]) -> None:
    """Keep nothing."""
