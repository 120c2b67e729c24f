"""Experiments: finished runs as a table, side by side, and divided into parts."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemotk.api.common import PathLike, block, lines, maybe, table
from hemotk.artifacts import RUN_CARD, Part
from hemotk.artifacts.codec import encode
from hemotk.errors import HemotkError
from hemotk.experiments import by as dividing
from hemotk.experiments import rows as reading
from hemotk.experiments.by import Strata
from hemotk.experiments.compare import RunComparison, different, not_shared, paired
from hemotk.experiments.rows import RunRow
from hemotk.experiments.scored import ScoredPart, open_scored
from hemotk.experiments.sheet import sheet_of
from hemotk.experiments.text import difference, part_name, show_comparison, show_rows, show_run, show_strata
from hemotk.files import write_bytes
from hemotk.render.numbers import NOTHING, with_interval
from hemotk.store.cards import run_card
from hemotk.store.run import StoredRun

if TYPE_CHECKING:
    from rich.console import Console

RUNS = Path("runs")
PARTS: tuple[Part, ...] = ("validation", "test")
_SHARES = ("accuracy", "sensitivity", "specificity", "auc")


@dataclass(frozen=True)
class Runs(Sequence[RunRow]):
    """Runs as a table: a row each, in the order that was asked for, and `notes` without which it would mislead."""

    rows: tuple[RunRow, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        return self.rows[place]

    def __iter__(self) -> Iterator[RunRow]:
        return iter(self.rows)

    def show(self, console: "Console | None" = None) -> None:
        """Print the table."""
        where = _console(console)
        if len(self.rows) == 1:
            show_run(self.rows[0], where)
        else:
            show_rows(self.rows, where)
        _say(where, self.notes)

    def body(self) -> dict[str, Any]:
        """The table as plain values for JSON."""
        return {"what": "runs", **encode({"rows": self.rows, "notes": self.notes})}

    def __repr__(self) -> str:
        return f"<hemotk.Runs: {len(self.rows)}>"

    def _repr_html_(self) -> str:
        return block(f"{len(self.rows)} runs", table(_HEADINGS, [_cells(row) for row in self.rows]), lines(self.notes))


@dataclass(frozen=True)
class ComparedRuns:
    """Runs side by side in `found`: rows, settings that differ, and each against the first on shared images."""

    found: RunComparison

    def show(self, console: "Console | None" = None) -> None:
        """Print the comparison."""
        show_comparison(self.found, _console(console))

    def body(self) -> dict[str, Any]:
        """The comparison as plain values for JSON."""
        return {"what": "comparison", **encode(self.found)}

    def __repr__(self) -> str:
        return f"<hemotk.ComparedRuns: {', '.join(row.name for row in self.found.rows)}>"

    def _repr_html_(self) -> str:
        found = self.found
        names = [row.name for row in found.rows]
        settings = [(name, *values) for name, values in found.settings.items()]
        pairs = [
            (f"{pair.other} − {pair.first}", str(pair.images), *_differences(pair), f"{pair.p:.3g}")
            for pair in found.pairs
            if pair.p is not None
        ]
        return block(
            "Runs side by side",
            table(_HEADINGS, [_cells(row) for row in found.rows]),
            table(("settings that differ", *names), settings),
            table(("difference", "shared images", *_FIGURES, "McNemar's p over groups"), pairs),
            lines(found.notes),
        )


@dataclass(frozen=True)
class RunStrata:
    """The figures of a run within parts of its images, in `found`."""

    found: Strata

    def show(self, console: "Console | None" = None) -> None:
        """Print the table."""
        show_strata(self.found, _console(console))

    def body(self) -> dict[str, Any]:
        """The figures as plain values for JSON."""
        return {"what": "strata", **encode(self.found)}

    def __repr__(self) -> str:
        return f"<hemotk.RunStrata of {self.found.run} by {', '.join(self.found.by)}>"

    def _repr_html_(self) -> str:
        headings = ("part", "images", "with label 1", *_FIGURES, "AUC of soft tissue alone")
        rows = [
            (
                part_name(row.stratum),
                str(row.stratum.images),
                str(row.stratum.positives),
                *(with_interval(getattr(row.stratum, name)) for name in _SHARES),
                NOTHING if row.baseline is None else with_interval(row.baseline),
            )
            for row in self.found.rows
        ]
        return block(f"{self.found.run}, {self.found.part} part", table(headings, rows), lines(self.found.notes))


_FIGURES = ("accuracy", "sensitivity", "specificity", "AUC")
_HEADINGS = ("run", "network", "size", "epochs", "weights", "images", *_FIGURES, "made")


def _cells(row: RunRow) -> tuple[str, ...]:
    facts = (row.arch or row.state, row.size, row.epochs, row.parameters, row.images)
    words = (NOTHING if fact is None else str(fact) for fact in facts)
    figures = (getattr(row, name) for name in _SHARES)
    return (
        row.name,
        *words,
        *(NOTHING if each is None else with_interval(each) for each in figures),
        row.created or "",
    )


def _differences(pair: Any) -> Iterator[str]:
    yield from (difference(getattr(pair, name)) for name in _SHARES)


def runs(folder: PathLike = RUNS, *, part: Part = "test", sort: str = "created") -> Runs:
    """The runs below `folder`, or the one that it is, with their figures on `part`, 'validation' or 'test'.

    `sort` is a column: created, name, arch, size, epochs, parameters, time, loss, accuracy, sensitivity, specificity or
    auc. Intervals count groups of images where the run keeps its scores. A run that is unfinished or cannot be read has
    a row that says so.

    Raises:
        HemotkError: no such folder or column, or no run.
    """
    _check_part(part)
    place = found_run(folder)
    one = (place / RUN_CARD).is_file()
    rows = (reading.row_of(place, place.name, part),) if one else reading.find_rows(place, part)
    if one and rows[0].state == "unreadable":
        raise HemotkError(rows[0].why)
    ordered = reading.in_order(rows, sort)
    return Runs(ordered, () if one else tuple(reading.beside(ordered, sort)))


def compare_runs(*runs: PathLike | StoredRun, part: Part = "test") -> ComparedRuns:
    """Hold runs against the first of them: settings that differ, figures, and differences on shared images.

    Raises:
        HemotkError: fewer than two runs, one twice, one that cannot be read, or labels of shared images that
            contradict.
    """
    _check_part(part)
    folders = [_run_folder(each) for each in runs]
    if len(folders) < 2:
        raise HemotkError("RUN: one is no comparison; name two or more runs.")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise HemotkError(f"{folders[0]}: one of the runs is named twice; name each once.")
    names = _names(folders)
    rows = tuple(reading.row_of(folder, name, part) for folder, name in zip(folders, names, strict=True))
    for row in rows:
        if row.state == "unreadable":
            raise HemotkError(row.why)
    scored = [_scored(folder, part) for folder in folders]
    unpaired = [
        f"{name} is not paired: {each}"
        for name, each in zip(names, scored, strict=True)
        if isinstance(each, HemotkError)
    ]
    first = scored[0]
    pairs = tuple(
        paired(first, each, (names[0], name))
        for name, each in zip(names[1:], scored[1:], strict=True)
        if isinstance(first, ScoredPart) and isinstance(each, ScoredPart)
    )
    cards = [_facts(folder) for folder in folders]
    notes = (*reading.beside(rows), *unpaired, *not_shared(pairs, rows))
    return ComparedRuns(RunComparison(part, rows, different(cards), pairs, tuple(notes)))


def _facts(folder: Path) -> dict[str, Any]:
    """What a run was made with, as far as its card knows."""
    card = run_card(folder)
    pixels = card.preprocess
    # A run teaches what is pruned from it, if no other does.
    own_teacher = card.parents.get("teacher") == card.parents.get("run")
    parents = {name: sha256 for name, sha256 in card.parents.items() if name != "teacher" or not own_teacher}
    return {
        "source": card.source,
        "arch": card.arch,
        "size": pixels.size,
        "window": f"{pixels.window_level:g}/{pixels.window_width:g}",
        **{name: value for name, value in card.chosen.items() if name not in ("arch", "size", "window")},
        "decision threshold": card.threshold,
        "temperature": card.temperature,
        **{f"made from {name}": f"{sha256[:12]}…" for name, sha256 in parents.items()},
    }


def strata(
    run: PathLike | StoredRun, by: str | Sequence[str], *, part: Part = "test", data: PathLike | None = None
) -> RunStrata:
    """The figures of a run within parts of its images: by 'subtype', 'level', 'set', 'patient', or columns of a table.

    'level' is the share of soft tissue, 'set' the folder of a merged split. Columns are those of the table of labels
    that lies with the images; `data` is where these are now.

    Raises:
        HemotkError: no readable run with scores, or nothing known of what was asked for.
    """
    _check_part(part)
    words = (by,) if isinstance(by, str) else tuple(by)
    return RunStrata(dividing.divide(open_scored(_run_folder(run), part), words, maybe(data)))


def misses_sheet(
    run: PathLike | StoredRun,
    out: PathLike,
    *,
    part: Part = "test",
    data: PathLike | None = None,
    overwrite: bool = False,
) -> tuple[int, int]:
    """Write the misses of a run as a PNG with the pictures; return how many it shows and how many there are.

    It shows pixels of patients, so nothing makes it unasked.

    Raises:
        HemotkError: no miss, an image that is not there or was changed, or `out` exists and `overwrite` is false.
    """
    _check_part(part)
    sheet = sheet_of(open_scored(_run_folder(run), part), maybe(data))
    write_bytes(Path(out), sheet.png, overwrite=overwrite)
    return sheet.shown, len(sheet.misses)


def write_tensorboard(runs: Runs, out: PathLike, *, overwrite: bool = False) -> int:
    """Write the histories of `runs` as event files below `out`, for TensorBoard; return of how many runs.

    Raises:
        HemotkError: TensorBoard is not installed, no run has a history, or `out` exists and `overwrite` is false.
    """
    from hemotk.experiments.tensorboard import write_events

    return write_events(Path(out), runs.rows, overwrite=overwrite)


def found_run(name: PathLike) -> Path:
    """The path `name`, or that of the run or folder of this name below runs/."""
    path = Path(name)
    return path if path.exists() or not (RUNS / path).exists() else RUNS / path


def _run_folder(run: PathLike | StoredRun) -> Path:
    """The folder of a finished run.

    Raises:
        HemotkError: there is no run card.
    """
    folder = run.folder if isinstance(run, StoredRun) else found_run(run)
    if not folder.is_dir():
        raise HemotkError(f"{folder}: no such run; see `hemotk runs` for those below runs/.")
    run_card(folder)
    return folder


def _names(folders: Sequence[Path]) -> list[str]:
    """The folders' own names, or their paths where two have one name."""
    names = [folder.name for folder in folders]
    return names if len(set(names)) == len(names) else [folder.as_posix() for folder in folders]


def _scored(folder: Path, part: Part) -> ScoredPart | HemotkError:
    try:
        return open_scored(folder, part)
    except HemotkError as error:
        return error


def _check_part(part: str) -> None:
    if part not in PARTS:
        raise HemotkError(f"‹part› {part}: must be validation or test.")


def _console(console: "Console | None") -> "Console":
    if console is not None:
        return console
    from rich.console import Console

    return Console()


def _say(console: "Console", notes: Sequence[str]) -> None:
    for note in notes:
        console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)


def to_text(shown: "Runs | ComparedRuns | RunStrata", width: int = 100) -> str:
    """What `show` prints, as text of `width` columns."""
    from rich.console import Console

    stream = io.StringIO()
    shown.show(Console(file=stream, width=width))
    return stream.getvalue()
