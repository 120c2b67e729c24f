"""Every score as a table: a line for each image and row, written as it comes."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np

from hemotk.artifacts import ImageRef
from hemotk.benchmarks.measure.rows import Row
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, writing
from hemotk.stats.metrics import calibrated, decide
from hemotk.tflite.scorer import Scores

COLUMNS = ("image", "label", "bundle", "source", "variant", "logit", "output", "probability", "called")


class ScoresFile:
    """A CSV file that grows as `NAME.partial` and gets its name when all is there; use as a context manager.

    After an error the file keeps the name `NAME.partial`; without any score, or on a full disk, no file is left.

    `probability` is sigmoid(logit / temperature), `called` 1 where it reaches the bundle's threshold. `label` is empty
    where there is none, `logit`, `output` and `probability` are `nan` or `inf` where the model said so.

    Raises:
        HemotkError: the file or its `.partial` exists and `overwrite` is false, or it cannot be written.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._empty = True
        for name in (self._path, self._partial):
            refuse_existing(name, overwrite)
        with writing(self._partial):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: TextIO = self._partial.open("w", encoding="utf-8", newline="")
        self._table = csv.writer(self._stream)
        self._write([COLUMNS])

    def __enter__(self) -> "ScoresFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the file its name; after an error it keeps the one that says it is not whole, if it has scores."""
        if self._stream.closed:  # the disk was full
            return
        if error is not None and self._empty:
            self._forget()
            return
        with self._on_disk():
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            if error is None:
                self._partial.replace(self._path)

    def add(self, row: Row, images: Sequence[ImageRef], scores: Sequence[Scores]) -> None:
        """Append the scores of `images`, one each, and hand them to the system.

        Raises:
            HemotkError: the disk is full.
        """
        card = row.bundle.card
        logits = np.array([score.logit for score in scores], np.float64)
        probabilities = calibrated(logits, card.temperature)
        called = decide(logits, card.threshold, card.temperature).astype(int)
        where = (row.bundle.name, row.source, row.variant.kind)
        self._write(
            (image.id, "" if image.label is None else image.label, *where, score.logit, score.probability, p, decision)
            for image, score, p, decision in zip(images, scores, probabilities.tolist(), called.tolist(), strict=True)
        )
        self._empty = self._empty and not scores

    def _forget(self) -> None:
        """Leave no file."""
        with suppress(OSError):
            self._stream.close()
        self._partial.unlink(missing_ok=True)

    def _write(self, lines: object) -> None:
        with self._on_disk():
            self._table.writerows(lines)  # type: ignore[arg-type]
            self._stream.flush()

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        """As `writing` does; a file that cannot be written to its end only takes the room that is lacking."""
        try:
            with writing(self._partial):
                yield
        except HemotkError:
            self._forget()
            raise
