"""What a finished network said about each image: a line an image, so that every figure can be made again."""

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


def write_scores(path: Path, split: SplitManifest, logits: Mapping[Part, np.ndarray]) -> None:
    """Write `scores.csv`: path in the split, part, label and logit; `logits` has float64 [n] for each part of interest.

    Raises:
        HemotkError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for part, scores in logits.items():
        for item, logit in zip(split.part(part), scores, strict=True):
            writer.writerow((item.path, part, item.label, repr(float(logit))))
    write_bytes(path, text.getvalue().encode())


def read_scores(path: Path, part: Part) -> dict[str, float]:
    """The logits of one part by path in the split.

    Raises:
        HemotkError: missing, cut short, or without an image of that part.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.DictReader(stream) if row["part"] == part]
        found = {row["path"]: float(row["logit"]) for row in rows}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise HemotkError(f"{path}: holds no scores or was cut short; copy it again.") from error
    if not found or not all(map(math.isfinite, found.values())):
        raise HemotkError(f"{path}: holds no scores of the {part} part; train again.")
    return found
