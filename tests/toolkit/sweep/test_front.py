"""The Pareto front against its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.sweep.front import pareto_front

# Few values, so that ties are frequent.
PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14)


def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[0] and one[1] >= other[1] and one != other


@given(PAIRS)
def test_it_holds_just_those_that_nothing_beats(pairs: list[tuple[int, int]]) -> None:
    front = pareto_front([cost for cost, _ in pairs], [value for _, value in pairs])
    unbeaten = {place for place, pair in enumerate(pairs) if not any(beats(other, pair) for other in pairs)}
    assert set(front) == unbeaten and len(front) == len(unbeaten)


@given(PAIRS)
def test_cost_and_value_rise_together(pairs: list[tuple[int, int]]) -> None:
    front = [pairs[place] for place in pareto_front([cost for cost, _ in pairs], [value for _, value in pairs])]
    assert front == sorted(front)
    assert [value for _, value in front] == sorted(value for _, value in front)


def test_lengths_that_differ() -> None:
    with pytest.raises(ValueError, match="zip"):
        pareto_front([1.0], [])
