import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats
from sklearn import metrics as reference
from statsmodels.stats.proportion import proportion_confint

from hemotk.errors import HemotkError
from hemotk.stats import metrics

# Few distinct values, so that ties are the rule.
logit_lists = st.lists(st.sampled_from([-3.0, -1.5, -0.5, 0.0, 0.25, 1.0, 2.5]), min_size=2, max_size=40)


@st.composite
def scored(draw):
    logits = draw(logit_lists)
    labels = draw(st.lists(st.integers(0, 1), min_size=len(logits), max_size=len(logits)))
    labels[0], labels[1] = 0, 1
    return np.array(labels), np.array(logits)


@given(st.floats(-800, 800), st.floats(0.25, 8))
def test_calibrated_is_the_logistic_function_of_the_scaled_logit(logit, temperature):
    assert metrics.calibrated(logit, temperature) == pytest.approx(special.expit(logit / temperature), rel=1e-12)


def test_sigmoid_of_extremes_neither_warns_nor_leaves_the_unit_interval():
    with np.errstate(all="raise"):
        assert metrics.sigmoid([-700.0, 0.0, 700.0]).tolist() == pytest.approx([0.0, 0.5, 1.0], abs=1e-300)


def test_the_decision_includes_the_threshold_itself():
    threshold = float(metrics.calibrated(0.7, 2.0))
    assert metrics.decide([0.7, 0.7 - 1e-9], threshold, 2.0).tolist() == [True, False]


@given(scored(), st.sampled_from([0.3, 0.5, 0.62]), st.sampled_from([0.5, 1.0, 3.0]))
def test_evaluate_agrees_with_scikit_learn(data, threshold, temperature):
    labels, logits = data
    found = metrics.evaluate(labels, logits, threshold, temperature)
    probability = special.expit(logits / temperature)
    called = probability >= threshold
    assert found.accuracy.value == pytest.approx(reference.accuracy_score(labels, called))
    assert found.sensitivity.value == pytest.approx(reference.recall_score(labels, called))
    assert found.specificity.value == pytest.approx(reference.recall_score(labels, called, pos_label=0))
    assert found.auc.value == pytest.approx(reference.roc_auc_score(labels, logits))
    assert found.loss == pytest.approx(reference.log_loss(labels, probability))
    assert found.brier == pytest.approx(reference.brier_score_loss(labels, probability))
    assert (found.count, found.positives, found.threshold) == (len(labels), labels.sum(), threshold)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_statsmodels(case):
    successes, total = case
    found = metrics.wilson(successes, total)
    assert (found.low, found.high) == pytest.approx(proportion_confint(successes, total, method="wilson"), abs=1e-12)


def test_wilson_of_all_right_is_89_to_100_for_32_images():
    found = metrics.wilson(32, 32)
    assert found.low == pytest.approx(0.8928, abs=1e-4)
    assert found.high == 1.0


@given(logit_lists)
def test_midranks_agree_with_scipy(values):
    assert metrics.midranks(values).tolist() == stats.rankdata(values).tolist()


@given(st.floats(0.02, 0.98), st.integers(1, 200), st.integers(1, 200))
def test_the_auc_interval_ends_where_the_score_statistic_is_1_96(value, positives, negatives):
    def statistic(theta):
        size = (positives + negatives) / 2
        spread = 1 + (size - 1) * (1 - theta) / (2 - theta) + (size - 1) * theta / (1 + theta)
        return abs(value - theta) - stats.norm.ppf(0.975) * np.sqrt(
            theta * (1 - theta) * spread / positives / negatives
        )

    low, high = metrics.auc_interval(value, positives, negatives)
    assert low == pytest.approx(optimize.brentq(statistic, 0, value), abs=1e-9)
    assert high == pytest.approx(optimize.brentq(statistic, value, 1), abs=1e-9)


@given(st.integers(1, 100), st.integers(1, 100))
def test_the_auc_interval_keeps_its_width_at_both_ends(positives, negatives):
    low, high = metrics.auc_interval(1.0, positives, negatives)
    assert high == 1.0
    assert 0 < low < 1 - 1 / (positives + negatives) ** 2
    assert metrics.auc_interval(0.0, positives, negatives) == pytest.approx((0.0, 1 - low))


@pytest.mark.parametrize("separation", [0.5, 1.5, 2.5])
def test_the_auc_interval_covers_the_true_area(separation):
    random = np.random.default_rng(7)
    truth = stats.norm.cdf(separation / np.sqrt(2))
    labels = np.repeat([0, 1], [18, 14])
    intervals = [metrics.auc_estimate(labels, random.normal(labels * separation)) for _ in range(1500)]
    covered = np.mean([item.low <= truth <= item.high for item in intervals])
    assert 0.935 <= covered <= 0.985


@pytest.mark.parametrize(("label", "missing"), [(0, "sensitivity"), (1, "specificity")])
def test_one_class_has_no_auc_and_says_why(label, missing):
    found = metrics.evaluate([label] * 4, [-1.0, 0.5, 2.0, 3.0], 0.5)
    for name in (missing, "auc"):
        assert getattr(found, name).value is None
        assert f"no image with label {1 - label}" in getattr(found, name).why
    assert found.accuracy.value == (0.25 if label == 0 else 0.75)


def test_auc_of_one_class_is_an_error():
    with pytest.raises(HemotkError, match="both classes"):
        metrics.auc([1, 1], [0.1, 0.2])


@pytest.mark.parametrize(
    ("labels", "logits", "words"),
    [
        ([], [], "not empty"),
        ([0, 1], [0.5], "one score per label"),
        ([0, 2], [0.5, 0.1], "0 or 1"),
        ([0, 1], [np.nan, 0.1], "1 of 2 are NaN or infinite"),
        ([0, 1], [np.inf, -np.inf], "2 of 2 are NaN or infinite"),
    ],
)
def test_unusable_scores_are_refused(labels, logits, words):
    with pytest.raises(HemotkError, match=words):
        metrics.evaluate(labels, logits, 0.5)
