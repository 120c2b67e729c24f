"""The red lines of classifiers that are no better than chance, or than always saying one class."""

import dataclasses

import pytest
from measured_rows import row as measured

from hemotk.artifacts import Estimate, GroupMetrics, Metrics
from hemotk.benchmarks.judge.cautions import cautions

LABELS = {"b": ("normal", "hemorrhage"), "c": ("clear", "bleed")}


def rows(auc=(0.9, 0.8, 0.95), accuracy=(0.95, 0.9, 0.99), positives=14, grouped=None):
    """One row of 100 images."""
    found, area = Estimate(*accuracy), Estimate(*auc)
    metrics = Metrics(100, positives, 0.5, found, found, found, area, 0.1, 0.1)
    over = None
    if grouped is not None:
        over = GroupMetrics(12, found, found, found, Estimate(*grouped), 6, 12)
    return [measured("int8", metrics=metrics, grouped=over)]


def test_a_classifier_better_than_chance_and_than_one_class_has_none():
    assert cautions(rows(), LABELS) == ()


@pytest.mark.parametrize(
    ("auc", "words"),
    [
        ((0.6, 0.501, 0.7), None),
        ((0.6, 0.5, 0.7), "cannot be told from chance on these images: AUC 0.600 [0.500, 0.700]"),
        ((0.45, 0.3, 0.5), "cannot be told from chance"),
        ((0.4, 0.3, 0.49), "ranks worse than chance on these images: AUC 0.400 [0.300, 0.490]"),
        ((None,), None),
    ],
)
def test_an_auc_whose_interval_reaches_a_half_is_chance(auc, words):
    found = cautions(rows(auc), LABELS)
    assert len(found) == (words is not None)
    assert all(words in line and line.startswith("int8: this classifier ") for line in found)


def test_the_interval_is_that_over_patients_where_they_are_known():
    (line,) = cautions(rows((0.6, 0.55, 0.65), grouped=(0.6, 0.4, 0.8)), LABELS)
    assert line.endswith("AUC 0.600 [0.400, 0.800] over 12 groups of images")
    assert cautions(rows((0.6, 0.4, 0.65), grouped=(0.6, 0.51, 0.8)), LABELS) == ()


@pytest.mark.parametrize(
    ("positives", "accuracy", "words"),
    [
        (14, (0.86, 0.8, 0.9), None),
        (
            14,
            (0.85, 0.8, 0.9),
            "always saying 'normal' on these images: accuracy 0.850 [0.800, 0.900] against 0.860, wh",
        ),
        (14, (0.85, 0.8, 0.9), "which lies within that interval"),
        (14, (0.7, 0.6, 0.8), "which is above that interval"),
        (80, (0.7, 0.6, 0.79), "always saying 'hemorrhage' on these images"),
        (50, (0.5, 0.4, 0.6), None),
        (50, (0.49, 0.4, 0.6), "against 0.500"),
    ],
)
def test_an_accuracy_below_the_commoner_class_is_said_with_its_interval(positives, accuracy, words):
    found = cautions(rows(accuracy=accuracy, positives=positives), LABELS)
    assert len(found) == (words is not None)
    assert all(words in line for line in found)


def test_rows_without_labels_have_none_and_several_bundles_are_named():
    assert cautions([measured("int8", None)], LABELS) == ()
    (one,) = rows((0.5, 0.4, 0.6))
    found = cautions([one, dataclasses.replace(one, bundle="c")], LABELS)
    assert [line.partition(":")[0] for line in found] == ["b int8", "c int8"]
    (worse,) = rows(accuracy=(0.5, 0.4, 0.6))
    (said,) = cautions([dataclasses.replace(worse, bundle="c")], LABELS)
    assert "always saying 'clear'" in said
