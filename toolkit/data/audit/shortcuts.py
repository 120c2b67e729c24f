"""Shortcut probes: does a property of the files alone, without the picture's content, predict the label?

The tiny model is a ridge regression of the label on the ranks of a few features and their squares. It scores each image
from folds that do not hold it. Chance is what the same model reaches when the labels are permuted. Pairs of images with
like shares of soft tissue show what a property says beyond the slice level.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.audit import SLICE_LEVEL, Probe, ProbeResult
from hemotk.artifacts.metrics import Estimate
from hemotk.data.audit.features import Features
from hemotk.data.split.grouping import class_counts
from hemotk.data.split.make import deal
from hemotk.progress import Tell, silent
from hemotk.stats.metrics import auc, auc_interval, midranks

PERMUTATIONS = 999
AUC_METHOD = "Newcombe 2006 method 5 with the number of groups of each class, 95 %"
_FOLDS = 5
_RIDGE = 1.0
_SEED = 0
_AT_ONCE = 100  # columns of labels that are ranked together
_STRATA = 10  # of like slice level, equally large

Numbers = NDArray[np.float64]


def run_probes(
    features: Sequence[Features],
    labels: Sequence[int],
    groups: Sequence[str],
    permutations: int = PERMUTATIONS,
    tell: Tell = silent,
) -> tuple[Probe, ...]:
    """Every probe, over single images and over `groups`; the same input gives the same figures.

    `features` holds one entry per image, all with the same names; `labels` are 0 or 1.
    """
    truth = np.asarray(labels, np.int64)
    single = [str(index) for index in range(len(truth))]
    plans = [_plan(truth, units, permutations) for units in (single, groups)]
    strata = _strata(features)
    probes = []
    for done, name in enumerate(features[0], 1):
        table = {key: np.array([one[name][key] for one in features]) for key in features[0][name]}
        design = _design(table)
        by_image, by_group = (_judged(design, plan) for plan in plans)
        means = {key: _means(values, truth) for key, values in table.items()}
        alike = None if strata is None or name == SLICE_LEVEL else _among_alike(design, plans[1], strata)
        probes.append(Probe(name, by_image, by_group, means, alike))
        tell("probing shortcuts", done, len(features[0]))
    return _corrected(probes)


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979), in the same order."""
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = largest
    return [float(value) for value in adjusted]


@dataclass(frozen=True)
class _Plan:
    """The plan of validation over one kind of units: the same for every probe.

    `fold` int64 [images]; `columns` int64 [images, 1 + permutations], the labels first; `held` units of each class.
    """

    fold: NDArray[np.int64]
    columns: NDArray[np.int64]
    held: tuple[int, int]


_TOO_FEW = Estimate(None, method=AUC_METHOD, why="each class needs 2 independent groups or more")


def _plan(truth: NDArray[np.int64], units: Sequence[str], permutations: int) -> _Plan | None:
    """None where there are too few units of a class."""
    counts = class_counts([int(label) for label in truth], units)
    held = [sum(count[label] > 0 for count in counts.values()) for label in (0, 1)]
    folds = min(_FOLDS, *held)
    if folds < 2:
        return None
    totals = np.sum(list(counts.values()), axis=0)
    dealt = deal(counts, np.tile(totals / folds, (folds, 1)), _SEED)
    fold = np.array([dealt[unit] for unit in units])
    columns = np.column_stack([truth, _permuted(truth, fold, units, permutations)])
    return _Plan(fold, columns, (held[0], held[1]))


def _result(design: Numbers, truth: NDArray[np.int64], units: Sequence[str], permutations: int) -> ProbeResult:
    return _judged(design, _plan(truth, units, permutations))


def _judged(design: Numbers, plan: _Plan | None) -> ProbeResult:
    if plan is None:
        return ProbeResult(_TOO_FEW, None, None)
    areas = _areas(plan.columns, _held_out(design, plan.columns.astype(np.float64), plan.fold))
    p = float((areas >= areas[0] - 1e-12).mean())
    return ProbeResult(_estimate(float(areas[0]), plan), p, None)


def _estimate(area: float, plan: _Plan) -> Estimate:
    low, high = auc_interval(area, plan.held[1], plan.held[0])
    return Estimate(area, low, high, AUC_METHOD)


def _areas(columns: NDArray[np.int64], scores: Numbers) -> Numbers:
    """The AUC of each column of `scores` for the same column of labels, both [images, columns]; ties count half."""
    count = len(columns)
    place = np.arange(count)[:, None]
    areas = []
    for start in range(0, columns.shape[1], _AT_ONCE):
        values, labels = scores[:, start : start + _AT_ONCE], columns[:, start : start + _AT_ONCE]
        order = np.argsort(values, axis=0)
        values, labels = np.take_along_axis(values, order, 0), np.take_along_axis(labels, order, 0)
        edge = np.ones((1, values.shape[1]), bool)
        rises = values[1:] != values[:-1]
        first = np.maximum.accumulate(np.where(np.vstack([edge, rises]), place, 0), axis=0)
        last = np.minimum.accumulate(np.where(np.vstack([rises, edge]), place, count)[::-1], axis=0)[::-1]
        positives = labels.sum(axis=0)
        above = ((first + last) / 2 * labels).sum(axis=0) - positives * (positives - 1) / 2
        areas.append(above / (positives * (count - positives)))
    return np.concatenate(areas)


def _strata(features: Sequence[Features]) -> NDArray[np.intp] | None:
    """The stratum of each image by its share of soft tissue; None where that is not measured."""
    if SLICE_LEVEL not in features[0]:
        return None
    share = np.array([next(iter(one[SLICE_LEVEL].values())) for one in features])
    return np.floor((midranks(share) - 0.5) * _STRATA / len(share)).astype(np.intp)


def _among_alike(design: Numbers, plan: _Plan | None, strata: NDArray[np.intp]) -> Estimate:
    """The AUC over pairs of one stratum, of a model that sees differences within strata alone."""
    if plan is None:
        return _TOO_FEW
    truth = plan.columns[:, :1]
    inner, target = design.copy(), truth.astype(np.float64)
    for number in np.unique(strata):
        here = strata == number
        inner[here] -= inner[here].mean(axis=0)
        target[here] -= target[here].mean()
    scores = _held_out(inner, target, plan.fold)
    right = pairs = 0.0
    for number in np.unique(strata):
        labels = truth[strata == number]
        weight = float(labels.sum() * (len(labels) - labels.sum()))
        if weight:
            right += weight * auc(labels[:, 0], scores[strata == number, 0])
            pairs += weight
    if not pairs:
        return Estimate(None, method=AUC_METHOD, why="no two images of like slice level have different labels")
    return _estimate(right / pairs, plan)


def _permuted(
    truth: NDArray[np.int64], fold: NDArray[np.int64], units: Sequence[str], permutations: int
) -> NDArray[np.int64]:
    """Labels [images, permutations], exchanged within each fold by whole units, so that folds keep their classes.

    A unit gets the labels of the one drawn for it, stretched to its own length: one that is all of one class stays so,
    whatever the sizes. They then begin at a random image of the unit and go on from its last to its first: slices of a
    series come in their order, so that labels kept in place would still follow the slice level.

    Stretching units of both classes can lose a class, without which there is no AUC; such a permutation is left undone
    and so counts as one that does as well as the labels do, which names no shortcut that is none. Drawing again could
    take very many tries.
    """
    rng = np.random.default_rng(_SEED)
    result = np.empty((len(truth), permutations), np.int64)
    number = np.unique(np.asarray(units), return_inverse=True)[1]
    for part in range(int(fold.max()) + 1):
        here = np.flatnonzero(fold == part)
        here = here[np.argsort(number[here], kind="stable")]
        labels = truth[here][np.lexsort((truth[here], number[here]))]
        _, starts, unit, sizes = np.unique(number[here], return_index=True, return_inverse=True, return_counts=True)
        number_in_unit = np.arange(len(here)) - starts[unit]
        for column in range(permutations):
            drawn = rng.permutation(len(starts))[unit]
            turned = (number_in_unit + rng.integers(sizes)[unit]) % sizes[unit]
            place = 2 * turned + 1  # in half images: the middle of each
            result[here, column] = labels[starts[drawn] + place * sizes[drawn] // (2 * sizes[unit])]
    undone = result.min(axis=0) == result.max(axis=0)
    result[:, undone] = truth[:, None]
    return result


def _held_out(design: Numbers, columns: Numbers, fold: NDArray[np.int64]) -> Numbers:
    """The score of each image for each column of labels, by the model fitted on the other folds."""
    scores = np.empty_like(columns)
    for number in range(int(fold.max()) + 1):
        train = fold != number
        centre = design[train].mean(axis=0)
        inner, outer = design[train] - centre, design[~train] - centre
        weights = np.linalg.solve(
            inner.T @ inner + _RIDGE * np.eye(design.shape[1]), inner.T @ (columns[train] - columns[train].mean(axis=0))
        )
        scores[~train] = np.round(outer @ weights, 9)  # equal pictures must tie whatever the order of the sums
    return scores


def _design(table: Mapping[str, Numbers]) -> Numbers:
    """Ranks scaled to −1…1 and their squares, [images, 2 × features]."""
    ranks = [(2 * midranks(values) - 1) / len(values) - 1 for values in table.values()]
    return np.column_stack([*ranks, *(rank**2 for rank in ranks)])


def _means(values: Numbers, truth: NDArray[np.int64]) -> tuple[float, float]:
    normal, hemorrhage = (float(values[truth == label].mean()) if (truth == label).any() else 0.0 for label in (0, 1))
    return normal, hemorrhage


def _corrected(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    results = [result for probe in probes for result in (probe.images, probe.groups)]
    known = [result.p for result in results if result.p is not None]
    adjusted = iter(holm(known))
    fixed = [result if result.p is None else replace(result, adjusted=next(adjusted)) for result in results]
    return tuple(
        replace(probe, images=fixed[2 * index], groups=fixed[2 * index + 1]) for index, probe in enumerate(probes)
    )
