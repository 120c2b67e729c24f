import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keep_sets import same_everywhere, shapes_and_keeps
from random_networks import random_arrays, shapes

from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape, LayerShape, densenet
from hemotk.pruning.channels.budget import Allowed, choose, least_share
from hemotk.pruning.channels.cost import MacCosts, Move, PricedNetwork
from hemotk.pruning.channels.groups import groups
from hemotk.pruning.channels.importance import ChannelScores, magnitude
from hemotk.pruning.channels.keep import KeepSet
from hemotk.pruning.channels.surgery import cut, silenced

SIZE = 32
shares = st.floats(0.05, 0.99)
steps = st.integers(1, 5)
EVERY_WIDTH = Allowed(1, 1)


def widths(keep: KeepSet) -> list[int]:
    return [len(channels) for channels in keep.flat()]


def next_width(width: int, multiple: int, smallest: int) -> int:
    below = [w for w in range(1, width) if w % multiple == 0 and w >= smallest]
    return below[-1] if below else width


def with_widths(shape: DenseNetShape, wanted: list[int]) -> DenseNetShape:
    return cut(shape, random_arrays(shape, 0), KeepSet.of(shape, map(range, wanted)))[0]


def random_scores(shape: DenseNetShape, seed: int) -> ChannelScores:
    rng = np.random.default_rng(seed)
    return ChannelScores(tuple(rng.exponential(size=group.width) for group in groups(shape)))


def chosen(shape: DenseNetShape, scores: ChannelScores, share: float, allowed: Allowed = EVERY_WIDTH) -> KeepSet | None:
    try:
        return choose(shape, scores, SIZE, share, allowed)
    except HemotkError as error:
        assert "is the smallest" in str(error) or "nothing to cut" in str(error)
        return None


@given(both=shapes_and_keeps(), size=st.integers(16, 80), data=st.data())
def test_the_price_of_a_channel_is_what_its_removal_saves(
    both: tuple[DenseNetShape, KeepSet], size: int, data: st.DataObject
) -> None:
    shape = with_widths(both[0], widths(both[1]))
    now = [group.width for group in groups(shape)]
    where = data.draw(st.integers(0, len(now) - 1))
    assume(now[where] > 1)
    fewer = with_widths(shape, [w - (i == where) for i, w in enumerate(now)])
    network, move = PricedNetwork(shape, MacCosts(size, shape.hidden)), Move((where,), (now[where] - 1,))
    assert network.total(network.widths) == shape.macs(size)
    saved = sum(network.saved(block, network.widths, [move])[move] for block in network.blocks_of(move))
    assert saved == shape.macs(size) - fewer.macs(size)


@given(shape=shapes(12), seed=st.integers(0, 99), share=shares, multiple=steps, smallest=steps)
@settings(max_examples=150)
def test_the_budget_is_met_by_the_last_chunk_only(
    shape: DenseNetShape, seed: int, share: float, multiple: int, smallest: int
) -> None:
    keep = chosen(shape, random_scores(shape, seed), share, Allowed(multiple, smallest))
    assume(keep is not None)
    found, before = widths(keep), [group.width for group in groups(shape)]
    budget = share * shape.macs(SIZE) * (1 + 1e-12)
    assert with_widths(shape, found).macs(SIZE) <= budget
    for width, was in zip(found, before, strict=True):
        assert width == was or (width % multiple == 0 and smallest <= width < was)
    wider = []
    for i, (width, was) in enumerate(zip(found, before, strict=True)):
        if width < was:
            back = min((w for w in range(width + 1, was) if w % multiple == 0), default=was)
            wider.append(with_widths(shape, [*found[:i], back, *found[i + 1 :]]).macs(SIZE))
    assert max(wider) > budget


@given(
    shape=shapes(12),
    seed=st.integers(0, 99),
    one=shares,
    other=shares,
    allowed=st.builds(Allowed, steps, st.just(1), st.booleans()),
)
def test_a_smaller_budget_keeps_part_of_what_a_larger_one_keeps(
    shape: DenseNetShape, seed: int, one: float, other: float, allowed: Allowed
) -> None:
    scores = random_scores(shape, seed)
    less, more = (chosen(shape, scores, share, allowed) for share in sorted((one, other)))
    assume(less is not None)
    assert more is not None
    assert all(set(small) <= set(large) for small, large in zip(less.flat(), more.flat(), strict=True))
    assert less == chosen(shape, scores, min(one, other), allowed)


@given(shape=shapes(12), seed=st.integers(0, 99), share=shares, multiple=steps)
def test_within_a_group_the_least_important_go(shape: DenseNetShape, seed: int, share: float, multiple: int) -> None:
    scores = random_scores(shape, seed)
    keep = chosen(shape, scores, share, Allowed(multiple, 1))
    assume(keep is not None)
    for value, kept in zip(scores.values, keep.flat(), strict=True):
        gone = np.delete(value, kept)
        assert gone.size == 0 or gone.max() <= value[list(kept)].min()


@given(both=shapes_and_keeps(), seed=st.integers(0, 99), factor=st.sampled_from((0.25, 2.0, 1024.0)), share=shares)
def test_the_unit_of_the_scores_does_not_matter(
    both: tuple[DenseNetShape, KeepSet], seed: int, factor: float, share: float
) -> None:
    shape, scores = both[0], random_scores(both[0], seed)
    scaled = ChannelScores(tuple(value * factor for value in scores.values))
    assert chosen(shape, scaled, share) == chosen(shape, scores, share)


@given(both=shapes_and_keeps(), seed=st.integers(0, 99))
def test_dead_channels_go_first(both: tuple[DenseNetShape, KeepSet], seed: int) -> None:
    shape, keep = both
    weights = {name: np.where(array == 0, np.float32(1), array) for name, array in random_arrays(shape, seed).items()}
    scores = magnitude(shape, silenced(shape, weights, keep))
    without = with_widths(shape, widths(keep))
    assume(without != shape)
    share, allowed = without.macs(SIZE) / shape.macs(SIZE), Allowed(1, 1, drop=True)
    assume(share >= least_share(shape, SIZE, allowed))  # which takes the largest layer for the one that stays
    assert choose(shape, scores, SIZE, share, allowed) == keep


def test_ties_go_to_what_saves_more_then_to_the_earlier_group_then_to_the_higher_channel() -> None:
    shape = DenseNetShape(4, ((LayerShape(4, 4), LayerShape(4, 4)),), ())
    keep = choose(shape, ChannelScores(tuple(same_everywhere(shape, 0.0))), SIZE, 0.999, Allowed(1, 1))
    assert widths(keep) == [3, 4, 4, 4, 4]
    assert keep.stem == (0, 1, 2)


def test_groups_without_any_score_go_before_all_others() -> None:
    shape = DenseNetShape(4, ((LayerShape(4, 4), LayerShape(4, 4)),), ())
    values = [np.full(4, 1e-300), np.zeros(4), np.full(4, 1e300), np.zeros(4), np.ones(4)]
    least = with_widths(shape, [4, 1, 4, 1, 4]).macs(SIZE) / shape.macs(SIZE)
    assert widths(choose(shape, ChannelScores(tuple(values)), SIZE, least, Allowed(1, 1))) == [4, 1, 4, 1, 4]


def test_an_emptier_group_gives_up_its_channels_at_a_higher_price() -> None:
    """Two bottlenecks that cost the same, one of twice the score: it keeps about twice the width."""
    shape = DenseNetShape(1, ((LayerShape(40, 1),), (LayerShape(40, 1),)), (1,))
    values = same_everywhere(shape, 1.0)
    area = [(SIZE // 4) ** 2, (SIZE // 8) ** 2]
    values[1], values[4] = values[1] * 2 * area[0], values[4] * area[1]
    share = 1 - 0.5 * (40 * 11 * sum(area)) / shape.macs(SIZE)
    found = widths(choose(shape, ChannelScores(tuple(values)), SIZE, share, Allowed(1, 1)))
    assert 1.5 < found[1] / found[4] < 2.5


@given(shape=shapes(12), seed=st.integers(0, 99), multiple=steps, smallest=steps)
def test_the_smallest_share_can_be_met_whatever_the_scores_if_layers_may_vanish(
    shape: DenseNetShape, seed: int, multiple: int, smallest: int
) -> None:
    allowed = Allowed(multiple, smallest, drop=True)
    share = least_share(shape, SIZE, allowed)
    assume(share < 1)
    keep = choose(shape, random_scores(shape, seed), SIZE, share, allowed)
    assert any(not layer.vanishes for block in keep.blocks for layer in block)
    assert with_widths(shape, widths(keep)).macs(SIZE) <= share * shape.macs(SIZE) * (1 + 1e-12)


@given(both=shapes_and_keeps(), size=st.integers(16, 80), data=st.data())
def test_the_price_of_a_layer_is_what_its_removal_saves(
    both: tuple[DenseNetShape, KeepSet], size: int, data: st.DataObject
) -> None:
    shape, now = both[0], np.array(widths(both[1]))
    network = PricedNetwork(shape, MacCosts(size, shape.hidden))
    there = [layer for layer in network.layers if now[layer[0]] > 0]
    assume(len(there) > 1)
    layer = data.draw(st.sampled_from(there))
    fewer = now.copy()
    fewer[list(layer)] = 0
    move = Move(layer, (0, 0))
    saved = sum(network.saved(block, now, [move])[move] for block in network.blocks_of(move))
    expected = with_widths(shape, now.tolist()).macs(size) - with_widths(shape, fewer.tolist()).macs(size)
    assert move.drops and saved == expected


def test_a_layer_vanishes_where_that_loses_least_and_not_where_its_channels_do_much_together() -> None:
    shape = DenseNetShape(8, ((LayerShape(8, 8),) * 3,), ())
    values = same_everywhere(shape, 1.0)
    values[4] = values[4] / 100  # the channels of the second layer, each by itself
    alone, together = ChannelScores(tuple(values)), ChannelScores(tuple(values), np.array([16.0, 80.0, 4.0]))
    gone = {
        name: choose(shape, scores, SIZE, 0.8, Allowed(8, 8, True))
        for name, scores in (("alone", alone), ("together", together))
    }
    assert [layer.vanishes for layer in gone["alone"].blocks[0]] == [False, True, False]
    assert [layer.vanishes for layer in gone["together"].blocks[0]] == [False, False, True]
    with pytest.raises(HemotkError, match="there is nothing to cut"):
        choose(shape, alone, SIZE, 0.8)


def test_a_budget_that_would_take_every_layer_is_refused() -> None:
    shape = densenet((2, 2), growth=16)
    scores = ChannelScores(tuple(same_everywhere(shape, 1.0)))
    with pytest.raises(HemotkError, match=r"widths of at least 8 in multiples of 8 and one dense layer: 0\.\d+ is"):
        choose(shape, scores, SIZE, 0.001, Allowed(drop=True))


def test_the_budget_of_densenet201_is_chosen_quickly_in_multiples_of_eight() -> None:
    shape = densenet((6, 12, 48, 32))
    keep = choose(shape, random_scores(shape, 0), 224, 0.1)
    assert {width % 8 for width in widths(keep)} == {0}
    assert 0.095 < with_widths(shape, widths(keep)).macs(224) / shape.macs(224) <= 0.1


@pytest.mark.parametrize("growth", [4, 8, 9, 12])
def test_widths_that_are_no_multiple(growth: int) -> None:
    shape = densenet((2, 2), growth=growth, bottleneck=20, stem=21)
    least = with_widths(shape, [next_width(next_width(group.width, 8, 8), 8, 8) for group in groups(shape)])
    keep = choose(shape, ChannelScores(tuple(same_everywhere(shape, 1.0))), SIZE, least.macs(SIZE) / shape.macs(SIZE))
    assert {(layer.bottleneck, layer.growth) for block in least.blocks for layer in block} == {(8, min(growth, 8))}
    assert with_widths(shape, widths(keep)) == least


def test_a_budget_that_cannot_be_met_names_the_smallest_share() -> None:
    shape = densenet((2, 2), growth=16)
    scores = ChannelScores(tuple(same_everywhere(shape, 1.0)))
    with pytest.raises(
        HemotkError, match=r"macs: a share of 0.01 cannot be reached with widths of at least 8"
    ) as caught:
        choose(shape, scores, SIZE, 0.01)
    smallest = float(str(caught.value).split(": ")[2].split(" ")[0])
    choose(shape, scores, SIZE, smallest)
    with pytest.raises(HemotkError, match="cannot be reached"):
        choose(shape, scores, SIZE, smallest - 1e-4)


def test_a_network_of_least_widths_has_nothing_to_cut() -> None:
    shape = densenet((2, 2), growth=4, bottleneck=8, stem=8)
    shape = with_widths(shape, [min(group.width, 8) for group in groups(shape)])
    with pytest.raises(
        HemotkError, match="smaller multiple of 8 that is at least 8, so there is nothing to cut; allow"
    ):
        choose(shape, ChannelScores(tuple(same_everywhere(shape, 1.0))), SIZE, 0.9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"macs_to_keep": 1.0}, r"the network has [\d,]+ multiply-accumulates and may have 1 times as many"),
        ({"macs_to_keep": 1.5}, "nothing to cut; ask for a smaller share"),
        ({"macs_to_keep": 0.0}, "macs: 0 is no share"),
        ({"macs_to_keep": -0.5}, "macs: -0.5 is no share"),
        ({"macs_to_keep": math.nan}, "macs: nan is no share"),
        ({"macs_to_keep": math.inf}, "macs: inf is no share"),
        ({"size": 15}, "size: 15 is too small for this network; give at least 16"),
        ({"allowed": lambda: Allowed(multiple=0)}, "multiple: is 0"),
        ({"allowed": lambda: Allowed(smallest=0)}, "smallest: is 0"),
        ({"scores": ChannelScores((np.zeros(1),))}, "scores: are not one for every channel"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    shape = densenet((2, 2), growth=16)
    fine: dict[str, Any] = {
        "scores": ChannelScores(tuple(same_everywhere(shape, 1.0))),
        "size": SIZE,
        "macs_to_keep": 0.5,
    }
    with pytest.raises(HemotkError, match=message):
        choose(shape, **{name: value() if callable(value) else value for name, value in (fine | changes).items()})
