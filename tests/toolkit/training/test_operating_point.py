"""The operating point: temperature and threshold against exhaustive search, and what is said of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.artifacts import Part, SplitItem, SplitManifest
from hemotk.errors import HemotkError
from hemotk.stats.metrics import calibrated, evaluate, log_loss
from hemotk.training.operating_point import (
    OperatingConfig,
    OperatingPoint,
    check_choosable,
    choose_operating_point,
    find_threshold,
    fit_temperature,
)

YOUDEN = OperatingConfig("youden")


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both classes and logits, some of them equal."""
    count = draw(st.integers(2, 30))
    labels = np.array(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    labels[:2] = 0, 1
    tenths = draw(st.lists(st.integers(-80, 80), min_size=count, max_size=count))
    return labels, np.array(tenths) / 10


def shares(labels: np.ndarray, logits: np.ndarray, threshold: float) -> tuple[float, float]:
    found = evaluate(labels, logits, threshold)
    return float(found.sensitivity.value or 0), float(found.specificity.value or 0)


@settings(max_examples=30)
@given(scored())
def test_no_temperature_has_a_lower_log_loss(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, logits = case
    found = fit_temperature(labels, logits)
    assert 0.25 <= found <= 8
    losses = [log_loss(labels, logits / t) for t in np.geomspace(0.25, 8, 300)]
    assert log_loss(labels, logits / found) <= min(losses) + 1e-12


@settings(max_examples=30)
@given(scored(), st.floats(0.5, 4))
def test_a_temperature_undoes_a_scale(case: tuple[np.ndarray, np.ndarray], scale: float) -> None:
    labels, logits = case
    one, two = fit_temperature(labels, logits), fit_temperature(labels, logits * scale)
    if logits.any() and 0.3 < one < 7 and 0.3 < one * scale < 7:
        assert two == pytest.approx(one * scale, rel=1e-6)


def test_known_temperatures() -> None:
    # Of four equal scores three are right: the best probability is 3/4, so logit / T is ln 3.
    assert fit_temperature([1, 1, 1, 0], [2.0] * 4) == pytest.approx(2 / np.log(3))
    assert fit_temperature([1, 0], [3.0, -3.0]) == 0.25
    assert fit_temperature([0, 1], [3.0, -3.0]) == 8
    assert fit_temperature([0, 1], [0.0, 0.0]) == 1


@settings(max_examples=30)
@given(scored())
def test_no_threshold_has_a_greater_youden_index(case: tuple[np.ndarray, np.ndarray]) -> None:
    labels, logits = case
    found = sum(shares(labels, logits, find_threshold(labels, logits)))
    others = [sum(shares(labels, logits, t)) for t in (0.5, *calibrated(logits, 1)) if 0 < t < 1]
    assert found >= max(others) - 1e-12


@settings(max_examples=30)
@given(scored(), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_a_sensitivity_is_reached_with_the_greatest_specificity(
    case: tuple[np.ndarray, np.ndarray], least: float
) -> None:
    labels, logits = case
    sensitivity, specificity = shares(labels, logits, find_threshold(labels, logits, least))
    assert sensitivity >= least
    for threshold in calibrated(logits, 1):
        other = shares(labels, logits, threshold)
        assert other[0] < least or other[1] <= specificity


@settings(max_examples=30)
@given(scored(), st.sampled_from([YOUDEN, OperatingConfig("sensitivity", calibrate=True)]))
def test_the_point_is_one_that_a_card_takes(case: tuple[np.ndarray, np.ndarray], config: OperatingConfig) -> None:
    labels, logits = case
    point = choose_operating_point(labels, logits * 20, config)
    assert 1e-6 <= point.threshold <= 1 - 1e-6 and 0.25 <= point.temperature <= 8
    assert 0 < np.float32(point.threshold) < 1


def test_among_equals_the_threshold_is_nearest_to_one_half() -> None:
    assert find_threshold([0, 0, 1, 1], [-3.0, -1.0, 1.0, 3.0]) == 0.5
    assert find_threshold([0, 0, 1, 1], [-3.0, -2.0, -1.0, 3.0]) == pytest.approx(calibrated(-1.5, 1))
    assert find_threshold([0, 1, 0, 1], [-3.0, -2.0, 1.0, 3.0], 0.5) == pytest.approx(calibrated(2.0, 1))


def test_nothing_is_chosen_unasked() -> None:
    assert choose_operating_point([0, 1], [1.0, -1.0], OperatingConfig()) == OperatingPoint(0.5, 1.0, ())
    assert choose_operating_point([0, 1], [1.0, -1.0], OperatingConfig(threshold=0.2)).threshold == 0.2


def test_separated_classes_say_nothing_of_the_temperature() -> None:
    point = choose_operating_point([0, 0, 1], [-1.0, -2.0, 0.5], OperatingConfig(calibrate=True))
    assert point.temperature == 1 and point.notes[0].startswith("Temperature 1, not fitted")
    point = choose_operating_point([0, 1, 1, 0], [-0.1, 0.1, 0.1, 0.01], OperatingConfig(calibrate=True))
    assert point.temperature == 0.25 and "end of the allowed range" in point.notes[0]


def test_the_notes_say_what_was_reached() -> None:
    labels, logits = [0, 0, 1, 1], [-2.0, 1.0, 0.5, 3.0]
    point = choose_operating_point(labels, logits, OperatingConfig("sensitivity", min_sensitivity=0.9))
    assert "at least 0.9 on the 4 validation images (2 of class 1)" in point.notes[0]
    assert "sensitivity 1.000 [0.342, 1.000]" in point.notes[0] and "No threshold" not in point.notes[0]
    point = choose_operating_point([0, 1], [5.0, -50.0], OperatingConfig("sensitivity"))
    assert "No threshold reached that sensitivity." in point.notes[0]


def test_a_threshold_near_one_is_not_called_one() -> None:
    point = choose_operating_point([0, 1], [10.0, 10.8], YOUDEN)
    assert point.threshold == pytest.approx(0.99997, abs=1e-6)
    assert point.notes[0].startswith("Threshold 0.99997: ")


@pytest.mark.parametrize("changes", [{"threshold": 0.0}, {"threshold": 1.0}, {"min_sensitivity": 1.1}])
def test_settings_that_cannot_be(changes: dict[str, float]) -> None:
    with pytest.raises(HemotkError, match=next(iter(changes))):
        OperatingConfig(**changes)  # type: ignore[arg-type]


def test_a_validation_part_of_one_class_is_refused() -> None:
    parts: list[tuple[Part, int]] = [("train", 1), ("validation", 0), ("test", 1)]
    items = tuple(SplitItem(f"{i}.png", f"{i:064}", label, f"g{i}", part) for i, (part, label) in enumerate(parts))
    split = SplitManifest("now", "pictures", ("normal", "hemorrhage"), 0, 0.2, 0.2, "none", items)
    check_choosable(split, OperatingConfig())
    with pytest.raises(HemotkError, match="no image of class 'hemorrhage'"):
        check_choosable(split, YOUDEN)
