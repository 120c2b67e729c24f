"""Intervals that count groups."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.errors import FieldError
from hemotk.stats.grouped import evaluate_groups
from hemotk.stats.metrics import evaluate, wilson

MEASURES = ("accuracy", "sensitivity", "specificity", "auc")


@st.composite
def grouped(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, logits and group names."""
    count = draw(st.integers(2, 25))
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count))
    tenths = draw(st.lists(st.integers(-30, 30), min_size=count, max_size=count))
    groups = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    return np.array(labels), np.array(tenths) / 10, np.array([f"p{group}" for group in groups])


@settings(max_examples=20)
@given(grouped())
def test_values_are_those_of_the_images(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, logits, groups = case
    found, plain = evaluate_groups(labels, logits >= 0, logits, groups), evaluate(labels, logits, 0.5)
    assert found.groups == len(set(groups))
    for measure in MEASURES:
        mine, theirs = getattr(found, measure), getattr(plain, measure)
        assert mine.value == (None if theirs.value is None else pytest.approx(theirs.value))
        if mine.value is not None:
            assert 0 <= mine.low <= mine.value <= mine.high <= 1


@settings(max_examples=20)
@given(grouped())
def test_single_images_have_the_usual_intervals(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, logits, _ = case
    found = evaluate_groups(labels, logits >= 0, logits, np.arange(len(labels)))
    plain = evaluate(labels, logits, 0.5)
    assert all(getattr(found, measure) == getattr(plain, measure) for measure in MEASURES)


def test_copies_of_images_add_no_certainty() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    logits = random.normal(labels * 1.5 - 0.75, 1)
    once = evaluate(labels, logits, 0.5)
    ten = [np.repeat(values, 10) for values in (labels, logits >= 0, logits, np.arange(60))]
    found = evaluate_groups(*ten)
    for measure in MEASURES:
        plain, mine = getattr(once, measure), getattr(found, measure)
        naive = getattr(evaluate(ten[0], ten[2], 0.5), measure)
        width, usual, narrow = (each.high - each.low for each in (mine, plain, naive))
        assert mine.value == pytest.approx(plain.value)
        assert 0.8 * usual < width < 1.6 * usual and narrow < 0.5 * usual


def test_all_right_is_not_certain() -> None:
    labels = np.repeat([0, 1], 50)
    groups = np.repeat(np.arange(10), 10)
    found = evaluate_groups(labels, labels == 1, labels * 2.0 - 1, groups)
    assert found.accuracy.low == pytest.approx(wilson(10, 10).low) and found.accuracy.high == 1
    assert found.sensitivity.low == pytest.approx(wilson(5, 5).low)
    assert found.auc.value == 1 and found.auc.low == pytest.approx(wilson(5, 5).low)


def test_groups_with_an_image_of_each_label_are_counted() -> None:
    labels, groups = [1, 0, 0, 0, 1, 1], ["a", "a", "b", "c", "d", "d"]
    found = evaluate_groups(labels, [True] * 6, np.arange(6.0), groups)
    assert (found.groups, found.with_positive, found.with_negative) == (4, 2, 3)
    alone = evaluate_groups(labels, [True] * 6, np.arange(6.0), np.arange(6))
    assert (alone.groups, alone.with_positive, alone.with_negative) == (6, 3, 3)
    with pytest.raises(FieldError, match="'with_positive' must be between 0 and groups"):
        dataclasses.replace(found, with_positive=5)


def test_one_class_and_groups_of_both_classes() -> None:
    found = evaluate_groups([1, 1, 1], [True, False, True], [1.0, 0.0, 2.0], ["a", "a", "b"])
    assert found.auc.value is None and found.specificity.value is None and "label 0" in found.specificity.why
    both = evaluate_groups([0, 1, 0, 1], [False, True, True, True], [0.0, 1.0, 2.0, 3.0], ["a", "a", "b", "b"])
    assert both.auc.value == 0.75 and both.auc.low is not None and both.auc.low < 0.5
