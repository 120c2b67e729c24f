"""What a page of review is made of: the scores of one model on one part of a split, and what is known of the images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import GroupMetrics, Part
from hemotk.stats.grouped import evaluate_groups
from hemotk.stats.metrics import calibrated

# A picture as the network saw it, uint8 [size, size], by its place; and its class-activation map, float64 [h, w].
View: TypeAlias = Callable[[int], NDArray[np.uint8]]
Mapper: TypeAlias = Callable[[int], NDArray[np.float64]]

Kind: TypeAlias = Literal["missed", "false alarm", "flip", "near"]
KINDS: tuple[Kind, ...] = ("missed", "false alarm", "flip", "near")


@dataclass(frozen=True, eq=False)
class Album:
    """The way to the pictures of the images and to their maps; `why_no_maps` is a sentence where there are none."""

    view: View
    mapper: Mapper | None = None
    why_no_maps: str = ""


@dataclass(frozen=True, eq=False)
class Reviewed:
    """The logits, float64 [n], of the `model` of a run or bundle on the images of `part`; `parent` are float32's.

    `paths`, `labels` (0 or 1) and `groups` are those of the images, in the order of the logits; `joined` says of a
    group of several what joined them, `subtypes` of an image (by path) the kinds of hemorrhage that a table marks it
    with. `parent` is None where there is no float model to compare with. `images` is the folder of the
    images when they were split, empty where that is not known. `known` are sentences on them, `notes` on what is not
    shown. `album` opens the pictures, None where these were not asked for.
    """

    what: Literal["run", "bundle"]
    name: str
    folder: Path
    arch: str
    model: str
    part: Part
    classes: tuple[str, str]
    threshold: float
    temperature: float
    paths: tuple[str, ...]
    labels: NDArray[np.int_]
    groups: tuple[str, ...]
    logits: NDArray[np.float64]
    parent: NDArray[np.float64] | None = None
    joined: Mapping[str, str] = field(default_factory=dict)
    subtypes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    images: str = ""
    known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    album: Album | None = None

    @cached_property
    def chances(self) -> NDArray[np.float64]:
        """The calibrated probabilities of the model, [n]."""
        return calibrated(self.logits, self.temperature)

    @cached_property
    def parent_chances(self) -> NDArray[np.float64] | None:
        """Those of the float model, [n]."""
        return None if self.parent is None else calibrated(self.parent, self.temperature)

    @cached_property
    def flips(self) -> NDArray[np.bool_]:
        """Whether model and float model decide otherwise, [n]."""
        if self.parent_chances is None:
            return np.zeros(len(self.paths), bool)
        return (self.chances >= self.threshold) != (self.parent_chances >= self.threshold)

    @cached_property
    def metrics(self) -> GroupMetrics:
        """The figures at the recorded threshold, with intervals over groups."""
        places = np.unique(self.groups, return_inverse=True)[1].reshape(-1)
        return evaluate_groups(self.labels, self.chances >= self.threshold, self.logits, places)


@dataclass(frozen=True)
class Found:
    """A slice to look at: its place among the images, and why."""

    place: int
    kinds: tuple[Kind, ...]


def worth_a_look(reviewed: Reviewed, near: float) -> tuple[Found, ...]:
    """Every miss, every flip, and every slice whose probability is at most `near` away from the threshold.

    Missed hemorrhages come first, then false alarms, each the worst first; then other flips, then the nearest.
    """
    away = reviewed.chances - reviewed.threshold
    called, truth = away >= 0, reviewed.labels == 1
    marks: Sequence[tuple[Kind, NDArray[np.bool_]]] = (
        ("missed", ~called & truth),
        ("false alarm", called & ~truth),
        ("flip", reviewed.flips),
        ("near", np.abs(away) <= near),
    )
    found = [
        Found(place, tuple(kind for kind, marked in marks if marked[place]))
        for place in np.flatnonzero(np.any([marked for _, marked in marks], axis=0)).tolist()
    ]
    return tuple(sorted(found, key=lambda one: _order(one, float(away[one.place]), reviewed.paths[one.place])))


def _order(found: Found, away: float, path: str) -> tuple[int, float, str]:
    first = found.kinds[0]
    worst_first = first in ("missed", "false alarm")
    return KINDS.index(first), -abs(away) if worst_first else abs(away), path
