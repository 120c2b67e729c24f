"""Shortcut probes: does a property of the files alone, without the picture's content, predict the label?

The tiny model is a ridge regression of the label on the ranks of a few features and their squares. It scores each
image from folds that do not hold it. Chance is what the same model reaches when the labels are permuted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.audit import Probe, ProbeResult
from hemotk.artifacts.metrics import Estimate
from hemotk.data.grouping import class_counts
from hemotk.data.shortcuts_features import Features
from hemotk.data.splits import deal
from hemotk.metrics import auc, auc_interval, midranks

PERMUTATIONS = 999
AUC_METHOD = "Newcombe 2006 method 5 with the number of groups of each class, 95 %"
_FOLDS = 5
_RIDGE = 1.0
_SEED = 0

Numbers = NDArray[np.float64]


def run_probes(
    features: Sequence[Features], labels: Sequence[int], groups: Sequence[str], permutations: int = PERMUTATIONS
) -> tuple[Probe, ...]:
    """Every probe, over single images and over `groups`; the same input gives the same figures.

    `features` holds one entry per image, all with the same names; `labels` are 0 or 1.
    """
    truth = np.asarray(labels, np.int64)
    single = [str(index) for index in range(len(truth))]
    probes = []
    for name in features[0]:
        table = {key: np.array([one[name][key] for one in features]) for key in features[0][name]}
        design = _design(table)
        by_image, by_group = (_result(design, truth, units, permutations) for units in (single, groups))
        means = {key: _means(values, truth) for key, values in table.items()}
        probes.append(Probe(name, by_image, by_group, means))
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


def _result(design: Numbers, truth: NDArray[np.int64], units: Sequence[str], permutations: int) -> ProbeResult:
    counts = class_counts([int(label) for label in truth], units)
    held = [sum(count[label] > 0 for count in counts.values()) for label in (0, 1)]
    folds = min(_FOLDS, *held)
    if folds < 2:
        why = "each class needs 2 independent groups or more"
        return ProbeResult(Estimate(None, method=AUC_METHOD, why=why), None, None)
    totals = np.sum(list(counts.values()), axis=0)
    dealt = deal(counts, np.tile(totals / folds, (folds, 1)), _SEED)
    fold = np.array([dealt[unit] for unit in units])
    columns = np.column_stack([truth, _permuted(truth, fold, units, permutations)])
    scores = _held_out(design, columns.astype(np.float64), fold)
    areas = np.array([auc(column, score) for column, score in zip(columns.T, scores.T, strict=True)])
    p = float((1 + (areas[1:] >= areas[0] - 1e-12).sum()) / (1 + permutations))
    low, high = auc_interval(float(areas[0]), held[1], held[0])
    return ProbeResult(Estimate(float(areas[0]), low, high, AUC_METHOD), p, None)


def _permuted(
    truth: NDArray[np.int64], fold: NDArray[np.int64], units: Sequence[str], permutations: int
) -> NDArray[np.int64]:
    """Labels [images, permutations], exchanged within each fold by whole units, so that folds keep their classes.

    A unit gets the labels of the one drawn for it, stretched to its own length: one that is all of one class stays so,
    whatever the sizes. Stretching units of both classes can lose a class, without which there is no AUC; such a
    permutation is left undone and so counts as one that does as well as the labels do, which names no shortcut that
    is none. Drawing again could take very many tries.
    """
    rng = np.random.default_rng(_SEED)
    result = np.empty((len(truth), permutations), np.int64)
    number = np.unique(np.asarray(units), return_inverse=True)[1]
    for part in range(int(fold.max()) + 1):
        here = np.flatnonzero(fold == part)
        here = here[np.argsort(number[here], kind="stable")]
        labels = truth[here][np.lexsort((truth[here], number[here]))]
        _, starts, unit, sizes = np.unique(number[here], return_index=True, return_inverse=True, return_counts=True)
        place = 2 * (np.arange(len(here)) - starts[unit]) + 1  # in half images: the middle of each
        for column in range(permutations):
            drawn = rng.permutation(len(starts))[unit]
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
