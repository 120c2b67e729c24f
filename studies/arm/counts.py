"""Counted instructions per inference, as kept in JSON and as printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hemotk.artifacts import Artifact, require
from hemotk.errors import CheckFailed

TOLERANCE = 0.02
SMALL = 20_000  # by so many instructions images may differ, which in a tiny model is much
NOTHING = "–"


@dataclass(frozen=True)
class Count:
    """Executed instructions, and those among them that are SDOT or UDOT."""

    all: int
    sdot: int


@dataclass(frozen=True)
class Row:
    """One model of input [1, `size`, `size`, 1].

    `steady` is one inference after the first, `counts` are all of them in turn; `ratio` is to the first model.
    `images_equal` of `images_compared` gave the same output bytes as the native interpreter; None where that was not
    asked, or no output is an integer.
    """

    model: str
    sha256: str
    bytes: int
    size: int
    dtype: str
    steady: Count
    counts: tuple[Count, ...]
    ratio: float
    images_compared: int | None = None
    images_equal: int | None = None

    def __post_init__(self) -> None:
        require(self.ratio > 0, "ratio", "above 0")
        require((self.images_compared is None) == (self.images_equal is None), "images_equal", "beside images_compared")


@dataclass(frozen=True)
class ArmReport(Artifact):
    """What was counted, on which emulated processor, by which versions, on which images."""

    SCHEMA: ClassVar[str] = "hemotk.arm/1"

    cpu: str
    qemu: str
    ai_edge_litert: str
    images: str
    rows: tuple[Row, ...]


def steady(counts: Sequence[Count], model: str) -> Count:
    """The (lower) median inference of those after the first, which also sets up what the others reuse.

    Raises:
        CheckFailed: they differ by more than `TOLERANCE` of the count and `SMALL`.
    """
    later = sorted(counts[1:], key=lambda count: count.all)
    if later[-1].all > (1 + TOLERANCE) * later[0].all + SMALL:
        raise CheckFailed(
            f"{model}: took {later[0].all} to {later[-1].all} instructions for one inference, "
            f"more than {TOLERANCE:.0%} apart; count more inferences, or find out what varies."
        )
    return later[(len(later) - 1) // 2]


def header(models: Sequence[str]) -> str:
    """The first line of the table."""
    return _line(models, "model", "input", "M instructions", "M SDOT", "ratio", "as native")


def line(row: Row, models: Sequence[str]) -> str:
    """One line of the table; `models` are all that will come."""
    equal = NOTHING if row.images_compared is None else f"{row.images_equal} of {row.images_compared}"
    millions = (f"{count / 1e6:.1f}" for count in (row.steady.all, row.steady.sdot))
    return _line(models, row.model, f"{row.size} {row.dtype}", *millions, f"{row.ratio:.3f}", equal)


def _line(models: Sequence[str], model: str, *cells: str) -> str:
    width = max(map(len, ("model", *models)))
    return f"{model:<{width}}" + "".join(
        f"{cell:>{size}}" for cell, size in zip(cells, (13, 16, 9, 8, 12), strict=True)
    )
