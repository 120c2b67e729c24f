"""Runs side by side: which settings differ, and what differs on the images that they share."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import Estimate, Part
from hemotk.errors import HemotkError
from hemotk.experiments.rows import RunRow
from hemotk.experiments.scored import ScoredPart
from hemotk.stats.paired import auc_difference, mcnemar_by_group, share_drop
from hemotk.training.config import TrainConfig

MISSING = "–"
# How a pruning sets what a training has not, unasked; its budget and its method are always a choice.
_OF_PRUNING: Mapping[str, str] = {
    "importance": "taylor",
    "multiple": "8",
    "distill.share": "0.8",
    "distill.temperature": "3",
    "passes": "2",
    "importance_batch": "4",
    "drop_layers": "no",
    "structure": "none",
    "begin": "0",
    "end": "0.6",
}


@dataclass(frozen=True)
class PairedRuns:
    """The run `other` against the run `first`, on the images that both were judged on.

    Differences are figure of `other` − figure of `first`, with intervals that draw whole groups again. `lost` images
    only `first` gets right, `gained` only `other`; `p` is McNemar's question over groups. Without shared images all
    figures are None.
    """

    first: str
    other: str
    images: int
    positives: int
    groups: int
    lost: int = 0
    gained: int = 0
    p: float | None = None
    accuracy: Estimate | None = None
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    auc: Estimate | None = None


@dataclass(frozen=True)
class RunComparison:
    """Several runs: a row each, the settings that differ by name (a text for each run), and each against the first.

    `notes` are sentences on what could not be compared.
    """

    part: Part
    rows: tuple[RunRow, ...]
    settings: Mapping[str, tuple[str, ...]]
    pairs: tuple[PairedRuns, ...]
    notes: tuple[str, ...] = ()


def different(settings: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The settings that are not the same everywhere, by name; inner ones after the outer name and a dot.

    One that not every run has, since a pruning has others than a training, or an earlier version had fewer, stands here
    only where a run has chosen something.
    """
    flat = [dict(_flat(each)) for each in settings]
    names = dict.fromkeys(name for each in flat for name in each)
    said = {name: tuple(each.get(name, MISSING) for each in flat) for name in names}
    return {name: values for name, values in said.items() if len(set(values)) > 1 and _is_choice(name, values)}


def _is_choice(name: str, values: Sequence[str]) -> bool:
    """Whether all runs have it, or one has it with another value than it has unasked."""
    return MISSING not in values or bool({*values} - {MISSING, _word(None), _unasked().get(name, "")})


@functools.cache
def _unasked() -> Mapping[str, str]:
    return {**dict(_flat(TrainConfig().settings())), **_OF_PRUNING}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _word(value)


def _word(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_word, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def paired(first: ScoredPart, other: ScoredPart, names: tuple[str, str]) -> PairedRuns:
    """Compare two runs, called `names`, on the images that both were judged on.

    Raises:
        HemotkError: a shared image has another label in each.
    """
    places = {item.key: place for place, item in enumerate(other.items)}
    pairs = [(place, places[item.key]) for place, item in enumerate(first.items) if item.key in places]
    ours, theirs = (np.array([pair[side] for pair in pairs], np.intp) for side in (0, 1))
    labels = first.labels[ours]
    wrong = int((labels != other.labels[theirs]).sum())
    if wrong:
        raise HemotkError(
            f"{first.folder} and {other.folder}: {wrong} of {len(pairs)} shared images have another label in each; "
            "train both on one labelling."
        )
    if not pairs:
        return PairedRuns(*names, 0, 0, 0)
    groups = _joined(first.groups[ours], other.groups[theirs])
    right = first.called[ours] == labels, other.called[theirs] == labels
    positive = labels == 1
    return PairedRuns(
        *names,
        images=len(pairs),
        positives=int(positive.sum()),
        groups=len(set(groups.tolist())),
        lost=int((right[0] & ~right[1]).sum()),
        gained=int((right[1] & ~right[0]).sum()),
        p=mcnemar_by_group(right[0].astype(int) - right[1].astype(int), groups),
        accuracy=share_drop(right[1], right[0], groups),
        sensitivity=share_drop(right[1][positive], right[0][positive], groups[positive], "no image with label 1"),
        specificity=share_drop(right[1][~positive], right[0][~positive], groups[~positive], "no image with label 0"),
        auc=auc_difference(labels, other.logits[theirs], first.logits[ours], groups),
    )


def _joined(one: NDArray[np.intp], two: NDArray[np.intp]) -> NDArray[np.intp]:
    """The finest groups that keep together what either split keeps together, [n]."""
    joined = one.copy()
    while True:
        before = joined.copy()
        for groups in (two, one):
            least = np.full(int(groups.max()) + 1, len(joined) + int(joined.max()), np.intp)
            np.minimum.at(least, groups, joined)
            joined = least[groups]
        if np.array_equal(before, joined):
            return joined


def not_shared(pairs: Sequence[PairedRuns], rows: Sequence[RunRow]) -> Iterator[str]:
    """Sentences on pairs that share no or not all images, and on how many comparisons there are."""
    counts = {row.name: row.images or 0 for row in rows}
    for pair in pairs:
        if not pair.images:
            yield f"{pair.first} and {pair.other} were judged on different images: nothing is paired."
        elif pair.images < max(counts[pair.first], counts[pair.other]):
            yield (
                f"{pair.first} and {pair.other} share {pair.images} images; {counts[pair.first] - pair.images} and "
                f"{counts[pair.other] - pair.images} others are left out of the differences."
            )
    if sum(bool(pair.images) for pair in pairs) > 1:
        yield "Each p-value is that of one comparison; among several, some are small by chance."


def unscored(folders: Mapping[str, Path], scored: Mapping[str, ScoredPart | HemotkError]) -> Iterator[str]:
    """A sentence for each run that could not be paired."""
    for name in folders:
        found = scored[name]
        if isinstance(found, HemotkError):
            yield f"{name} is not paired: {found}"
