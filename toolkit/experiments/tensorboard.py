"""The histories of runs as event files of TensorBoard, written by its own library where that is installed."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hemotk.errors import HemotkError
from hemotk.experiments.rows import RunRow
from hemotk.files import new_folder, write_bytes
from hemotk.store.unfinished import PARTIAL_SUFFIX
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
_EVENTS, _VERSION = "events.out.tfevents.0.hemotk", "brain.Event:2"  # how TensorBoard knows them
_FIGURES = ("accuracy", "sensitivity", "specificity", "auc")


def write_events(out: Path, rows: Sequence[RunRow], *, overwrite: bool = False) -> int:
    """Write a folder of event files for each of `rows` that has a history below `out`; return how many there are.

    Curves are those of `history.csv`; the figures of a finished run stand at its last epoch. Only `out` as a whole is
    written anew.

    Raises:
        HemotkError: TensorBoard is not installed, no run has a history, or `out` exists and `overwrite` is false.
    """
    library = _library()
    histories = {_name(row): (row, read_history(row.folder / HISTORY_FILE)) for row in rows if row.epochs is not None}
    if not histories:
        raise HemotkError("‹tensorboard›: none of the runs has a training history; name a run that was trained.")
    with new_folder(out, overwrite=overwrite) as folder:
        write_bytes(folder / _CARD, json.dumps({"schema": _SCHEMA, "runs": len(histories)}).encode())
        for name, (row, history) in histories.items():
            _write(library, folder / name, row, history)
    return len(histories)


def _name(row: RunRow) -> str:
    """The run's name; that of its folder where it is unfinished, as a finished one may have the same name."""
    return row.name if row.state == "finished" else f"{row.name}{PARTIAL_SUFFIX}"


def _library() -> Any:
    """The modules of TensorBoard that write event files; they load no TensorFlow."""
    try:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise HemotkError(
            "‹tensorboard›: TensorBoard is not installed; run `pip install tensorboard`, or look at curves.png in the "
            "run's folder."
        ) from error
    return event_pb2.Event, summary_pb2.Summary, RecordWriter


def _write(library: Any, folder: Path, row: RunRow, history: Sequence[Epoch]) -> None:
    event, summary, record_writer = library
    folder.mkdir(parents=True)
    with (folder / _EVENTS).open("wb") as stream:
        writer = record_writer(stream)
        writer.write(event(file_version=_VERSION).SerializeToString())
        for seconds, step, tag, value in _scalars(row, history):
            figure = summary(value=[summary.Value(tag=tag, simple_value=value)])
            writer.write(event(wall_time=seconds, step=step, summary=figure).SerializeToString())


def _scalars(row: RunRow, history: Sequence[Epoch]) -> Iterator[tuple[float, int, str, float]]:
    """Seconds of training so far, epoch, name and value; so the axis of time shows work, whenever this is written."""
    seconds = 0.0
    for epoch in history:
        seconds += epoch.seconds
        for tag, field in _CURVES.items():
            yield seconds, epoch.epoch, tag, getattr(epoch, field)
    for name in _FIGURES:
        figure = getattr(row, name)
        if figure is not None and figure.value is not None:
            yield seconds, len(history), f"{row.part}/{name}", figure.value
