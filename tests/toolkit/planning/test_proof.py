"""What a test can be expected to show, against theory and against itself."""

import math

import numpy as np
import pytest

from hemotk.errors import FieldError
from hemotk.planning.proof import Assumed, expectations, groups_for_drop, least_drop
from hemotk.stats.metrics import wilson


def singles(count: int) -> tuple[list[int], list[str]]:
    return [place % 2 for place in range(count)], [str(place) for place in range(count)]


def patients(count: int, slices: int) -> tuple[list[int], list[str]]:
    """Each patient has `slices` slices, half of them with hemorrhage in every other patient."""
    labels = [int(place % 2 and slice_ < slices / 2) for place in range(count) for slice_ in range(slices)]
    return labels, [str(place) for place in range(count) for _ in range(slices)]


@pytest.mark.parametrize("right", [0.7, 0.9])
def test_single_images_get_the_width_of_theory(right: float) -> None:
    accuracy, sensitivity, _ = expectations(*singles(400), Assumed(right, 0.0), 0.05)
    assert accuracy.half_width == pytest.approx(1.96 * math.sqrt(right * (1 - right) / 400), rel=0.06)
    assert sensitivity.half_width == pytest.approx(1.96 * math.sqrt(right * (1 - right) / 200), rel=0.1)
    assert accuracy.needed == pytest.approx(right * (1 - right) * (1.96 / 0.05) ** 2, rel=0.15)
    assert sensitivity.needed == pytest.approx(2 * right * (1 - right) * (1.96 / 0.05) ** 2, rel=0.2)


def test_slices_that_go_together_say_less() -> None:
    """The design effect 1 + (m - 1) ρ widens the interval by its root."""
    widths = [
        expectations(*patients(400, 20), Assumed(0.85, correlation), 0.2)[0].half_width for correlation in (0.0, 0.3)
    ]
    assert widths[0] is not None and widths[1] is not None
    assert widths[1] / widths[0] == pytest.approx(math.sqrt(1 + 19 * 0.3), rel=0.1)


@pytest.mark.parametrize("target", [0.08])
def test_so_many_groups_give_the_width_that_was_asked_for(target: float) -> None:
    assumed = Assumed(0.9, 0.2)
    found = expectations(*patients(40, 12), assumed, target)
    for place in range(3):
        needed = found[place].needed
        assert needed is not None
        again = expectations(*patients(needed, 12), assumed, target, seed=5)[place]
        assert again.half_width == pytest.approx(target, rel=0.12)


def test_what_is_not_there_cannot_be_measured() -> None:
    accuracy, sensitivity, specificity = expectations([0, 0, 0], ["a", "b", "b"], Assumed(), 0.05)
    assert (sensitivity.images, sensitivity.groups, sensitivity.half_width, sensitivity.needed) == (0, 0, None, None)
    assert (accuracy.images, accuracy.groups) == (specificity.images, specificity.groups) == (3, 2)


def test_groups_that_rule_out_a_drop() -> None:
    assert groups_for_drop(0.01) == 381
    for drop in np.geomspace(0.002, 0.4, 9):
        count = groups_for_drop(float(drop))
        least, fewer = least_drop(count), wilson(0, count - 1).high
        assert least is not None and least <= drop
        assert fewer is None or fewer > drop
    assert least_drop(0) is None


@pytest.mark.parametrize("values", [(0.0, 0.1), (1.0, 0.1), (0.9, -0.1), (0.9, 1.0)])
def test_a_classifier_that_cannot_be_is_refused(values: tuple[float, float]) -> None:
    with pytest.raises(FieldError):
        Assumed(*values)
