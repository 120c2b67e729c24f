"""A bench held against an earlier one, as its report keeps it."""

from dataclasses import dataclass

from hemotk.artifacts.bundle import Kind
from hemotk.artifacts.codec import require
from hemotk.artifacts.comparison import Paired


@dataclass(frozen=True)
class BaselineRow:
    """A row of a report against the row of the earlier report that it was matched with.

    `paired` is on the `images` that both scored, each at its own threshold; its "parent" is the earlier row. `bytes`
    and `median_ns` are those of then; the time is None where one of the two was not timed.
    """

    bundle: str
    kind: Kind
    images: int
    paired: Paired
    same_file: bool
    bytes: int
    median_ns: float | None

    def __post_init__(self) -> None:
        require(self.images > 0, "images", "above 0")


@dataclass(frozen=True)
class Baseline:
    """An earlier report: its file's SHA-256, when it was made, the rows found again, and notes on what was not."""

    sha256: str
    created: str
    rows: tuple[BaselineRow, ...]
    notes: tuple[str, ...] = ()
