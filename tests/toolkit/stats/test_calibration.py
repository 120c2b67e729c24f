import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from hemotk.stats import calibration as module
from hemotk.stats.calibration import BINS, calibration
from hemotk.stats.paired import share_bounds


def drawn(count, seed, tilt=1.0):
    """Labels drawn with probabilities p, and what a classifier says that is sure of itself by `tilt`."""
    random = np.random.default_rng(seed)
    logit = random.normal(0, 2, count)
    return (random.random(count) < special.expit(logit)).astype(int), special.expit(tilt * logit)


@pytest.mark.parametrize("count", [100, 500])
def test_the_error_agrees_with_scikit_learns_quantile_bins(count):
    labels, chance = drawn(count, 1, 2.0)
    share, mean = calibration_curve(labels, chance, n_bins=BINS, strategy="quantile")
    found = calibration(labels, chance)
    assert found.error.value == pytest.approx(np.abs(share - mean).mean(), abs=1e-12)
    assert [item.share for item in found.bins] == pytest.approx(share.tolist())
    assert [item.probability for item in found.bins] == pytest.approx(mean.tolist())


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
def test_brier_bins_and_intervals_hold_together(pairs):
    labels, chance = map(np.array, zip(*pairs, strict=True))
    found = calibration(labels, chance)
    assert found.brier.value == pytest.approx(brier_score_loss(labels, chance, pos_label=1))
    counts = [item.count for item in found.bins]
    assert sum(counts) == len(pairs)
    assert max(counts) - min(counts) <= 1
    weighted = sum(item.count * abs(item.probability - item.share) for item in found.bins) / len(pairs)
    assert found.error.value == pytest.approx(weighted, abs=1e-12)
    for item in (found.brier, found.error):
        assert 0 <= item.low <= item.value <= item.high <= 1
        assert item.high > item.low


@pytest.mark.parametrize(("mean", "count"), [(0.0, 40), (0.03, 40), (0.5, 7), (0.9, 1000), (1.0, 3)])
def test_the_bounds_of_a_mean_solve_hoeffdings_inequality(mean, count):
    def excess(theta):
        return count * (special.rel_entr(mean, theta) + special.rel_entr(1 - mean, 1 - theta)) - np.log(40)

    low, high = share_bounds(mean, count)
    assert low == pytest.approx(optimize.brentq(excess, 1e-300, mean) if mean > 0 else 0.0, abs=1e-9)
    assert high == pytest.approx(optimize.brentq(excess, mean, 1 - 1e-16) if mean < 1 else 1.0, abs=1e-9)


def test_the_bounds_of_a_mean_cover_it_whatever_the_distribution():
    random, covered = np.random.default_rng(3), 0
    for _ in range(400):
        low, high = share_bounds(float(random.beta(0.05, 2, 40).mean()), 40)
        covered += low <= 0.05 / 2.05 <= high
    assert covered >= 380


def test_true_probabilities_stay_below_what_chance_gives_and_others_do_not():
    true = [calibration(*drawn(200, seed)) for seed in range(60)]
    assert 0.85 <= np.mean([found.error.value <= found.by_chance for found in true]) <= 1.0
    overconfident = [calibration(*drawn(200, seed, 4.0)) for seed in range(20)]
    assert all(found.error.value > found.by_chance for found in overconfident)


def test_a_network_sure_of_itself_and_right_on_every_image_has_no_interval_of_a_point():
    found = calibration([0, 1] * 20, [0.0, 1.0] * 20)
    assert (found.brier.value, found.error.value, found.error.low) == (0, 0, 0)
    assert found.brier.high == pytest.approx(1 - (0.05 / 2) ** (1 / 40))
    assert found.error.high == pytest.approx(0.0876, abs=1e-4)


def test_it_is_repeatable():
    assert calibration(*drawn(50, 2)) == calibration(*drawn(50, 2))


@pytest.mark.parametrize("count", [32, 300])
@pytest.mark.parametrize("true", [0.0, 0.05])
def test_the_interval_of_the_error_holds_the_true_one(monkeypatch, count, true):
    monkeypatch.setattr(module, "DRAWS", 100)
    random, covered = np.random.default_rng(4), 0
    for _ in range(100):
        chance = random.uniform(0.05, 0.95, count)
        found = calibration(random.random(count) < chance + true, chance).error
        covered += found.low <= true <= found.high
    assert covered >= 90


def test_an_error_far_beyond_chance_has_an_interval_that_leaves_out_zero():
    found = calibration(*drawn(300, 5, 8.0))
    assert found.error.value > found.by_chance
    assert 0 < found.error.low < found.error.value
    assert calibration(*drawn(300, 5)).error.low == 0


def test_bins_share_images_of_the_same_probability_whatever_their_order():
    found = calibration([0] * 100 + [1] * 100, [0.5] * 200)
    assert found.error.value == pytest.approx(0, abs=1e-12)
    assert found.error.high > 0.05
    assert found.by_chance < 0.1
    assert [(item.count, item.share) for item in found.bins] == [(20, pytest.approx(0.5))] * BINS


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.5, 0.52, 0.9])), min_size=1, max_size=60).flatmap(
        lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))
    )
)
def test_the_order_of_the_images_changes_nothing(orders):
    one, other = (calibration(*map(np.array, zip(*pairs, strict=True))) for pairs in orders)
    assert one == other
