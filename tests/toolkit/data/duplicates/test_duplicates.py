"""Near duplicates: planted copies and neighbouring slices among unrelated heads, and groups without weak chains."""

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.data.duplicates.find import BESIDE, COPY, MOST_IMAGES, NEAR, REACH, Pair, near_duplicates
from hemotk.data.duplicates.gather import link, needed
from hemotk.data.duplicates.view import VIEW_SIZE, View, view
from hemotk.data.phantom.draw import draw_slice
from hemotk.errors import HemotkError

sys.path.append(str(Path(__file__).parents[4] / "studies"))

from planted_copies import CHANGES, Gray

SEED = 4242  # thresholds were chosen on other heads
SIZES = (140, 260)


def head(index: int, offset: int = 0) -> Gray:
    return draw_slice(SEED, index, bool(index % 2), slice_offset=offset, sizes=SIZES)


@cache
def planted() -> tuple[tuple[View, ...], tuple[int, ...], tuple[str, ...]]:
    """Views of 24 heads: 12 alone, 12 with two changed copies and a neighbouring slice; whose head, and what it is.

    Those of one head are not beside each other.
    """
    rng = np.random.default_rng(SEED)
    views, heads, kinds = [], [], []
    for index in range(24):
        gray = head(index)
        made = [("", gray)]
        if index < 12:
            changes = (CHANGES[index % 6], CHANGES[(index + 1 + index // 6) % 6])
            made += [(change.__name__, change(gray, rng)) for change in changes]
            made.append(("neighbour", head(index, 1 if index % 4 < 2 else -1)))
        views += [view(picture) for _, picture in made]
        heads += [index] * len(made)
        kinds += [kind for kind, _ in made]
    order = [*range(0, len(views), 4), *range(1, len(views), 4), *range(2, len(views), 4), *range(3, len(views), 4)]
    return tuple(views[k] for k in order), tuple(heads[k] for k in order), tuple(kinds[k] for k in order)


def test_planted_pairs_are_found_and_no_others() -> None:
    views, heads, kinds = planted()
    pairs = near_duplicates(views)
    true = sum(heads[pair.first] == heads[pair.second] for pair in pairs)
    copies = [place for place, kind in enumerate(kinds) if kind != "neighbour"]
    planned = [(a, b) for b in copies for a in copies if a < b and heads[a] == heads[b]]
    found = {(pair.first, pair.second) for pair in pairs}
    assert true / len(pairs) >= 0.95 and sum(pair in found for pair in planned) >= 0.95 * len(planned)
    # Neighbours must be as near as copies to count: at less, slices of different patients look as much alike.
    for kind, share in {**dict.fromkeys({*kinds} - {""}, 0.95), "neighbour": 0.75}.items():
        places = [(heads.index(heads[place]), place) for place, one in enumerate(kinds) if one == kind]
        assert sum(place in found for place in places) >= share * len(places), kind
    groups, _ = link(pairs, range(len(views)))
    assert all(len({heads[place] for place, one in enumerate(groups) if one == group}) == 1 for group in groups)
    assert all(groups[pair.first] == groups[pair.second] for pair in pairs if heads[pair.first] == heads[pair.second])


def test_a_mirrored_copy_is_called_one() -> None:
    gray = head(3)
    (pair,) = near_duplicates([view(gray), view(np.ascontiguousarray(gray[:, ::-1]))])
    assert pair.mirrored and pair.similarity > 0.95
    (pair,) = near_duplicates([view(gray), view(gray)])
    assert not pair.mirrored and pair.similarity > 0.99


def test_pairs_do_not_depend_on_the_order() -> None:
    views, heads, _ = planted()
    views = tuple(views[place] for place in sorted(range(len(views)), key=heads.__getitem__)[:16])
    one = {(pair.first, pair.second): pair.similarity for pair in near_duplicates(views)}
    back = near_duplicates(views[::-1])
    two = {(15 - pair.second, 15 - pair.first): pair.similarity for pair in back}
    borderline = {place for place, value in {**one, **two}.items() if value < NEAR + 0.02}
    assert set(one) - borderline == set(two) - borderline and len(one) > 15


BLANK = View(np.zeros((VIEW_SIZE, VIEW_SIZE), np.float32), np.zeros((VIEW_SIZE, VIEW_SIZE), np.float32), True, 0.0)


def blended(share: float) -> tuple[View, View]:
    """Two views whose correlation is `share`, in ranks and in detail."""
    rng = np.random.default_rng(SEED)
    wide = np.repeat(np.repeat(rng.normal(size=(2, 16, 16)), 4, axis=1), 4, axis=2)
    one, other = (grid - grid.mean() for grid in wide)
    one /= np.linalg.norm(one)
    other -= (other * one).sum() * one
    mixed = share * one + np.sqrt(1 - share**2) * other / np.linalg.norm(other)
    made = [grid.astype(np.float32) for grid in (one, mixed)]
    return View(made[0], made[0], True), View(made[1], made[1], True)


@pytest.mark.parametrize("gap", range(4))
@pytest.mark.parametrize("share", [BESIDE - 0.02, BESIDE + 0.02, NEAR - 0.02, NEAR + 0.01])
def test_views_beside_each_other_need_less(share: float, gap: int) -> None:
    one, other = blended(share)
    pairs = near_duplicates([BLANK, one, *[BLANK] * gap, other])
    beside = gap < REACH
    assert len(pairs) == (share >= (BESIDE if beside else NEAR))
    assert all((pair.first, pair.second, pair.beside) == (1, 2 + gap, beside) for pair in pairs)
    mirrored = View(other.ranks[:, ::-1], other.detail[:, ::-1], True)
    assert not near_duplicates([one, *[BLANK] * gap, mirrored]), "mirrored ones are let off with nothing"


def test_the_first_look_asks_less_of_views_beside_each_other() -> None:
    (one, unlike), (_, like) = blended(0.55), blended(0.95)
    other = replace(unlike, ranks=like.ranks)
    (pair,) = near_duplicates([one, other])
    assert BESIDE < pair.similarity < NEAR


def test_a_pair_beside_each_other_joins_single_images_and_not_two_series() -> None:
    weak = Pair(0, 1, BESIDE + 0.001, False, beside=True)
    assert link([weak], [0, 1])[0] == [0, 0] and link([replace(weak, beside=False)], [0, 1])[0] == [0, 1]
    assert link([replace(weak, first=9, second=10)], [0] * 10 + [1] * 10)[1] == []


def test_a_slice_of_bone_must_be_a_copy_to_count() -> None:
    telling = planted()[0][:4]
    bone = [View(one.ranks, one.detail, False) for one in telling]
    assert {round(pair.similarity, 6) for pair in near_duplicates(bone)} == {
        round(pair.similarity, 6) for pair in near_duplicates(telling) if pair.similarity >= COPY
    }


@settings(max_examples=20)
@given(st.integers(16, 90), st.integers(16, 90), st.integers(0, 3), st.integers(0, 99))
def test_any_picture_has_a_view(height: int, width: int, levels: int, seed: int) -> None:
    gray = np.random.default_rng(seed).integers(0, levels + 1, (height, width)).astype(np.uint8) * 60
    one = view(gray)
    for grid in (one.ranks, one.detail):
        assert grid.shape == (VIEW_SIZE, VIEW_SIZE) and grid.dtype == np.float32 and np.isfinite(grid).all()
        assert abs(float(np.linalg.norm(grid)) - 1) < 1e-3 or not grid.any()


def test_blank_pictures_are_no_duplicates_of_each_other() -> None:
    blank = view(np.full((50, 40), 7, np.uint8))
    assert not blank.ranks.any() and not near_duplicates([blank, blank, blank])
    assert near_duplicates([]) == ()


def test_too_many_images_to_compare() -> None:
    blank = view(np.zeros((20, 20), np.uint8))
    with pytest.raises(HemotkError, match=f"{MOST_IMAGES + 1} images are more than .* use groups patient"):
        near_duplicates([blank] * (MOST_IMAGES + 1))


SIMILARITIES = st.lists(
    st.tuples(st.integers(0, 19), st.integers(0, 19), st.floats(NEAR, 1)).filter(lambda pair: pair[0] < pair[1]),
    max_size=60,
)


@settings(max_examples=30)
@given(SIMILARITIES)
def test_groups_are_made_of_pairs_strong_enough_for_their_sizes(edges: list[tuple[int, int, float]]) -> None:
    pairs = [Pair(first, second, value, False) for first, second, value in edges]
    home, used = link(pairs, range(20))
    assert len(set(home)) == 20 - len(used)
    for group in set(home):
        inside = [pair for pair in used if home[pair.first] == group]
        assert len(inside) == home.count(group) - 1
        assert all(pair.similarity >= needed(1, NEAR) for pair in inside)


def test_one_weak_pair_does_not_join_two_large_groups_but_adds_a_single_image() -> None:
    strong = [Pair(k, k + 1, 0.95, False) for k in (*range(9), *range(10, 19))]
    weak = NEAR + 0.012
    assert needed(1, NEAR) == pytest.approx(NEAR)
    assert needed(1, NEAR) < weak < needed(10, NEAR)
    home, _ = link([*strong, Pair(3, 15, weak, False), Pair(5, 20, weak, False)], range(21))
    assert len(set(home[:10])) == 1 and len(set(home[10:20])) == 1
    assert home[0] != home[10] and home[20] == home[0]
    joined, used = link([*strong, Pair(3, 15, 0.9, False)], range(21))
    assert joined[0] == joined[10] and Pair(3, 15, 0.9, False) in used


def test_groups_that_were_there_before_stay() -> None:
    start = [0, 0, 0, 3, 3, 5]
    assert link([], start) == (start, [])
    home, used = link([Pair(0, 2, 0.99, False), Pair(2, 3, 0.99, False)], start)
    assert len({home[k] for k in range(5)}) == 1 and home[5] == 5 and len(used) == 1
