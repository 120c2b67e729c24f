"""The runs below a folder, finished and unfinished, a row each."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, SPLIT_FILE, Estimate, Part, RunCard, SliceLevel, SplitManifest
from hemotk.errors import HemotkError
from hemotk.experiments.scored import open_scored
from hemotk.files import check_sha256, sha256_bytes
from hemotk.models.weights import read_shape
from hemotk.store.cards import run_card
from hemotk.store.unfinished import PARTIAL_SUFFIX
from hemotk.training.history import HISTORY_FILE, read_history
from hemotk.training.scores import SCORES_FILE

MOST_DEPTH = 3  # of runs below the folder, such as runs/cv/fold-1

State = Literal["finished", "unfinished", "unreadable"]


@dataclass(frozen=True)
class RunRow:
    """One run: what it is, and its figures on one part of its split, fractions with 95 % intervals.

    Intervals count whole groups where the run keeps its scores, else single images: `groups` is None then. `images_of`
    is the checksum of the part's images, the same in runs that were judged on the same ones. Of an unfinished or
    unreadable run nothing is known but what stands here; `why` says in a sentence what is missing. `seconds` is the
    wall time of its last process.
    """

    name: str
    folder: Path
    state: State
    why: str = ""
    source: str | None = None
    arch: str | None = None
    size: int | None = None
    epochs: int | None = None
    parameters: int | None = None
    created: str | None = None
    seconds: float | None = None
    threshold: float | None = None
    part: Part = "test"
    images: int | None = None
    positives: int | None = None
    groups: int | None = None
    images_of: str | None = None
    accuracy: Estimate | None = None
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    auc: Estimate | None = None
    loss: float | None = None
    level: SliceLevel | None = None


def find_rows(folder: Path, part: Part) -> tuple[RunRow, ...]:
    """A row for every run below `folder`; one that cannot be read is no error but a row that says so.

    Raises:
        HemotkError: no such folder, or no run below it.
    """
    if not folder.is_dir():
        raise HemotkError(f"{folder}: no such folder; make a run with `hemotk train`, or name the folder of your runs.")
    rows = tuple(row_of(path, path.relative_to(folder).as_posix(), part) for path in _runs_below(folder, MOST_DEPTH))
    if not rows:
        raise HemotkError(f"{folder}: no run lies here; make one with `hemotk train`, or name another folder.")
    return rows


def _runs_below(folder: Path, depth: int) -> Iterator[Path]:
    """Folders of runs and of unfinished work, in the order of their names; nothing inside them is looked at."""
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names are sorted, not paths
        path = folder / name
        if name.startswith(".") or not path.is_dir():
            continue
        if name.endswith(PARTIAL_SUFFIX) or (path / RUN_CARD).is_file():
            yield path
        elif depth > 1 and not path.is_symlink():
            yield from _runs_below(path, depth - 1)


def row_of(folder: Path, name: str, part: Part) -> RunRow:
    """The row of one run folder, or of one with unfinished work."""
    if folder.name.endswith(PARTIAL_SUFFIX):
        return _unfinished(folder, name.removesuffix(PARTIAL_SUFFIX), part)
    try:
        return _finished(folder, name, part)
    except HemotkError as error:
        return RunRow(name, folder, "unreadable", str(error), part=part)


def _finished(folder: Path, name: str, part: Part) -> RunRow:
    card = run_card(folder)
    for file in (SHAPE_FILE, SPLIT_FILE):
        check_sha256(folder / file, card.files[file])
    split = SplitManifest.read(folder / SPLIT_FILE)
    metrics = card.metrics.get(part)
    facts: dict[str, Any] = {
        "source": card.source,
        "arch": card.arch,
        "size": card.preprocess.size,
        "epochs": _epochs(folder, card),
        "parameters": read_shape(folder / SHAPE_FILE).parameters(),
        "created": card.created,
        "seconds": card.seconds,
        "threshold": card.threshold,
    }
    if metrics is None:
        return RunRow(name, folder, "finished", f"was not judged on its {part} part", part=part, **facts)
    judged = open_scored(folder, part).metrics if SCORES_FILE in card.files else None
    shares = metrics if judged is None else judged
    return RunRow(
        name,
        folder,
        "finished",
        part=part,
        **facts,
        images=metrics.count,
        positives=metrics.positives,
        groups=None if judged is None else judged.groups,
        images_of=images_of(split, part),
        accuracy=shares.accuracy,
        sensitivity=shares.sensitivity,
        specificity=shares.specificity,
        auc=shares.auc,
        loss=metrics.loss,
        level=(card.slice_level or {}).get(part),
    )


def images_of(split: SplitManifest, part: Part) -> str:
    """A checksum of the images of a part with their labels, whatever their order."""
    return sha256_bytes("\n".join(sorted(f"{item.key} {item.label}" for item in split.part(part))).encode())


def _epochs(folder: Path, card: RunCard) -> int | None:
    if HISTORY_FILE not in card.files:
        return None
    check_sha256(folder / HISTORY_FILE, card.files[HISTORY_FILE])
    return len(read_history(folder / HISTORY_FILE))


def _unfinished(folder: Path, name: str, part: Part) -> RunRow:
    """What is known without opening the checkpoint: how many epochs are done, and their time."""
    why = "unfinished; the same command goes on with --resume"
    try:
        history = read_history(folder / HISTORY_FILE)
    except HemotkError:
        return RunRow(name, folder, "unfinished", why, part=part)
    seconds = sum(epoch.seconds for epoch in history)
    return RunRow(name, folder, "unfinished", why, part=part, epochs=len(history), seconds=seconds)


# --- order

_BEST_FIRST = ("accuracy", "sensitivity", "specificity", "auc")
_HIGH_FIRST = ("created",)
SORTS = ("created", "name", "arch", "size", "epochs", "parameters", "time", "loss", *_BEST_FIRST)


def in_order(rows: Sequence[RunRow], by: str) -> tuple[RunRow, ...]:
    """The rows by one of `SORTS`: the newest or best first, else from small to large; unknown ones come last.

    Raises:
        HemotkError: `by` is none of these.
    """
    if by not in SORTS:
        raise HemotkError(f"‹sort› {by}: is no column of runs; choose of {', '.join(SORTS)}.")
    key = _key(by)
    known = [row for row in rows if key(row) is not None]
    down = by in (*_BEST_FIRST, *_HIGH_FIRST)
    unknown = [row for row in rows if key(row) is None]
    return (*sorted(known, key=key, reverse=down), *unknown)  # type: ignore[arg-type]


def _key(by: str) -> Callable[[RunRow], Any]:
    if by == "created":
        return lambda row: None if row.created is None else _moment(row.created)
    if by in _BEST_FIRST:
        return lambda row: None if (found := getattr(row, by)) is None else found.value
    return lambda row: getattr(row, "seconds" if by == "time" else by)


def _moment(created: str) -> datetime:
    """The moment of creation; one that cannot be read is older than all."""
    try:
        moment = datetime.fromisoformat(created.replace("Z", "+00:00"))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


# --- what must be said beside a table


def beside(rows: Sequence[RunRow], by: str | None = None) -> Iterator[str]:
    """Sentences without which the table of `rows`, sorted `by`, would mislead."""
    judged = [row for row in rows if row.images is not None]
    if len({row.images_of for row in judged}) > 1:
        yield (
            f"The runs were judged on {len({row.images_of for row in judged})} different sets of images (column "
            "'set'): figures of different sets are not comparable."
        )
    if judged and judged[0].part == "test" and by in (*_BEST_FIRST, "loss") and len(judged) > 1:
        yield (
            f"The best of {len(judged)} runs on the test part looks better than it is: choose a run on the validation "
            "part, then read its test figures once."
        )
    if any(row.groups is None for row in judged):
        yield "Runs without scores of single images have intervals that take the images as independent (marked *)."
    for row in judged:
        if row.level is not None and row.level.exceeds_chance:
            yield (
                "Within these images the share of soft tissue alone tells the classes better than chance: read the "
                "AUC within brain slices beside it (`hemotk runs NAME`)."
            )
            return
