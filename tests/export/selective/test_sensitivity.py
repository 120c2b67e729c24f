from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.errors import CheckFailed, FieldError, HemotkError
from hemotk.exporting.selective.sensitivity import Cost, Reference, Selection, Tolerance, select
from hemotk.exporting.verify import Decision

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
PARENT = np.array([-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0])
REFERENCE = Reference(LABELS, PARENT, Decision(0.5, 1.0))


class Network:
    """A planted int8 network: every layer in int8 adds its own error to all logits."""

    def __init__(self, errors: Mapping[str, float], floor: float = 0.0) -> None:
        self.errors = errors
        self.floor = floor
        self.asked: list[tuple[str, ...]] = []

    def score(self, keep: tuple[str, ...]) -> np.ndarray:
        self.asked.append(keep)
        return PARENT + self.floor + sum(error for name, error in self.errors.items() if name not in keep)


def selected(network: Network, tolerance: Tolerance) -> Selection:
    return select(tuple(network.errors), network.score, REFERENCE, tolerance, lambda *_: None)


def test_nothing_is_ranked_or_kept_where_plain_int8_is_within() -> None:
    network = Network({"a": 0.01, "b": 0.02})
    found = selected(network, Tolerance(0.0, 0.02))
    assert (found.kept, found.ranking, network.asked) == ((), (), [()])
    assert found.reached == found.plain == found.prefixes[0]
    assert found.plain.error == pytest.approx(0.03**2)


def test_the_planted_layer_is_first_and_enough() -> None:
    found = selected(Network({"a": 0.01, "bad": 0.4, "c": 0.02}), Tolerance(1.0, 0.02))
    assert [each.layer for each in found.ranking] == ["bad", "c", "a"]
    assert found.kept == ("bad",)
    assert found.ranking[0].fall == pytest.approx(0.43**2 - 0.03**2)
    assert found.reached == found.ranking[0].alone


def test_a_layer_whose_error_cancels_another_is_last() -> None:
    found = selected(Network({"a": 0.3, "b": -0.1, "c": 0.01}), Tolerance(1.0, 0.026))
    assert [each.layer for each in found.ranking] == ["a", "c", "b"]
    assert found.ranking[-1].fall < 0
    assert found.kept == ("a",)  # what is left is 0.09, a drift of 0.0225


def test_a_shorter_prefix_wins_though_a_longer_one_between_fails() -> None:
    """Good at 2 and at 4 layers, not at 3: bisection between 0 and 4 would stop at 4 or at 2 by luck."""
    errors = {"a": 1.0, "b": 0.9, "c": -0.5, "d": 0.5}
    # kept:  -  → 1.9    a → 0.9    b → 1.0    d → 1.4    c → 2.4;  a, b → 0;  a, b, d → −0.5
    network = Network(errors)
    found = selected(network, Tolerance(1.0, 0.02))
    assert [each.layer for each in found.ranking] == ["a", "b", "d", "c"]
    assert found.kept == ("a", "b")
    assert ("a", "b", "d") not in network.asked


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 1), min_size=1),
    st.floats(0, 0.3),
    st.floats(0, 0.3),
)
def test_it_is_the_shortest_prefix_within(errors: dict[str, float], accuracy: float, drift: float) -> None:
    network, tolerance = Network(errors), Tolerance(accuracy, drift)
    found = selected(network, tolerance)
    order = tuple(each.layer for each in found.ranking)
    falls = [each.fall for each in found.ranking]
    assert falls == sorted(falls, reverse=True)
    assert order == () or sorted(order) == sorted(errors)
    costs = [REFERENCE.cost(Network(errors).score(order[:count])) for count in range(len(found.kept) + 1)]
    np.testing.assert_allclose([cost.error for cost in found.prefixes], [cost.error for cost in costs], atol=1e-12)
    assert [cost.within(tolerance) for cost in found.prefixes] == [False] * len(found.kept) + [True]
    assert len(network.asked) <= 2 * len(errors) + 2


def test_accuracy_alone_can_be_what_is_asked() -> None:
    """An error of 0.6 turns one of 8 decisions, which is right for float32; one of 0.2 turns none."""
    found = selected(Network({"a": 0.2, "b": 0.4}), Tolerance(0.0, 1.0))
    assert found.plain.accuracy_drop == 0.125
    assert (found.kept, found.reached.accuracy_drop) == (("b",), 0.0)


def test_a_variant_that_gets_more_right_has_no_drop() -> None:
    reference = Reference(LABELS, np.where(PARENT == 0.5, -0.1, PARENT), Decision(0.5, 1.0))
    assert reference.cost(PARENT).accuracy_drop == -0.125


def test_temperature_and_threshold_are_those_of_the_decision() -> None:
    reference = Reference(np.array([0, 1]), np.array([0.0, 4.0]), Decision(0.6, 2.0))
    cost = reference.cost(np.array([1.0, 4.0]))
    assert cost.error == 0.5
    assert cost.score_drift == pytest.approx(1 / (1 + np.exp(-0.5)) - 0.5)
    assert cost.accuracy_drop == 0.5  # 0.62 reaches 0.6; sigmoid(1) does too, but 0.5 does not


def test_what_not_even_float32_reaches() -> None:
    network = Network({"a": 0.1, "b": 0.1}, floor=0.5)
    with pytest.raises(
        CheckFailed, match=r"even with every layer in float32 .* drift by 0\.12.*; allow more"
    ) as failed:
        selected(network, Tolerance(1.0, 0.02))
    assert failed.value.exit_code == 1
    assert network.asked == [(), ("a", "b")]  # found out before the long ranking


def test_a_cost_that_is_no_number_is_beyond_every_limit() -> None:
    assert not Cost(float("nan"), 0.0, float("nan")).within(Tolerance(1.0, 1.0))


def test_progress_is_told() -> None:
    heard = []
    network = Network({"a": 0.3, "b": 0.3, "c": 0.3})
    select(tuple(network.errors), network.score, REFERENCE, Tolerance(1.0, 0.0), lambda *told: heard.append(told))
    assert heard[:3] == [("ranking layers", index, 3) for index in range(3)]
    assert heard[3:] == [("choosing layers", 2, 3), ("choosing layers", 3, 3)]


@pytest.mark.parametrize("field", ["accuracy_drop", "score_drift"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_limits_are_fractions(field: str, value: float) -> None:
    with pytest.raises(FieldError, match=field):
        Tolerance(**{field: value})


def test_it_is_kept_as_a_file(tmp_path: Path) -> None:
    found = selected(Network({"a": 0.01, "bad": 0.4, "c": 0.02}), Tolerance(1.0, 0.02))
    found.write(tmp_path / "sensitivity.json")
    assert Selection.read(tmp_path / "sensitivity.json") == found


def test_a_file_that_keeps_other_layers_than_the_first(tmp_path: Path) -> None:
    found = selected(Network({"a": 0.01, "bad": 0.4, "c": 0.02}), Tolerance(1.0, 0.02))
    (tmp_path / "s.json").write_bytes(found.to_json().replace(b'"kept": [\n  "bad"', b'"kept": [\n  "c"'))
    with pytest.raises(HemotkError, match="field 'kept' must be the first of the ranking"):
        Selection.read(tmp_path / "s.json")
