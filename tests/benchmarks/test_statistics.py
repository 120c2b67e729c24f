import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from hemotk.benchmarks import statistics

rounds_of = st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=4), min_size=1, max_size=6)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_statsmodels_and_scipy(lost, gained):
    found = statistics.mcnemar(lost, gained)
    assert found == pytest.approx(reference_mcnemar([[5, lost], [gained, 5]], exact=True).pvalue, abs=1e-12)
    if lost + gained:
        assert found == pytest.approx(stats.binomtest(lost, lost + gained).pvalue, abs=1e-12)


def test_mcnemar_of_thousands_does_not_overflow():
    assert statistics.mcnemar(6000, 6000) == 1.0
    assert statistics.mcnemar(5000, 9000) == pytest.approx(stats.binomtest(5000, 14000).pvalue, rel=1e-6)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_percentile_is_numpys_linear_one(samples, share):
    assert statistics.percentile(samples, share) == np.percentile(samples, 100 * share)


@given(rounds_of, st.data())
def test_the_median_of_resampled_rounds_is_the_median_of_their_samples(rounds, data):
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(rounds), max_size=len(rounds)).filter(any))
    pooled = [sample for items, count in zip(rounds, times, strict=True) for sample in items * count]
    assert statistics._MedianOfRounds(rounds)(np.array(times)) == np.median(pooled)


@settings(max_examples=20)
@given(rounds_of)
def test_the_ratio_of_a_variant_to_itself_is_one_without_doubt(rounds):
    found = statistics.ratio_of_medians(rounds, rounds)
    assert found.value == 1.0
    if len(rounds) > 1:
        assert (found.low, found.high) == (1.0, 1.0)


def test_the_ratio_interval_covers_the_truth_under_drift_that_both_share():
    random, covered = np.random.default_rng(5), 0
    for _ in range(60):
        drift = np.exp(random.normal(0, 0.3, (15, 1)))
        parent = drift * random.normal(100, 3, (15, 3))
        variant = drift * random.normal(80, 3, (15, 3))
        found = statistics.ratio_of_medians(variant.tolist(), parent.tolist())
        covered += found.low <= 0.8 <= found.high
    assert covered >= 52


def test_one_round_has_a_ratio_but_no_interval():
    found = statistics.ratio_of_medians([[2, 4]], [[1, 2]])
    assert (found.value, found.low, found.high) == (2.0, None, None)
    assert "one round" in found.method


def test_auc_difference_agrees_with_scikit_learn_and_is_repeatable():
    random = np.random.default_rng(2)
    labels = np.repeat([0, 1], [20, 15])
    parent = random.normal(labels * 2.0)
    variant = parent + random.normal(0, 0.8, 35)
    found = statistics.auc_difference(labels, variant, parent)
    assert found.value == pytest.approx(roc_auc_score(labels, variant) - roc_auc_score(labels, parent))
    assert found.low < found.value < found.high
    assert found == statistics.auc_difference(labels, variant, parent)


def test_auc_difference_has_the_width_of_a_bootstrap_written_out():
    random = np.random.default_rng(4)
    positive, negative = random.normal(1.5, 1, (30, 2)), random.normal(0, 1, (40, 2))

    def difference(above, below):
        return np.subtract(*[(above[:, k, None] > below[None, :, k]).mean() for k in (0, 1)])

    values = [
        difference(positive[random.integers(30, size=30)], negative[random.integers(40, size=40)]) for _ in range(4000)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    scores = np.concatenate([positive, negative])
    found = statistics.auc_difference(np.repeat([1, 0], [30, 40]), scores[:, 0], scores[:, 1])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_auc_difference_of_one_class_says_why():
    found = statistics.auc_difference([1, 1], [0.1, 0.2], [0.1, 0.2])
    assert found.value is None
    assert "both classes" in found.why
