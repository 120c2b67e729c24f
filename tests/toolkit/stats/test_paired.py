import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.proportion import proportion_confint

from hemotk.stats import paired as statistics

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


def test_auc_difference_of_two_perfect_rankings_is_no_point():
    found = statistics.auc_difference([0] * 20 + [1] * 16, range(36), range(36, 72))
    limit = proportion_confint(0, 16, method="wilson")[1]
    assert found.value == 0.0
    assert (found.low, found.high) == pytest.approx((-limit, limit))


def test_auc_difference_stays_a_difference_of_areas():
    worst = statistics.auc_difference([0, 0, 0, 1, 1, 1], range(6), range(6, 0, -1))
    assert worst.value == 1.0
    assert -1 <= worst.low < worst.high == 1.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_the_auc_of_weighted_images_is_that_of_repeated_ones(seed):
    random = np.random.default_rng(seed)
    truth, scores = np.array([False, True, *(random.random(10) < 0.5)]), random.integers(0, 5, 12).astype(float)
    times = random.integers(1, 4, 12)
    repeated = np.repeat(np.arange(12), times)
    found = statistics._WeightedAuc(truth, scores)(times)
    assert found == pytest.approx(roc_auc_score(truth[repeated], scores[repeated]))


def test_the_auc_difference_covers_the_truth_where_variants_are_nearly_alike():
    """Two networks that differ on one rare kind of image, a twentieth of the positives: 0, 1, … of 20 may be seen."""
    covered = 0.0
    for seen in range(6):
        parent = np.concatenate([np.zeros(20), np.ones(20)])
        variant = parent - 2.0 * (np.arange(40) >= 40 - seen)
        found = statistics.auc_difference(np.repeat([0, 1], 20), variant, parent)
        assert found.value == pytest.approx(-seen / 20)
        covered += stats.binom.pmf(seen, 20, 0.05) * (found.low <= -0.05 <= found.high)
    assert covered >= 0.95
