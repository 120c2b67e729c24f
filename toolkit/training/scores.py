"""The scores of a finished network: a line for each image, so that every figure can be made again."""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hemotk.artifacts import Part, SplitManifest
from hemotk.errors import HemotkError
from hemotk.files import write_bytes

SCORES_FILE = "scores.csv"
_COLUMNS = ("path", "part", "label", "logit")
_TISSUE = "tissue"


def write_scores(
    path: Path,
    split: SplitManifest,
    logits: Mapping[Part, np.ndarray],
    tissue: Mapping[Part, np.ndarray] | None = None,
) -> None:
    """Write `scores.csv`: path in the split, part, label and logit; `logits` has float64 [n] for each part of interest.

    `tissue`, where it is known, is a column of its own: the share of soft tissue in the picture, 0 to 1.

    Raises:
        HemotkError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_COLUMNS, _TISSUE) if tissue else _COLUMNS)
    for part, scores in logits.items():
        shares = [(repr(float(share)),) for share in tissue[part]] if tissue else [()] * len(scores)
        for item, logit, share in zip(split.part(part), scores, shares, strict=True):
            writer.writerow((item.path, part, item.label, repr(float(logit)), *share))
    write_bytes(path, text.getvalue().encode())


def read_scores(path: Path, part: Part) -> dict[str, float]:
    """The logits of one part by path in the split.

    Raises:
        HemotkError: missing, cut short, or without an image of that part.
    """
    return _column(path, part, "logit")


def read_tissue(path: Path, part: Part) -> dict[str, float] | None:
    """The shares of soft tissue of one part by path in the split; None in files from before they were measured.

    Raises:
        HemotkError: as `read_scores`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            known = _TISSUE in (csv.DictReader(stream).fieldnames or ())
    except (OSError, ValueError) as error:
        raise HemotkError(f"{path}: holds no scores or was cut short; copy it again.") from error
    return _column(path, part, _TISSUE) if known else None


def _column(path: Path, part: Part, name: str) -> dict[str, float]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.DictReader(stream) if row["part"] == part]
        values = {row["path"]: float(row[name]) for row in rows}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise HemotkError(f"{path}: holds no scores or was cut short; copy it again.") from error
    if not values or not all(map(math.isfinite, values.values())):
        raise HemotkError(f"{path}: holds no scores of the {part} part; train again.")
    return values
