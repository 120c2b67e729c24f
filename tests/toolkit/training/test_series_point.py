"""What is chosen on the series of the validation part, and when nothing is."""

from dataclasses import replace

import numpy as np
import pytest

from hemotk.artifacts import Part, Reason, SplitGroup, SplitItem, SplitManifest
from hemotk.data.series import choose_k, series_score
from hemotk.stats.metrics import auc, evaluate, sigmoid
from hemotk.training.operating_point import OperatingConfig, OperatingPoint
from hemotk.training.series_point import LEAST_SERIES, with_series_point

FIXED = OperatingConfig()
SLICES = 6
APART: tuple[Part, ...] = ("train", "test")


def split_of(series: dict[str, list[int]], reason: Reason = "patient", alone: int = 0) -> SplitManifest:
    """A validation part of `series` (name → labels) and `alone` patients of one slice; one image in other parts."""
    items = [
        SplitItem(f"{name}_{i}.png", f"{name}{i}".encode().hex().zfill(64)[-64:], label, name, "validation")
        for i in range(SLICES)
        for name, labels in series.items()
        for label in labels[i : i + 1]
    ]
    items += [SplitItem(f"a{i}.png", f"{i + 1:064x}", i % 2, f"a{i}", "validation") for i in range(alone)]
    items += [SplitItem(f"{part}.png", part.encode().hex().zfill(64), 0, part, part) for part in APART]
    groups = tuple(SplitGroup(name, len(labels), (reason,)) for name, labels in sorted(series.items()))
    return SplitManifest("", "scans", ("normal", "hemorrhage"), 0, 0.2, 0.2, "patient", tuple(items), groups)


def drawn(seed: int, count: int = 2 * LEAST_SERIES) -> tuple[SplitManifest, np.ndarray]:
    """Series of which every other bleeds in two slices, and logits that say so with noise."""
    series = {f"p{i}": [0, 0, 0, 0, *([1, 1] if i % 2 else [0, 0])] for i in range(count)}
    split = split_of(series)
    rng = np.random.default_rng(seed)
    labels = np.array([item.label for item in split.part("validation")])
    return split, rng.normal(2.0 * labels - 1.5, 1.5)


def scores_of(split: SplitManifest, logits: np.ndarray, k: int, temperature: float = 1.0) -> tuple[list, list]:
    """Truth and score of each series, by hand."""
    found: dict[str, list[tuple[int, float]]] = {}
    for item, logit in zip(split.part("validation"), logits, strict=True):
        found.setdefault(item.group, []).append((item.label, float(sigmoid(logit / temperature))))
    truth = [max(label for label, _ in slices) for slices in found.values()]
    return truth, [series_score([p for _, p in slices], k) for slices in found.values()]


@pytest.mark.parametrize("seed", range(4))
def test_k_and_threshold_are_the_best_on_the_series(seed: int) -> None:
    split, logits = drawn(seed)
    point = with_series_point(OperatingPoint(0.3, 2.0, ("first",)), split, logits, FIXED)
    assert point.series is not None and (point.threshold, point.temperature) == (0.3, 2.0)
    reached = {k: auc(*scores_of(split, logits, k, 2.0)) for k in range(1, 11)}
    assert reached[point.series.k] == max(reached.values())
    items = split.part("validation")
    names, labels = [item.group for item in items], [item.label for item in items]
    assert point.series.k == choose_k(list(sigmoid(logits / 2)), labels, names)
    truth, scores = (np.array(found) for found in scores_of(split, logits, point.series.k, 2.0))

    def youden(threshold: float) -> float:
        called = scores >= threshold
        return float(called[truth == 1].mean() - called[truth == 0].mean())

    assert youden(point.series.threshold) == pytest.approx(max(youden(score) for score in (*scores, 0.5)))
    assert point.notes[0] == "first" and len(point.notes) == 2


def test_the_note_says_what_was_reached_on_how_many() -> None:
    split, logits = drawn(0)
    point = with_series_point(OperatingPoint(), split, logits, FIXED)
    assert point.series is not None
    truth, scores = scores_of(split, logits, point.series.k)
    found = evaluate(truth, np.log(scores) - np.log1p(-np.array(scores)), point.series.threshold)
    (note,) = point.notes
    assert f"the mean of the {point.series.k} highest slices" in note
    assert f"on the {2 * LEAST_SERIES} validation series ({LEAST_SERIES} of class 1)" in note
    assert f"AUC {found.auc.value:.3f}" in note and f"specificity {found.specificity.value:.3f}" in note
    assert "greatest Youden index" in note and "flatter" in note


def test_a_least_sensitivity_is_reached() -> None:
    split, logits = drawn(1)
    point = with_series_point(OperatingPoint(), split, logits, OperatingConfig("sensitivity", min_sensitivity=1.0))
    assert point.series is not None
    truth, scores = scores_of(split, logits, point.series.k)
    assert min(score for one, score in zip(truth, scores, strict=True) if one) >= point.series.threshold
    assert "at a sensitivity of at least 1" in point.notes[0] and "No threshold" not in point.notes[0]


def test_a_least_sensitivity_that_no_threshold_reaches_is_said() -> None:
    split, _ = drawn(1)
    point = with_series_point(
        OperatingPoint(), split, np.full(len(split.part("validation")), -900.0), OperatingConfig("sensitivity")
    )
    assert "No threshold reached that sensitivity." in point.notes[0]


def test_the_threshold_is_where_the_series_lie_apart_and_of_equal_ks_the_smallest_is_taken() -> None:
    """Whatever k, a series without hemorrhage scores sigmoid(1), which the threshold for slices would call."""
    series = {f"p{i}": [i % 2] * 3 for i in range(2 * LEAST_SERIES)}
    split = split_of(series)
    labels = np.array([item.label for item in split.part("validation")])
    point = with_series_point(OperatingPoint(), split, np.where(labels, 4.0, 1.0), FIXED)
    assert point.series is not None and point.series.k == 1
    assert point.series.threshold == pytest.approx(float(sigmoid(2.5)))


@pytest.mark.parametrize(("bleeding", "others"), [(LEAST_SERIES - 1, 20), (20, LEAST_SERIES - 1), (0, 9)])
def test_too_few_series_of_a_kind_choose_nothing_and_say_so(bleeding: int, others: int) -> None:
    series = {f"p{i}": [0, int(i < bleeding)] for i in range(bleeding + others)}
    split = split_of(series, alone=30)
    logits = np.zeros(len(split.part("validation")))
    point = with_series_point(OperatingPoint(), split, logits, FIXED)
    assert point.series is None
    assert f"{bleeding} series with 'hemorrhage' and {others} without, {LEAST_SERIES} of each" in point.notes[0]


@pytest.mark.parametrize("reason", ["exact", "near"])
def test_copies_are_no_series(reason: Reason) -> None:
    split = split_of({f"p{i}": [i % 2, i % 2] for i in range(20)}, reason, alone=4)
    point = OperatingPoint(0.4)
    assert with_series_point(point, split, np.zeros(len(split.part("validation"))), FIXED) is point


def test_a_group_of_patients_that_near_duplicates_joined_is_no_series() -> None:
    split, logits = drawn(0, 2 * LEAST_SERIES + 2)
    joined = replace(split, groups=(replace(split.groups[0], reasons=("patient", "near")), *split.groups[1:]))
    (note,) = with_series_point(OperatingPoint(), joined, logits, FIXED).notes
    assert f"chosen on the {2 * LEAST_SERIES + 1} validation series" in note


def test_scores_at_both_ends_have_a_threshold_that_a_card_takes() -> None:
    split, _ = drawn(0)
    labels = np.array([item.label for item in split.part("validation")])
    for logits in (np.where(labels, 900.0, -900.0), np.full(len(labels), 900.0), np.full(len(labels), -900.0)):
        point = with_series_point(OperatingPoint(), split, logits, FIXED)
        assert point.series is not None and 1e-6 <= point.series.threshold <= 1 - 1e-6
