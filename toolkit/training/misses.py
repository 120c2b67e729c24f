"""The misses of a finished network: every test image whose verdict is wrong, the worst first."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from hemotk.artifacts import SplitItem
from hemotk.files import write_bytes
from hemotk.stats.metrics import calibrated

MISSES_FILE = "misses.csv"

Kind: TypeAlias = Literal["false negative", "false positive"]
_KINDS: tuple[Kind, Kind] = ("false negative", "false positive")
_COLUMNS = ("kind", "path", "label", "logit", "probability")


@dataclass(frozen=True)
class Miss:
    """An image that was called the wrong way: its path in the split, label, logit, and calibrated probability."""

    kind: Kind
    path: str
    label: int
    logit: float
    probability: float


def misses_of(items: Sequence[SplitItem], logits: ArrayLike, threshold: float, temperature: float) -> tuple[Miss, ...]:
    """The misses among `items`, whose `logits` are float [n] in their order: missed bleeds first, the worst first.

    A probability of sigmoid(logit / temperature) from `threshold` on is called a hemorrhage.
    """
    return tuple(sorted(_misses(items, logits, threshold, temperature), key=_worst_first))


def _misses(items: Sequence[SplitItem], logits: ArrayLike, threshold: float, temperature: float) -> Iterator[Miss]:
    scores = np.asarray(logits, np.float64)
    for item, logit, chance in zip(items, scores.tolist(), calibrated(scores, temperature).tolist(), strict=True):
        called = chance >= threshold
        if called != bool(item.label):
            yield Miss(_KINDS[called], item.path, item.label, logit, chance)


def _worst_first(miss: Miss) -> tuple[int, float, str]:
    return _KINDS.index(miss.kind), miss.logit if miss.label else -miss.logit, miss.path


def write_misses(path: Path, misses: Sequence[Miss]) -> None:
    """Write `misses.csv`, a line for each miss.

    Raises:
        HemotkError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for miss in misses:
        writer.writerow((miss.kind, miss.path, miss.label, repr(miss.logit), repr(miss.probability)))
    write_bytes(path, text.getvalue().encode())
