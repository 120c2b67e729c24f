"""The histories of runs as event files of TensorBoard, written by its own library where that is installed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hemotk.errors import HemotkError
from hemotk.experiments.rows import RunRow
from hemotk.files import new_folder, write_bytes
from hemotk.training.history import HISTORY_FILE, Epoch, read_history

_CURVES = {
    "loss/training": "loss",
    "loss/validation": "validation_loss",
    "accuracy/training": "accuracy",
    "accuracy/validation": "validation_accuracy",
    "learning rate": "learning_rate",
    "seconds of an epoch": "seconds",
}
# Lies in the folder, so that it may be replaced.
_CARD, _SCHEMA = "events.json", "hemotk.events/1"
_FIGURES = ("accuracy", "sensitivity", "specificity", "auc")


def write_events(out: Path, rows: Sequence[RunRow], *, overwrite: bool = False) -> int:
    """Write a folder of event files for each of `rows` that has a history below `out`; return how many there are.

    Curves are those of `history.csv`; the figures of a finished run stand at its last epoch. Only `out` as a whole is
    written anew.

    Raises:
        HemotkError: TensorBoard is not installed, no run has a history, or `out` exists and `overwrite` is false.
    """
    writer = _library()
    histories = {row.name: (row, read_history(row.folder / HISTORY_FILE)) for row in rows if row.epochs is not None}
    if not histories:
        raise HemotkError("‹tensorboard›: none of the runs has a training history; name a run that was trained.")
    with new_folder(out, overwrite=overwrite) as folder:
        write_bytes(folder / _CARD, json.dumps({"schema": _SCHEMA, "runs": len(histories)}).encode())
        for name, (row, history) in histories.items():
            _write(writer, folder / name, row, history)
    return len(histories)


def _library() -> Any:
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise HemotkError(
            "‹tensorboard›: TensorBoard is not installed; run `pip install tensorboard`, or look at curves.png in the "
            "run's folder."
        ) from error
    return EventFileWriter, event_pb2, summary_pb2


def _write(library: Any, folder: Path, row: RunRow, history: Sequence[Epoch]) -> None:
    event_file_writer, event_pb2, summary_pb2 = library
    writer = event_file_writer(str(folder))
    # Hours on TensorBoard's axis are those that the training worked, whenever this was written.
    seconds = 0.0

    def add(tag: str, value: float, step: int) -> None:
        summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)])
        writer.add_event(event_pb2.Event(wall_time=seconds, step=step, summary=summary))

    for epoch in history:
        seconds += epoch.seconds
        for tag, field in _CURVES.items():
            add(tag, getattr(epoch, field), epoch.epoch)
    for name in _FIGURES:
        figure = getattr(row, name)
        if figure is not None and figure.value is not None:
            add(f"{row.part}/{name}", figure.value, len(history))
    writer.close()
