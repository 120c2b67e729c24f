"""Near duplicates: one slice rescaled, shifted, windowed, compressed or mirrored, and neighbouring slices of one head.

Two views are compared by normalized cross-correlation, at its largest over small shifts and over both mirror images:
r of the gray values' ranks, d of the local contrast. Their similarity is tanh((artanh r + 2 artanh d) / 3).
Slices without brain take no part: couches and discs of bone look alike in every head.
Views come in the order of their files' names. Those beside each other need to be less alike than others: they are few
and mostly of one series, while of all pairs nearly every one is of two patients.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemotk.data.duplicates.view import VIEW_SIZE, Grid, View
from hemotk.errors import HemotkError
from hemotk.progress import Tell, silent

MOST_IMAGES = 10_000
NEAR = 0.82  # chosen on real series (studies/duplicates_study.py) and held against planted copies
BESIDE = 0.7  # for views at most REACH places apart, mirrored ones aside
REACH = 2
MIRRORED = 0.84  # neighbouring slices are never mirrored, so most pairs below are of different heads
COPY = 0.9  # what bone-only slices near the vertex must reach, since those of different heads look alike
BETWEEN = 0.86  # between two folders; four public sets have 16 million such pairs, the highest at 0.841
LEAST_TISSUE = 0.1  # in both slices
ENOUGH_TISSUE = 0.15  # in one of them: a copy in another window shows less
_CANDIDATE = 0.6  # at half the resolution; 0.5 finds the same pairs on the real series, in up to twice the time
_CANDIDATE_BESIDE = 0.5  # without it 0.3 to 3 % more pairs are found
_SHIFT, _COARSE_SHIFT = 2, 1
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Pair:
    """Two near duplicates by their places in the list, `first` < `second`, and how similar they are: 0 to 1.

    `beside` says that they stand beside each other in the list, where less similarity is needed.
    """

    first: int
    second: int
    similarity: float
    mirrored: bool
    beside: bool = False

    @property
    def least(self) -> float:
        """The similarity from which two such slices with brain count as near duplicates."""
        return BESIDE if self.beside else NEAR


def near_duplicates(views: Sequence[View], tell: Tell = silent) -> tuple[Pair, ...]:
    """Every pair of views that is similar enough, by place; `tell` is told how many are compared.

    Raises:
        HemotkError: more than 10,000 views, since each is compared with every other.
    """
    if len(views) > MOST_IMAGES:
        raise HemotkError(
            f"near duplicates: {len(views)} images are more than the {MOST_IMAGES} that can all be compared with each "
            "other; use ‹groups› patient, or a smaller folder."
        )
    places = [place for place, one in enumerate(views) if one.tissue >= LEAST_TISSUE]
    chosen = [views[place] for place in places]
    near: list[Pair] = []
    for first, others in _candidates(chosen):
        if len(others):
            pairs = _alike(chosen, first, others)
            placed = (replace(pair, first=places[pair.first], second=places[pair.second]) for pair in pairs)
            near.extend(pair for pair in map(_placed, placed) if _counts(pair, views))
        tell("comparing images", first + 1, len(chosen))
    return tuple(near)


Compare = Callable[[Sequence[View], Tell], tuple[Pair, ...]]


def comparing_once() -> Compare:
    """`near_duplicates` that remembers: the same views are not compared again."""
    known: list[tuple[tuple[View, ...], tuple[Pair, ...]]] = []

    def compare(views: Sequence[View], tell: Tell) -> tuple[Pair, ...]:
        asked = tuple(views)
        for before, pairs in known:
            if len(before) == len(asked) and all(one is other for one, other in zip(before, asked, strict=True)):
                return pairs
        pairs = near_duplicates(asked, tell)
        known.append((asked, pairs))
        return pairs

    return compare


def near_duplicates_between(
    first: Sequence[View], second: Sequence[View], tell: Tell = silent
) -> tuple[tuple[int, int, float], ...]:
    """Near duplicates of views of one folder in another: place in `first`, place in `second`, similarity 0.86 to 1.

    `tell` is told how many of `first` are compared.
    """
    places, others = (
        [place for place, one in enumerate(views) if one.tissue >= LEAST_TISSUE] for views in (first, second)
    )
    near: list[tuple[int, int, float]] = []
    if not (places and others):
        return ()
    rows, columns = _coarse([first[place] for place in places]), _coarse([second[place] for place in others])
    for start in range(0, len(places), _ROWS_AT_ONCE):
        for row, found in enumerate(_agreement(rows[start : start + _ROWS_AT_ONCE], columns), start):
            candidates = [others[column] for column in np.flatnonzero(found >= _CANDIDATE)]
            if candidates:
                near.extend(_between(first, places[row], second, candidates))
            tell("comparing images", row + 1, len(places))
    return tuple(near)


def _between(
    first: Sequence[View], place: int, second: Sequence[View], others: Sequence[int]
) -> Iterator[tuple[int, int, float]]:
    one = first[place]
    for other, likeness in zip(others, _similarities(one, [second[other] for other in others]), strict=True):
        two, similarity = second[other], float(likeness.max())
        least = BETWEEN if one.telling and two.telling else COPY
        if similarity >= least and max(one.tissue, two.tissue) >= ENOUGH_TISSUE:
            yield place, other, similarity


def _coarse(views: Sequence[View]) -> Grid:
    """The local contrast of each view at half the resolution: float32 [n, 32, 32]."""
    return np.stack([_halved(one.detail) for one in views])


def _agreement(rows: Grid, columns: Grid) -> Grid:
    """The largest correlation over shifts and mirror images of each of `rows` with each of `columns`."""
    flat = columns.reshape(len(columns), -1)
    best = np.full((len(rows), len(columns)), -1.0, np.float32)
    for moved in _moved(rows, _COARSE_SHIFT):
        np.maximum(best, moved.reshape(len(rows), -1) @ flat.T, out=best)
    return best


def _candidates(views: Sequence[View]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """The candidates for each view: later ones whose local contrast agrees at half resolution; neighbours need less."""
    if not views:
        return
    coarse = _coarse(views)
    brain = np.array([one.tissue >= ENOUGH_TISSUE for one in views])
    for start in range(0, len(views), _ROWS_AT_ONCE):
        best = _agreement(coarse[start : start + _ROWS_AT_ONCE], coarse[start:])
        for row in range(len(best)):
            first = start + row
            near = best[row, row + 1 :] >= _CANDIDATE
            near[:REACH] |= best[row, row + 1 : row + 1 + REACH] >= _CANDIDATE_BESIDE
            yield first, first + 1 + np.flatnonzero(near & (brain[first + 1 :] | brain[first]))


def _alike(views: Sequence[View], first: int, others: NDArray[np.intp]) -> Iterator[Pair]:
    """The pairs of `first` with those of `others` that may count."""
    joint = _similarities(views[first], [views[other] for other in others])
    for other, (straight, mirrored) in zip(others, joint, strict=True):
        similarity = float(max(straight, mirrored))
        if similarity >= BESIDE:
            yield Pair(first, int(other), similarity, bool(mirrored > straight))


def _similarities(one: View, others: Sequence[View]) -> Grid:
    """The similarity of `one`, as it is and mirrored, with each of the `others`: [len(others), 2]."""
    ranks = _correlations(one.ranks, [other.ranks for other in others])
    details = _correlations(one.detail, [other.detail for other in others])
    joint: Grid = np.tanh((_artanh(ranks) + 2 * _artanh(details)) / 3).T
    return joint


def _placed(pair: Pair) -> Pair:
    """The pair, which says whether its views stand beside each other."""
    return replace(pair, beside=not pair.mirrored and pair.second - pair.first <= REACH)


def _counts(pair: Pair, views: Sequence[View]) -> bool:
    if not (views[pair.first].telling and views[pair.second].telling):
        return pair.similarity >= COPY
    return pair.similarity >= (MIRRORED if pair.mirrored else pair.least)


def _correlations(one: Grid, others: Sequence[Grid]) -> Grid:
    """The largest correlation of `one`, as it is and mirrored, with each of the `others`: [2, len(others)]."""
    moved = np.stack([grid[0] for grid in _moved(one[None], _SHIFT)]).reshape(-1, one.size)
    values = moved @ np.stack(others).reshape(len(others), -1).T
    return values.reshape(2, -1, len(others)).max(axis=1)


def _moved(grids: Grid, reach: int) -> Iterator[Grid]:
    """The grids [n, rows, columns] at each shift, then mirrored at each shift."""
    steps = range(-reach, reach + 1)
    for turned in (grids, grids[:, :, ::-1]):
        for rows in steps:
            for columns in steps:
                yield np.roll(turned, (rows, columns), (1, 2))


def _halved(grid: Grid) -> Grid:
    half = VIEW_SIZE // 2
    small = grid.reshape(half, 2, half, 2).mean(axis=(1, 3))
    norm = np.linalg.norm(small)
    return small / norm if norm > 0 else small


def _artanh(values: Grid) -> Grid:
    return np.arctanh(np.clip(values, -0.999, 0.999))
