"""Runs, comparisons and strata as tables for the terminal, for 80 columns and for more."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hemotk.artifacts import Estimate, Stratum
from hemotk.experiments.by import PatientFigures, Strata, StratumRow
from hemotk.experiments.compare import PairedRuns, RunComparison
from hemotk.experiments.rows import RunRow
from hemotk.render.numbers import NOTHING, duration, interval, with_interval
from hemotk.render.page import minute
from hemotk.training.misses import MISSES_FILE
from hemotk.training.plots import CURVES_FILE, DECISIONS_FILE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FILES = (CURVES_FILE, DECISIONS_FILE, MISSES_FILE)
WIDE = 118  # columns from which every fact has a column of its own
_WORD = "arch"  # the heading of the other column of words
_SHARES = ("accuracy", "sensitivity", "specificity", "auc")
_HEADINGS = {"accuracy": "accuracy", "sensitivity": "sensitivity", "specificity": "specificity", "auc": "AUC"}
_NARROW_HEADINGS = {"accuracy": "accuracy", "sensitivity": "sensitiv.", "specificity": "specific.", "auc": "AUC"}

Cells = tuple[str, ...]


def show_rows(rows: Sequence[RunRow], console: "Console") -> None:
    """Print a table of runs: two lines each, the second with intervals; then what is wrong with some."""
    sets = _sets(rows)
    wide = console.width >= WIDE
    heads, cells = (_wide_heads, _wide) if wide else (_narrow_heads, _narrow)
    # Left and folded: the name. All others as wide as they are.
    console.print(_table(heads(len(sets) > 1), [cells(row, sets) for row in rows], console))
    say = _sayer(console)
    for letter, row in sets.values():
        counted = "single images" if row.groups is None else f"{row.groups} groups"
        name = f"set {letter}: " if len(sets) > 1 else ""
        say(f"{name}{row.images} {row.part} images, {row.positives} with label 1; intervals over {counted}", "dim")
    for row in rows:
        if row.why:
            say(f"{row.name}: {row.why}", "yellow")


def _sets(rows: Sequence[RunRow]) -> dict[str, tuple[str, RunRow]]:
    """A letter for every set of images that runs were judged on, and the first of these runs."""
    first: dict[str, RunRow] = {}
    for row in rows:
        if row.images_of is not None:
            first.setdefault(row.images_of, row)
    return {images: (_letters(place), row) for place, (images, row) in enumerate(first.items())}


def _letters(place: int) -> str:
    """A, B, … Z, AA, AB, …"""
    before = _letters(place // 26 - 1) if place >= 26 else ""
    return before + chr(ord("A") + place % 26)


def _set(row: RunRow, sets: dict[str, tuple[str, RunRow]]) -> str:
    return NOTHING if row.images_of is None else sets[row.images_of][0]


def _narrow_heads(several: bool) -> Cells:
    made = "made" if not several else "made\nset"
    return ("run\narch, size", "weights\nepochs", *_NARROW_HEADINGS.values(), made)


def _narrow(row: RunRow, sets: dict[str, tuple[str, RunRow]]) -> Cells:
    kind = row.state if row.arch is None else f"{row.arch} {row.size}²"
    made = _day(row.created)
    last = f"{made}\n{_set(row, sets)}" if len(sets) > 1 else f"{made}\n{duration(row.seconds)}"
    shares = (_two_lines(getattr(row, name), row, digits=2) for name in _SHARES)
    return (f"{row.name}\n{kind}", f"{_count(row.parameters)}\n{_known(row.epochs)}", *shares, last)


def _wide_heads(several: bool) -> Cells:
    facts = ("run", _WORD, "size", "epochs", "weights")
    return (*facts, *_HEADINGS.values(), "made", *(["set"] if several else []))


def _wide(row: RunRow, sets: dict[str, tuple[str, RunRow]]) -> Cells:
    arch = row.state if row.arch is None else row.arch
    facts = (row.name, arch, _known(row.size), _known(row.epochs), _count(row.parameters))
    shares = (_two_lines(getattr(row, name), row, digits=3) for name in _SHARES)
    made = f"{minute(row.created or NOTHING).removesuffix(' UTC')}\n{duration(row.seconds)}"
    return (*facts, *shares, made, *([_set(row, sets)] if len(sets) > 1 else []))


def _two_lines(figure: Estimate | None, row: RunRow, digits: int) -> str:
    if figure is None or figure.value is None:
        return NOTHING
    star = "*" if row.groups is None else ""
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f}\n{figure.low:.{digits}f}–{figure.high:.{digits}f}{star}"


def _count(count: int | None) -> str:
    if count is None:
        return NOTHING
    return f"{count / 1e6:.1f} M" if count >= 1e5 else f"{count / 1e3:.0f} k" if count >= 1e3 else str(count)


def _known(count: int | None) -> str:
    return NOTHING if count is None else str(count)


def _day(created: str | None) -> str:
    """`26 Nov`; the year is in the wide table."""
    if created is None:
        return NOTHING
    try:
        return f"{datetime.fromisoformat(minute(created)[:10]):%d %b}"
    except ValueError:
        return NOTHING


# --- side by side


def show_comparison(comparison: RunComparison, console: "Console") -> None:
    """Print the runs, the settings that differ, and every run against the first on the images that both saw."""
    show_rows(comparison.rows, console)
    say = _sayer(console)
    names = [row.name for row in comparison.rows]
    say("")
    if comparison.settings:
        say("settings that differ", "bold")
        rows = [(name, *values) for name, values in comparison.settings.items()]
        console.print(_table(("", *names), rows, console))
    else:
        say("no setting differs", "bold")
    for pair in comparison.pairs:
        for line in pair_lines(pair):
            say(line)
    for note in comparison.notes:
        say(note, "yellow")


def pair_lines(pair: PairedRuns) -> Iterator[str]:
    """The differences of two runs; nothing where they share no image."""
    if pair.p is None:
        return
    yield f"{pair.other} − {pair.first}, on {pair.images} images of {pair.groups} groups that both were judged on"
    for name, figure in _shares_of(pair):
        yield f"  {name:12} {difference(figure)}"
    yield (
        f"  decisions    {pair.gained} only {pair.other} gets right, {pair.lost} only {pair.first} does; "
        f"McNemar's p over groups {pair.p:.3g}"
    )


def _shares_of(pair: PairedRuns) -> Iterator[tuple[str, Estimate]]:
    for name in _SHARES:
        figure = getattr(pair, name)
        if figure is not None:
            yield _HEADINGS[name], figure


def difference(figure: Estimate) -> str:
    """`+0.025 [-0.012, +0.062]`; where nothing was measured, why."""
    if figure.value is None:
        return with_interval(figure)
    return f"{figure.value:+.3f} {interval(figure, signed=True)}".rstrip()


# --- parts


STRATA_NOTE = (
    "The last column is the AUC of the share of soft tissue alone, on the same images. "
    "Of a subtype, its images are held against all images without hemorrhage. Parts were not chosen beforehand and are "
    "small: among many, some look better or worse by chance."
)


def show_strata(found: Strata, console: "Console") -> None:
    """Print a table of the parts, with the baseline beside each AUC, and the figures over patients."""
    say = _sayer(console)
    say("")
    if found.rows:
        heads = ("part", "images\nlabel 1", "sensitiv.", "specific.", "AUC", "AUC, soft\ntissue")
        console.print(_table(heads, [_stratum(row) for row in found.rows], console))
        say(STRATA_NOTE, "dim")
    if found.patients is not None:
        for line in patient_lines(found.patients):
            say(line)
    for note in found.notes:
        say(note, "yellow")


def part_name(stratum: Stratum) -> str:
    """A subtype by its column, any other part by its column and value."""
    return stratum.column if stratum.subtype else f"{stratum.column} = {stratum.value}"


def _stratum(row: StratumRow) -> Cells:
    part = row.stratum
    counts = f"{part.images}\n{part.positives}"
    if part.groups is not None:
        counts = f"{part.images} of {part.groups}\n{part.positives} of {part.with_positive}"
    specificity = Estimate(None) if part.subtype else part.specificity
    shares = (_part_cell(each) for each in (part.sensitivity, specificity, part.auc, row.baseline))
    return (part_name(part), counts, *shares)


def _part_cell(figure: Estimate | None) -> str:
    if figure is None or figure.value is None:
        return NOTHING
    return (
        f"{figure.value:.3f}\n{figure.low:.2f}–{figure.high:.2f}" if figure.low is not None else f"{figure.value:.3f}"
    )


def patient_lines(found: PatientFigures) -> Iterator[str]:
    """The figures over patients, in lines."""
    rule = f"mean of the {found.k} highest slices" if found.k > 1 else "the highest slice"
    whence = "both chosen on validation patients" if found.chosen else "not chosen on patients: expect false alarms"
    counts = f"{found.patients} patients, {found.positives} with hemorrhage"
    yield f"over {counts} ({rule}, called from {found.threshold:.3g}; {whence})"
    for name in _SHARES:
        yield f"  {_HEADINGS[name]:12} {with_interval(getattr(found.metrics, name))}"
    if found.baseline is not None:
        yield f"  AUC of the greatest share of soft tissue alone {with_interval(found.baseline)}"
    if found.left_out:
        yield f"  {found.left_out} images of no known patient with several slices are left out"


# --- one run


def show_run(row: RunRow, console: "Console") -> None:
    """Print one run: its row, its slice level, and where its pictures lie."""
    show_rows([row], console)
    say = _sayer(console)
    if row.level is not None:
        level = row.level
        say(
            f"the share of soft tissue alone: AUC {with_interval(level.baseline)}; within the {level.brain_images} "
            f"brain slices ({level.brain_positives} with label 1) the run's AUC is {with_interval(level.brain)}",
            "yellow" if level.exceeds_chance else "",
        )
    if row.threshold is not None and row.images is not None:
        say(f"called a hemorrhage from a probability of {row.threshold:.4g}")
    files = [name for name in FILES if (row.folder / name).is_file()]
    if files:
        say(f"see {', '.join(files)} in {row.folder}", "dim")


def _sayer(console: "Console") -> Callable[..., None]:
    def say(words: str, style: str = "") -> None:
        console.print(words, style=style, markup=False, highlight=False, soft_wrap=True)

    return say


def _table(heads: Cells, rows: Sequence[Cells], console: "Console") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), collapse_padding=True)
    for place, head in enumerate(heads):
        wrapped = not place or len(heads) < 5
        left = not place or head == _WORD
        table.add_column(Text(head), justify="left" if left else "right", no_wrap=not wrapped, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
