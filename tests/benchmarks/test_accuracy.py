import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from hemotk.artifacts import TestItem
from hemotk.benchmarks.accuracy import CONSTANT, Judge
from hemotk.runtime import Scores


def judge(labels, threshold=0.5, temperature=1.0):
    items = [TestItem(f"{row}.png", label, "") for row, label in enumerate(labels)]
    return Judge(items, threshold, temperature)


def scores(logits):
    return [Scores(float(logit), float(expit(logit))) for logit in logits]


def test_flips_are_listed_with_both_calibrated_scores():
    found = judge([0, 1, 1, 0], 0.6, 2.0).paired(scores([-1.0, 0.5, 3.0, 0.2]), scores([-1.0, 1.5, 3.0, 2.0]))
    assert [(flip.id, flip.label) for flip in found.flips] == [("1.png", 1), ("3.png", 0)]
    assert [flip.variant for flip in found.flips] == pytest.approx(expit([0.25, 0.1]).tolist())
    assert [flip.parent for flip in found.flips] == pytest.approx(expit([0.75, 1.0]).tolist())
    assert (found.lost, found.gained, found.mcnemar) == (1, 1, 1.0)
    assert found.agreement.value == 0.5
    drift = np.abs(expit(np.array([-1, 0.5, 3, 0.2]) / 2) - expit(np.array([-1, 1.5, 3, 2]) / 2))
    assert (found.max_drift, found.mean_drift) == pytest.approx((drift.max(), drift.mean()))


@settings(max_examples=15)
@given(st.integers(2, 40).flatmap(lambda n: st.tuples(*[st.lists(st.floats(-5, 5), min_size=n, max_size=n)] * 2)))
def test_flips_explain_the_whole_difference_in_accuracy(pair):
    ours, theirs = map(scores, pair)
    labels = [row % 2 for row in range(len(ours))]
    one = judge(labels, 0.4, 1.5)
    found = one.paired(ours, theirs)
    assert found.lost + found.gained == len(found.flips)
    drop = one.metrics(theirs).accuracy.value - one.metrics(ours).accuracy.value
    assert drop == pytest.approx((found.lost - found.gained) / len(labels))


def test_a_variant_against_itself_agrees_in_everything():
    same = scores([-2.0, 0.3, 1.0, 4.0])
    found = judge([0, 0, 1, 1]).paired(same, same)
    assert (found.flips, found.max_drift, found.mcnemar, found.agreement.value) == ((), 0.0, 1.0, 1.0)
    assert (found.auc_difference.value, found.auc_difference.low, found.auc_difference.high) == (0, 0, 0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_scores_that_are_no_numbers_are_called_that_and_never_judged(bad):
    one, broken, sound = judge([0, 1, 1]), scores([0.0, bad, 1.0]), scores([0.0, 1.0, 2.0])
    assert one.findings(broken) == ("gives NaN or infinity for 1 of 3 images",)
    assert one.metrics(broken) is None
    assert one.paired(broken, sound) is None
    assert one.paired(sound, broken) is None
    assert one.scores(broken).logit == (0.0, None, 1.0)


@pytest.mark.parametrize(
    ("labels", "logits", "finding"),
    [
        ([0, 1, 1], [0.7, 0.7, 0.7], (CONSTANT,)),
        ([0, 1, 1], [0.5, 0.7, 0.9], ("calls every image positive",)),
        ([0, 1, 1], [-0.5, -0.7, -0.9], ("calls every image negative",)),
        ([1, 1, 1], [0.5, 0.7, 0.9], ()),
        ([0, 1, 1], [-0.5, 0.7, 0.9], ()),
        ([1], [0.7], ()),
    ],
)
def test_degenerate_predictions_are_called_by_name(labels, logits, finding):
    assert judge(labels).findings(scores(logits)) == finding


def test_scores_are_kept_as_the_model_gave_them_beside_the_calibrated_one():
    found = judge([0, 1], temperature=4.0).scores([Scores(2.0, 0.9), Scores(-1.0, float("nan"))])
    assert found.logit == (2.0, -1.0)
    assert found.probability == pytest.approx((expit(0.5), expit(-0.25)))
    assert found.output == (0.9, None)
