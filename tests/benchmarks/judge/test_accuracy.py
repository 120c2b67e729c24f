import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from hemotk.artifacts import ImageRef, TensorSpec
from hemotk.benchmarks.judge.accuracy import CONSTANT, UNLABELLED, RowJudge, sigmoid_bound, unusable
from hemotk.tflite.scorer import Scores


def judge(labels, threshold=0.5, temperature=1.0):
    return RowJudge([ImageRef(f"{row}.png", label) for row, label in enumerate(labels)], threshold, temperature)


def scores(logits):
    return [Scores(float(logit), float(expit(logit))) for logit in logits]


def paired(one, ours, theirs):
    return one.paired(one.judged(scores(ours)), one.judged(scores(theirs)))


def test_flips_are_listed_with_both_calibrated_scores():
    found = paired(judge([0, 1, 1, 0], 0.6, 2.0), [-1.0, 0.5, 3.0, 0.2], [-1.0, 1.5, 3.0, 2.0])
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
    labels = [row % 2 for row in range(len(pair[0]))]
    one = judge(labels, 0.4, 1.5)
    found = paired(one, *pair)
    assert found.lost + found.gained == len(found.flips)
    ours, theirs = (one.metrics(one.judged(scores(logits))).accuracy.value for logits in pair)
    drop = theirs - ours
    assert drop == pytest.approx((found.lost - found.gained) / len(labels))


def test_a_variant_against_itself_agrees_in_everything():
    found = paired(judge([0, 0, 1, 1]), *[[-2.0, 0.3, 1.0, 4.0]] * 2)
    assert (found.flips, found.max_drift, found.mcnemar, found.agreement.value) == ((), 0.0, 1.0, 1.0)
    assert found.auc_difference.value == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_scores_that_are_no_numbers_are_called_that_and_never_judged(bad):
    one = judge([0, 1, 1])
    broken, sound = one.judged(scores([0.0, bad, 1.0])), one.judged(scores([0.0, 1.0, 2.0]))
    assert one.findings(broken) == ("gives NaN or infinity for 1 of 3 images",)
    assert one.metrics(broken) is None
    assert one.calibration(broken) is None
    assert one.paired(broken, sound) is None
    assert one.paired(sound, broken) is None
    assert broken.scores().logit == (0.0, None, 1.0)
    found = one.same_model(broken, sound)
    assert (found.images, found.identical, found.one_sided, found.max_drift) == (3, 1, 1, 1.0)
    twice = one.same_model(broken, broken)
    assert (twice.identical, twice.one_sided, twice.max_drift) == (3, 0, 0.0)


@pytest.mark.parametrize(
    ("labels", "logits", "finding"),
    [
        ([0, 1, 1], [0.7, 0.7, 0.7], (CONSTANT,)),
        ([0, 1, 1], [0.5, 0.7, 0.9], ("calls every image positive",)),
        ([0, 1, 1], [-0.5, -0.7, -0.9], ("calls every image negative",)),
        ([1, 1, 1], [0.5, 0.7, 0.9], ()),
        ([0, 1, 1], [-0.5, 0.7, 0.9], ()),
        ([1], [0.7], ()),
        ([None] * 3, [0.5, 0.7, 0.9], ()),
        ([None] * 3, [0.7, 0.7, 0.7], (CONSTANT,)),
    ],
)
def test_degenerate_predictions_are_called_by_name(labels, logits, finding):
    one = judge(labels)
    assert one.findings(one.judged(scores(logits))) == finding


@pytest.mark.parametrize(
    ("labels", "logits", "parent", "findings"),
    [
        ([None] * 3, [0.5, 0.7, 0.9], [-0.5, 1, 1], ("calls every image positive where its float parent",)),
        ([0, 1, 1], [-0.5, -0.7, -0.9], [-1, 1, 1], ("calls every image negative where its float parent",)),
        ([0, 1, 1], [-0.5, -0.7, -0.9], [-1, -2, -3], ("calls every image negative",)),
        ([None] * 3, [0.5, 0.7, 0.9], [1.5, 0.7, 0.9], ()),
        ([None] * 3, [-0.5, 0.7, 0.9], [0.5, -0.7, 0.9], ()),
        ([None] * 3, [0.5, 0.7, 0.9], [-0.5, 0.7, float("nan")], ()),
    ],
)
def test_one_class_only_is_unusable_where_the_parent_calls_both(labels, logits, parent, findings):
    one = judge(labels)
    found = one.findings(one.judged(scores(logits)), one.judged(scores(parent)))
    assert [item.startswith(start) for item, start in zip(found, findings, strict=True)] == [True] * len(findings)
    assert unusable(found) == any("float parent" in item for item in findings)


@pytest.mark.parametrize(
    ("outputs", "bound", "sound"),
    [
        ([0.5, 0.5, 0.5], 1e-3, False),
        ([0.2689, 0.5, 0.7311], 1e-3, True),
        ([0.2689, 0.5, 0.7331], 1e-3, False),
        ([0.26, 0.51, 0.72], 0.02, True),
        ([0.7311, 0.5, 0.2689], 0.05, False),
        ([0.0, 0.0, 0.0], 0.05, False),
    ],
)
def test_a_probability_output_that_is_not_the_sigmoid_of_the_logit_is_unusable(outputs, bound, sound):
    one = judge([0, 1, 1], temperature=3.0)
    row = one.judged([Scores(logit, output) for logit, output in zip([-1.0, 0.0, 1.0], outputs, strict=True)])
    found = one.findings(row, bound=bound)
    assert unusable(found) == (not sound)
    assert sound or found[0].startswith("its probability is not the sigmoid of its logit: ")


@settings(max_examples=20)
@given(st.floats(-20, 20), st.floats(0.02, 0.3))
def test_what_is_stored_in_bytes_stays_within_the_bound(logit, step):
    stored, read = round(logit / step) * step, min(round(expit(logit) * 256), 255) / 256
    outputs = [TensorSpec("logit", "uint8", (1, 1), step), TensorSpec("probability", "uint8", (1, 1), 1 / 256)]
    assert abs(read - expit(stored)) <= sigmoid_bound(outputs) < 0.09


def test_scores_are_kept_as_the_model_gave_them_beside_the_calibrated_one():
    found = judge([0, 1], temperature=4.0).judged([Scores(2.0, 0.9), Scores(-1.0, float("nan"))]).scores()
    assert found.logit == (2.0, -1.0)
    assert found.probability == pytest.approx((expit(0.5), expit(-0.25)))
    assert found.output == (0.9, None)


def test_a_probability_output_that_is_no_number_is_named_even_where_the_logit_is_one():
    one = judge([0, 1])
    row = one.judged([Scores(-1.0, 0.3), Scores(1.0, float("nan"))])
    assert one.findings(row) == ("gives NaN or infinity for 1 of 2 images",)
    assert one.metrics(row) is None


def test_without_labels_there_is_agreement_and_nothing_else():
    one = judge([None] * 3)
    row, parent = one.judged(scores([-1.0, 0.5, 2.0])), one.judged(scores([-1.0, -0.5, 2.0]))
    found = one.paired(row, parent)
    assert [(flip.id, flip.label) for flip in found.flips] == [("1.png", None)]
    assert found.agreement.value == pytest.approx(2 / 3)
    assert (found.lost, found.gained, found.mcnemar) == (None, None, None)
    assert (found.auc_difference.value, found.auc_difference.why) == (None, UNLABELLED)
    assert (one.metrics(row), one.calibration(row)) == (None, None)


def test_each_row_of_a_pair_decides_at_its_own_operating_point():
    ours, theirs = judge([0, 1], 0.5), judge([0, 1], 0.9)
    found = ours.paired(ours.judged(scores([-1.0, 1.0])), theirs.judged(scores([-1.0, 1.0])))
    assert [flip.id for flip in found.flips] == ["1.png"]
    assert (found.lost, found.gained, found.max_drift) == (0, 1, 0.0)


def test_logits_that_are_too_far_apart_are_counted():
    judge = RowJudge([ImageRef(str(index), None) for index in range(4)], 0.5, 1.0)
    here = judge.judged([Scores(logit, 0.5) for logit in (0.0, 1.0, 2.0, float("nan"))])
    there = judge.judged([Scores(logit, 0.5) for logit in (0.05, 1.2, float("nan"), float("nan"))])
    assert judge.same_model(there, here).beyond is None
    assert [judge.same_model(there, here, tolerance).beyond for tolerance in (0.01, 0.1, 1.0)] == [3, 2, 1]


def test_the_same_model_elsewhere_is_compared_output_by_output():
    one = judge([0, 1, 1, 0])
    here = one.judged([Scores(-1.0, 0.25), Scores(0.1, 0.5), Scores(2.0, 0.9), Scores(-3.0, 0.1)])
    there = one.judged([Scores(-1.0, 0.25), Scores(-0.1, 0.5), Scores(2.0, 0.8), Scores(-3.0, 0.1)])
    found = one.same_model(there, here)
    assert (found.images, found.identical) == (4, 2)
    assert [(flip.id, flip.parent, flip.variant) for flip in found.flips] == [
        ("1.png", pytest.approx(expit(0.1)), pytest.approx(expit(-0.1)))
    ]
    assert found.max_drift == pytest.approx(expit(0.1) - expit(-0.1))
