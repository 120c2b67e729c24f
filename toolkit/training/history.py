"""The history of a training, epoch by epoch: the log and its CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias

from hemotk.errors import HemotkError
from hemotk.files import write_bytes

HISTORY_FILE = "history.csv"

Phase: TypeAlias = Literal["head", "network"]


@dataclass(frozen=True)
class Epoch:
    """One epoch, counted from 1: losses in nats, accuracies as fractions, training figures over augmented pictures.

    `phase` says what learned: the head alone, or the whole network. `seconds` of the head's first epoch hold the
    computing of the features, except those that a killed process had left.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    phase: Phase = "network"


def write_history(path: Path, history: Sequence[Epoch]) -> None:
    """Write `history.csv`, one line an epoch.

    Raises:
        HemotkError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    for epoch in history:
        writer.writerow(
            {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in asdict(epoch).items()}
        )
    write_bytes(path, text.getvalue().encode())


def read_history(path: Path) -> tuple[Epoch, ...]:
    """Read `history.csv`.

    Raises:
        HemotkError: missing or cut short.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return tuple(_epoch(row) for row in csv.DictReader(stream))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise HemotkError(f"{path}: is no training history or was cut short; copy it again.") from error


def _epoch(row: Mapping[str, str]) -> Epoch:
    figures = {field.name: float(row[field.name]) for field in fields(Epoch)[1:-1]}
    # A history from before there were phases is of the whole network.
    return Epoch(int(row["epoch"]), **figures, phase="head" if row.get("phase") == "head" else "network")
