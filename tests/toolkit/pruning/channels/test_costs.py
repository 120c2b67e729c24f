"""Pruning by what parts take: tables that nobody measured, so that every choice can be told beforehand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from cost_tables import cost_table, of_macs
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keep_sets import same_everywhere, shapes_and_keeps
from random_networks import shapes

from hemotk.artifacts import CostTable
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape, LayerShape, densenet
from hemotk.pruning.channels.budget import Allowed, choose
from hemotk.pruning.channels.cost import MeasuredCosts, Move, PricedNetwork
from hemotk.pruning.channels.groups import groups
from hemotk.pruning.channels.importance import ChannelScores
from hemotk.pruning.channels.job import read_costs
from hemotk.pruning.channels.keep import KeepSet

SIZE = 32  # blocks of 8×8, 4×4, 2×2


def uneven(part: str, side: int, out: int) -> tuple[float, float]:
    """Something for every part."""
    return (len(part) * 10.0 + out, side + out / 16)


def widths(keep: KeepSet) -> list[int]:
    return [len(channels) for channels in keep.flat()]


def test_the_time_of_a_network_is_the_sum_of_its_parts() -> None:
    shape = DenseNetShape(8, ((LayerShape(16, 8),), (LayerShape(8, 16),)), (16,), 1)
    table = cost_table(SIZE, 2, uneven)
    times = {(part.part, part.side, part.out): (part.fixed, part.per_channel) for part in table.parts}

    def ns(part: str, side: int, channels: int, out: int = 0) -> float:
        fixed, slope = times[part, side, out]  # type: ignore[index]
        return fixed + slope * channels

    layer = ns("handover", 8, 0) + ns("act", 8, 8) + ns("reduce", 8, 8, 16) + ns("expand", 8, 16, 8) + ns("copy", 8, 16)
    between = ns("handover", 8, 0) + ns("act", 8, 16) + ns("pool", 8, 16) + ns("reduce", 4, 16, 16)
    other = (
        ns("handover", 4, 0) + ns("act", 4, 16) + ns("reduce", 4, 16, 8) + ns("expand", 4, 8, 16) + ns("copy", 4, 32)
    )
    end = ns("handover", 4, 0) + ns("act", 4, 32) + ns("head", 4, 32)
    network = PricedNetwork(shape, MeasuredCosts(table, 2))
    assert network.total(network.widths) == pytest.approx(ns("stem", 32, 0, 8) + layer + between + other + end)


def test_widths_between_and_beyond_those_of_the_table() -> None:
    costs = MeasuredCosts(
        cost_table(SIZE, 1, lambda part, side, out: (float(out), 0.0) if part == "stem" else (0.0, 0.0)), 1
    )
    np.testing.assert_allclose(costs.stem(np.array([1, 8, 12, 32, 48])), [8, 8, 12, 32, 48])


@settings(max_examples=50)
@given(both=shapes_and_keeps(), data=st.data())
def test_what_a_move_saves_is_the_difference_of_two_networks(
    both: tuple[DenseNetShape, KeepSet], data: st.DataObject
) -> None:
    shape, now = both[0], np.array(widths(both[1]))
    network = PricedNetwork(shape, MeasuredCosts(cost_table(SIZE, len(shape.blocks), uneven), len(shape.blocks)))
    there = [layer for layer in network.layers if now[layer[0]] > 0]
    moves = [Move(layer, (0, 0)) for layer in there]
    moves += [Move((group,), (int(width) - 1,)) for group, width in enumerate(now) if width > 1]
    move, fewer = data.draw(st.sampled_from(moves)), now.copy()
    fewer[list(move.groups)] = move.widths
    saved = sum(network.saved(block, now, [move])[move] for block in network.blocks_of(move))
    assert saved == pytest.approx(network.total(now) - network.total(fewer), abs=1e-6)


@settings(max_examples=30)
@given(shape=shapes(12), seed=st.integers(0, 99), both=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)))
def test_the_budget_is_one_of_macs_and_a_smaller_one_keeps_part_of_what_a_larger_one_keeps(
    shape: DenseNetShape, seed: int, both: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    scores = ChannelScores(tuple(rng.exponential(size=group.width) for group in groups(shape)))
    table, found = cost_table(SIZE, len(shape.blocks), uneven), []
    for share in sorted(both):
        try:
            found.append(choose(shape, scores, SIZE, share, Allowed(1, 1, True), table))
        except HemotkError:
            assume(False)
        assert macs_of(shape, found[-1]) <= share * shape.macs(SIZE) * (1 + 1e-12)
    assert all(set(small) <= set(large) for small, large in zip(found[0].flat(), found[1].flat(), strict=True))


def macs_of(shape: DenseNetShape, keep: KeepSet) -> int:
    blocks = tuple(
        tuple(LayerShape(len(layer.bottleneck), len(layer.growth)) for layer in block if not layer.vanishes)
        for block in keep.blocks
    )
    transitions = tuple(map(len, keep.transitions))
    return dataclasses.replace(shape, stem=len(keep.stem), blocks=blocks, transitions=transitions).macs(SIZE)


def test_what_takes_long_goes_rather_than_what_has_many_macs() -> None:
    """By MACs the first block goes first, 8×8 against 4×4; on this machine the second block takes all the time."""
    shape = densenet((2, 2), growth=16)
    scores = ChannelScores(tuple(same_everywhere(shape, 1.0)))

    def slow(part: str, side: int, out: int) -> tuple[float, float]:
        fixed, slope = of_macs(part, side, out)
        return (1e4 * fixed, 1e4 * slope) if side == 4 else (fixed, slope)

    table = cost_table(SIZE, 2, slow)
    by_macs, by_time = choose(shape, scores, SIZE, 0.85), choose(shape, scores, SIZE, 0.85, Allowed(), table)
    first, second = slice(1, 5), slice(6, 10)
    assert widths(by_macs)[second] == [64, 16] * 2 and widths(by_macs)[first] != [64, 16] * 2
    assert sum(widths(by_time)[second]) < sum(widths(by_macs)[second])
    assert sum(widths(by_time)[first]) > sum(widths(by_macs)[first])


def test_where_a_layer_takes_its_time_at_any_width_it_vanishes() -> None:
    shape = densenet((4,), growth=16)
    values = same_everywhere(shape, 1.0)
    values[3:5] = [value / 50 for value in values[3:5]]  # the second layer
    scores = ChannelScores(tuple(values))
    fixed = cost_table(SIZE, 1, lambda part, side, out: (1000.0, 0.0) if part == "handover" else (0.0, 0.001))
    keep = choose(shape, scores, SIZE, 0.9, Allowed(drop=True), fixed)
    assert [layer.vanishes for layer in keep.blocks[0]] == [False, True, False, False]
    assert {len(layer.bottleneck) for layer in keep.blocks[0]} == {0, 64}


def test_a_kernel_that_works_on_sixteen_channels_gives_them_up_together() -> None:
    shape = DenseNetShape(8, ((LayerShape(32, 8), LayerShape(32, 8)),), ())
    values = same_everywhere(shape, 1.0)
    padded = cost_table(
        SIZE,
        1,
        lambda part, side, out: (16.0 * -(-out // 16), 0.0) if part == "reduce" else (0.0, 0.0),
        outs=(8, 16, 24, 32),
    )
    keep = choose(shape, ChannelScores(tuple(values)), SIZE, 0.99, Allowed(), padded)
    assert sorted(len(layer.bottleneck) for layer in keep.blocks[0]) == [16, 32]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"processor": "Another 9000"}, "was measured on another machine, Another 9000 with"),
        ({"features": ("amx_int8",)}, "was measured on another machine, .* with amx_int8, and this one is"),
        ({"runtime": "ai_edge_litert 9.9"}, "was measured with ai_edge_litert 9.9, and here is "),
    ],
)
def test_a_table_of_another_machine_or_runtime_is_refused(tmp_path: Path, changes: dict, sentence: str) -> None:
    cost_table(SIZE, 2, **changes).write(tmp_path / "costs.json")
    with pytest.raises(HemotkError, match=f"costs.*: {sentence}.*; name a file that is not there yet"):
        read_costs(tmp_path / "costs.json", densenet((1, 1)), SIZE)


def test_a_table_of_other_pictures_or_blocks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    cost_table(SIZE, 2).write(path)
    assert read_costs(path, densenet((1, 1)), SIZE) == CostTable.read(path)
    with pytest.raises(HemotkError, match="is for pictures of 32×32, and the run takes 64×64; name"):
        read_costs(path, densenet((1, 1)), 64)
    with pytest.raises(HemotkError, match="lacks a 'reduce' of 2×2, which this network has; name"):
        read_costs(path, densenet((1, 1, 1)), SIZE)
    path.write_text(path.read_text()[:300])
    with pytest.raises(HemotkError, match=r"costs\.json"):
        read_costs(path, densenet((1, 1)), SIZE)
