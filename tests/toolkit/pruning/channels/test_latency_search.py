"""The share of multiply-accumulates that is fast enough, with machines whose speed is a formula."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape, densenet
from hemotk.pruning.channels.budget import Allowed
from hemotk.pruning.channels.groups import groups
from hemotk.pruning.channels.importance import ChannelScores
from hemotk.pruning.channels.latency import TRIALS, LatencySearch, find_share

SIZE = 32
SHAPE = densenet((2, 2), growth=16)
CHOICE = LatencySearch(
    SHAPE, ChannelScores(tuple(np.arange(1.0, group.width + 1) for group in groups(SHAPE))), SIZE, Allowed(1, 1)
)


class Machine:
    """Counts what it is asked to time."""

    def __init__(self, ratio: Callable[[float], float]) -> None:
        self.asked = 0
        self._ratio = ratio

    def __call__(self, shape: DenseNetShape) -> float:
        self.asked += 1
        return self._ratio(shape.macs(SIZE) / SHAPE.macs(SIZE))


@example(0.234375, 0.125, 0.5)  # curves on which the trials ran out
@example(0.25, 0.0, 0.5)
@example(0.1, 0.0, 1.97)
@given(st.floats(0.1, 0.95), st.floats(0.0, 0.3), st.floats(0.5, 2.0))
def test_what_is_found_is_fast_enough_and_hardly_faster(target: float, overhead: float, power: float) -> None:
    machine = Machine(lambda share: overhead + (1 - overhead) * share**power)
    if target < overhead + 0.1:
        return
    found = find_share(CHOICE, target, machine)
    assert machine.asked <= TRIALS + 2  # the whole network, the trials, the smallest
    network = CHOICE.within(found.macs)
    assert network is not None and found.ratio == machine(network) <= target
    assert found.ratio >= 0.9 * target or found.macs == CHOICE.least or next_larger(network, machine) > target


def next_larger(network: DenseNetShape, machine: Machine) -> float:
    """The ratio of the next network that the widths allow: they are few, and some steps are large."""
    share = network.macs(SIZE) / SHAPE.macs(SIZE)
    larger = (CHOICE.within(at) for at in np.linspace(share, 1, 500))
    return machine(next(found for found in larger if found is not None and found.macs(SIZE) > network.macs(SIZE)))


def test_a_network_that_is_fast_enough_is_left_alone() -> None:
    assert find_share(CHOICE, 0.5, Machine(lambda share: 0.4 * share)).macs == 1


def test_a_machine_that_gets_no_faster() -> None:
    with pytest.raises(HemotkError, match=r"target_latency_ratio 0.5: no widths that are allowed reach it"):
        find_share(CHOICE, 0.5, Machine(lambda share: 0.8 + 0.2 * share))


def test_when_the_trials_run_out_the_smallest_network_is_tried() -> None:
    least = CHOICE.least
    found = find_share(CHOICE, 0.5, Machine(lambda share: 0.4 if share <= least * 1.001 else 0.9))
    assert found.macs == least and found.ratio == 0.4
    smallest = CHOICE.within(least)
    assert smallest is not None and CHOICE.within(least * 0.999) is None
    assert smallest.macs(SIZE) / SHAPE.macs(SIZE) == pytest.approx(least)
