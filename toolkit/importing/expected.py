"""The scores that a network had in its author's own pipeline, and how far those of the import are from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import SplitManifest
from hemotk.data.scan.table_text import read_table
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.stats.metrics import sigmoid

Array = NDArray[np.float64]

LEAST_AGREEMENT = 0.95
_LEAST_PICTURES = 5
_MOST_RANKED = 2000  # pictures whose pairs are compared
_PATHS = ("path", "file", "filename", "image", "picture")
_LOGITS, _PROBABILITIES = ("logit",), ("probability", "prob", "score", "prediction")


@dataclass(frozen=True, eq=False)
class Expected:
    """Scores from elsewhere: of the pictures `indices` of the split, in its order, as logits float64 [n].

    A probability differs by at most `limit` if all is well. `sha256` is that of the table at `where`.
    """

    where: Path
    sha256: str
    indices: NDArray[np.int64]
    logits: Array
    limit: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """How far logits are from those expected: `differences` in probability [n], and the share of pairs in order."""

    differences: Array
    agreement: float
    limit: float

    @property
    def greatest(self) -> float:
        """The greatest difference in probability."""
        return float(self.differences.max())

    @property
    def good(self) -> bool:
        """Whether the network is the same."""
        return self.greatest <= self.limit and self.agreement >= LEAST_AGREEMENT

    def text(self) -> str:
        """The figures, for a card or an error."""
        return (
            f"greatest difference {self.greatest:.2g} in probability (limit {self.limit:g}) over "
            f"{self.differences.size} pictures, {self.agreement:.1%} of pairs in the same order"
        )


def read_expected(path: Path, split: SplitManifest, limit: float) -> Expected:
    """Read a table of pictures (their paths below the folder of `split`) with a logit or a probability each.

    Raises:
        HemotkError: no such columns, pictures that the split has not or that are there twice, too few of them, or
            values that are no logits or probabilities.
    """
    if not 0 < limit <= 1:
        raise HemotkError(f"‹expect_limit› {limit}: must be above 0 and at most 1; change the value.")
    table = read_table(path)
    header = [cell.strip().lower() for cell in table.header]
    name = _column(header, _PATHS)
    value = _column(header, _LOGITS + _PROBABILITIES)
    if name is None or value is None:
        raise HemotkError(
            f"{path}: has the columns {', '.join(table.header)[:100]}; call them 'path', and 'logit' or 'probability'."
        )
    places = _places([item.path for item in split.items])
    found: dict[int, float] = {}
    for _, row in table.rows:
        cell = row[name].strip().replace("\\", "/").removeprefix("./")
        at = places.get(cell, places.get(cell.rpartition("/")[2]))
        if at is None or at < 0 or at in found:
            why = "is there twice" if at in found else "is no picture of the data, or of several by its name"
            raise HemotkError(f"{path}: '{cell[:80]}' {why}; give each picture's path below the folder, once.")
        found[at] = _number(row[value], path)
    if len(found) < _LEAST_PICTURES:
        raise HemotkError(f"{path}: has {len(found)} pictures, and {_LEAST_PICTURES} are needed; add some.")
    indices = np.array(list(found), np.int64)
    logits = _as_logits(np.array(list(found.values())), header[value] in _LOGITS, path)
    return Expected(path, sha256_file(path), indices, logits, limit)


def compare(logits: Array, expected: Array, limit: float) -> Comparison:
    """How far `logits` are from `expected`, both float64 [n]."""
    return Comparison(np.abs(sigmoid(logits) - sigmoid(expected)), _agreement(logits, expected), limit)


def _agreement(logits: Array, expected: Array) -> float:
    """The share of pairs that are in the same order, of those that `expected` tells apart; 1 if it tells none."""
    some = np.linspace(0, len(logits) - 1, min(len(logits), _MOST_RANKED)).astype(int)
    ours, theirs = (np.sign(np.subtract.outer(each[some], each[some])) for each in (logits, expected))
    told = theirs != 0
    return float((ours == theirs)[told].mean()) if told.any() else 1.0


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _places(paths: Sequence[str]) -> dict[str, int]:
    """The index of each picture by its path, and by its last part; −1 where several end alike."""
    places: dict[str, int] = {}
    for index, path in enumerate(paths):
        last = path.rpartition("/")[2]
        places[last] = -1 if last in places else index
    return {**places, **{path: index for index, path in enumerate(paths)}}


def _number(cell: str, path: Path) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise HemotkError(f"{path}: '{cell[:40]}' is no number; write scores with a decimal point.")
    return value


def _as_logits(values: Array, are_logits: bool, path: Path) -> Array:
    if are_logits:
        return values
    if values.min() < 0 or values.max() > 1:
        raise HemotkError(
            f"{path}: has probabilities from {values.min():g} to {values.max():g}; if they are logits, call their "
            "column 'logit'."
        )
    bounded = np.clip(values, 1e-12, 1 - 1e-12)
    return np.log(bounded) - np.log1p(-bounded)
