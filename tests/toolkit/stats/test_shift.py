"""The shift of the logits."""

import numpy as np
import pytest

from hemotk.stats.shift import GROUPED, METHOD, NO_SPREAD, logit_shift


def test_a_constant_is_a_shift_in_units_of_the_spread() -> None:
    parent = np.random.default_rng(0).normal(0, 3.0, 50)
    found = logit_shift(parent - 0.3, parent)
    assert found.value == pytest.approx(0.3 / parent.std())
    assert found.low == pytest.approx(found.value)
    assert found.high == pytest.approx(found.value)


def test_its_sign_does_not_matter_nor_does_the_unit() -> None:
    rng = np.random.default_rng(1)
    parent, error = rng.normal(size=80), 0.1 + 0.2 * rng.normal(size=80)
    found = logit_shift(parent + error, parent)
    for other in (logit_shift(parent - error, parent), logit_shift(7 * (parent + error), 7 * parent)):
        assert (other.value, other.low, other.high) == pytest.approx((found.value, found.low, found.high))


def test_the_interval_holds_the_truth_about_19_times_of_20() -> None:
    rng, inside = np.random.default_rng(2), 0
    for _ in range(400):
        parent = rng.normal(size=60)
        found = logit_shift(parent + 0.3 + 0.5 * rng.normal(size=60), parent)
        inside += found.low * parent.std() <= 0.3 <= found.high * parent.std()
    assert 0.92 <= inside / 400 <= 0.98


def test_images_of_one_patient_are_no_independent_images() -> None:
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(20), 10)
    parent, error = rng.normal(size=200), 0.2 * np.repeat(rng.normal(size=20), 10)
    alone, grouped = logit_shift(parent + error, parent), logit_shift(parent + error, parent, patients)
    assert (alone.value, alone.method, grouped.method) == (grouped.value, METHOD, GROUPED)
    assert grouped.high - grouped.value > 2.5 * (alone.high - alone.value)
    each = logit_shift(parent + error, parent, np.arange(200))
    assert (each.low, each.high, each.method) == (alone.low, alone.high, METHOD)


def test_no_spread_no_shift() -> None:
    assert logit_shift([1.0, 1.0], [2.0, 2.0]).why == NO_SPREAD
    assert logit_shift([1.0], [2.0]).value is None
