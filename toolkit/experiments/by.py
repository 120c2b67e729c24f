"""The figures of a run within parts of its test images: subtypes, slice levels, sets, patients, columns of a table."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import Estimate, GroupMetrics, ImageRef, Part, Stratum
from hemotk.data.read.tissue import BRAIN
from hemotk.data.scan.cells import check_nobody_is_named, no_column, rows_of_table
from hemotk.data.scan.words import SUBTYPES
from hemotk.data.series import series_score
from hemotk.errors import HemotkError
from hemotk.experiments.scored import ScoredPart
from hemotk.stats import strata
from hemotk.stats.grouped import auc_by_group, evaluate_groups
from hemotk.stats.metrics import calibrated
from hemotk.stats.strata import Cells

# Words that need no column of a table, or stand for several.
SUBTYPE, LEVEL, SET, PATIENT = "subtype", "level", "set", "patient"
TISSUE = "soft tissue"
# Shares of soft tissue between which slices are of one level.
_EDGES = (0.0, 0.1, BRAIN, 0.3, 1.0)
_NO_TISSUE = "was scored before hemotk kept the share of soft tissue of each image; train or prune it again."


@dataclass(frozen=True)
class StratumRow:
    """The figures on a part of the images, and `baseline`, the AUC that the share of soft tissue alone has on them.

    `baseline` is None where that share was not kept.
    """

    stratum: Stratum
    baseline: Estimate | None


@dataclass(frozen=True)
class PatientFigures:
    """The figures over patients: each scores the mean probability of its `k` highest slices, called from `threshold`.

    A patient has a hemorrhage where a slice has one. `chosen` says that both were chosen on validation patients; else
    it is the highest slice, at the threshold of slices. `left_out` images are of no patient with several slices.
    `baseline` is the AUC of the greatest share of soft tissue of a patient's slices.
    """

    k: int
    threshold: float
    chosen: bool
    patients: int
    positives: int
    left_out: int
    metrics: GroupMetrics
    baseline: Estimate | None


@dataclass(frozen=True)
class Strata:
    """The figures of the run `run` on `part`, divided `by` what was asked for; `notes` say what is not shown."""

    run: str
    part: Part
    by: tuple[str, ...]
    rows: tuple[StratumRow, ...] = ()
    patients: PatientFigures | None = None
    notes: tuple[str, ...] = ()


def divide(scored: ScoredPart, by: Sequence[str], data: Path | None = None) -> Strata:
    """Divide the figures of `scored` by each word of `by`.

    'subtype' is every column of the table of labels that is called after a kind of hemorrhage, 'level' the share of
    soft tissue, 'set' the folder of a merged split, 'patient' the figures over patients. Any other word is a column of
    the table of labels that lies with the images, which are in `data` where that is given.

    Raises:
        HemotkError: nothing known of what was asked for; a column that is not there or names patients; a table that
            says other labels than the split.
    """
    if not by:
        raise HemotkError("‹by›: names nothing to divide by; give subtype, level, set, patient, or a column.")
    words = tuple(dict.fromkeys(word.strip().lower() for word in by))
    columns = [word for word in words if word not in (LEVEL, SET, PATIENT)]
    images = [
        ImageRef(item.path, item.label, int(group)) for item, group in zip(scored.items, scored.groups, strict=True)
    ]
    cells, lacking = _cells(scored, images, columns, data) if columns else ({}, ())
    divided = strata.divide(images, cells) if cells else []
    none_of = _kinds_of_no_image(divided, columns)
    parts = [part for part in divided if part.column not in none_of]
    for word in words:
        parts += _levels(scored) if word == LEVEL else _sets(scored) if word == SET else []
    rows = tuple(StratumRow(_stratum(scored, part), _baseline(scored, part.chosen)) for part in parts)
    return Strata(
        scored.card.name,
        scored.part,
        words,
        rows,
        _patients(scored) if PATIENT in words else None,
        (
            *(f"No image of the {scored.part} part is marked {name}." for name in none_of),
            *lacking,
            *(_sentence(note) for note in (strata.left_out(images, cells) if cells else ())),
        ),
    )


def _kinds_of_no_image(parts: Sequence[strata.Part], columns: Sequence[str]) -> tuple[str, ...]:
    """The kinds of hemorrhage, not asked for by their own names, that no image is marked with."""
    kinds = (part.column for part in parts if part.column in SUBTYPES and not part.subtype)
    return tuple(dict.fromkeys(kind for kind in kinds if kind not in columns))


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."


def _stratum(scored: ScoredPart, part: strata.Part) -> Stratum:
    grouped = len(set(scored.groups.tolist())) < len(scored.items)
    groups = scored.groups if grouped else None
    return strata.stratum(part, scored.labels, scored.called, scored.logits, groups)


def _baseline(scored: ScoredPart, chosen: NDArray[np.bool_]) -> Estimate | None:
    if scored.tissue is None:
        return None
    return auc_by_group(scored.labels[chosen], scored.tissue[chosen], scored.groups[chosen])


def _levels(scored: ScoredPart) -> Iterator[strata.Part]:
    """All brain slices, then the slices between two edges of the share of soft tissue; empty ones are left out."""
    if scored.tissue is None:
        raise HemotkError(f"‹by› {LEVEL}: {scored.folder} {_NO_TISSUE}")
    share = scored.tissue
    yield strata.Part(TISSUE, f"{BRAIN:g} or more (brain)", False, share >= BRAIN)
    for low, high in itertools.pairwise(_EDGES):
        last = high == _EDGES[-1]
        chosen = (share >= low) & ((share <= high) if last else (share < high))
        name = f"{low:g} or more" if last else f"{low:g} to {high:g}" if low else f"below {high:g}"
        if chosen.any():
            yield strata.Part(TISSUE, name, False, chosen)


def _folders(scored: ScoredPart) -> list[str]:
    """The folder of a merged split that each image is of, [n]; empty words where it was not merged."""
    if not scored.split.merged:
        return [""] * len(scored.items)
    return [item.set for item in scored.items]


def _sets(scored: ScoredPart) -> Iterator[strata.Part]:
    folders = np.array(_folders(scored), dtype=object)
    names = sorted(set(folders.tolist()))
    if names == [""]:
        raise HemotkError(f"‹by› {SET}: the images of {scored.folder} are of one folder; leave it out.")
    yield from (strata.Part(SET, name, False, folders == name) for name in names)


# --- columns of a table


def _cells(
    scored: ScoredPart, images: Sequence[ImageRef], columns: Sequence[str], data: Path | None
) -> tuple[dict[str, Cells], tuple[str, ...]]:
    """The cells of `columns` by the path of each image; of a merged split, from the table of each folder that has any.

    With them comes a sentence for each folder of a merged split that lacks one of the columns.

    Raises:
        HemotkError: as `divide`.
    """
    root = scored.split.root(data)
    if not root.is_dir():
        raise HemotkError(f"{root}: no such folder; name the one that holds the run's images with ‹data›.")
    labels = {item.path: item.label for item in scored.items}
    found: dict[str, dict[str, str]] = {}
    there: set[str] = set()
    has: dict[str, set[str]] = {}
    for below in sorted(set(_folders(scored))):
        for row in rows_of_table(root / below, scored.split.classes):
            path = f"{below}/{row.path}" if below else row.path
            if path in labels:
                _check_label(root / path, row.label, labels[path])
                found[path] = dict(row.columns)
                has.setdefault(below, set()).update(row.columns)
        there |= has.setdefault(below, set())
    names = _subtypes(columns, there, root)
    missing = [name for name in names if name not in there]
    if missing:
        raise no_column(root, missing, there)
    cells: Mapping[str, Cells] = {path: {name: row.get(name, "") for name in names} for path, row in found.items()}
    for name in names:
        check_nobody_is_named(name, root, images, cells)
    return dict(cells), tuple(_lacking(below, names, has[below]) for below in has if set(names) - has[below])


def _lacking(folder: str, names: Sequence[str], there: set[str]) -> str:
    missing = ", ".join(name for name in names if name not in there)
    return (
        f"The table of {folder} has no column {missing}: its images count as unmarked; those without hemorrhage stay "
        "in the comparison."
    )


def _check_label(path: Path, now: int, before: int) -> None:
    if now != before:
        raise HemotkError(
            f"{path}: its table says label {now} today, the run was judged with {before}; undo the edit, or split and "
            "train again."
        )


def _subtypes(columns: Sequence[str], there: set[str], root: Path) -> list[str]:
    """`columns` with 'subtype', unless a column has that name, replaced by all columns of kinds of hemorrhage."""
    kinds = [name for name in sorted(there) if name in SUBTYPES]
    if SUBTYPE in columns and SUBTYPE not in there and not kinds:
        raise no_column(root, [*SUBTYPES], there)
    names = (kinds if name == SUBTYPE and SUBTYPE not in there else [name] for name in columns)
    return list(dict.fromkeys(name for some in names for name in some))


# --- patients


def _patients(scored: ScoredPart) -> PatientFigures:
    """The figures over patients with several slices.

    Raises:
        HemotkError: there are none in this part.
    """
    split = scored.split
    names = {group.name for group in split.groups if "patient" in group.reasons and "near" not in group.reasons}
    kept = np.array([item.group in names for item in scored.items], bool)
    if not kept.any():
        raise HemotkError(
            f"‹by› {PATIENT}: no image of the {scored.part} part of {scored.folder} is of a known patient with several "
            "slices; split with patients."
        )
    point = scored.card.study
    k = 1 if point is None else point.k
    threshold = scored.card.threshold if point is None else point.threshold
    place = np.unique(scored.groups[kept], return_inverse=True)[1].reshape(-1)
    count = int(place.max()) + 1
    chances = calibrated(scored.logits[kept], scored.card.temperature)
    scores = np.array([series_score(chances[place == one].tolist(), k) for one in range(count)])
    truth = np.bincount(place, scored.labels[kept]) > 0
    baseline = None
    if scored.tissue is not None:
        share = scored.tissue[kept]
        baseline = auc_by_group(truth, [share[place == one].max() for one in range(count)], None)
    return PatientFigures(
        k=k,
        threshold=threshold,
        chosen=point is not None,
        patients=count,
        positives=int(truth.sum()),
        left_out=int((~kept).sum()),
        metrics=evaluate_groups(truth, scores >= threshold, scores, np.arange(count)),
        baseline=baseline,
    )
