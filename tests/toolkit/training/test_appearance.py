"""Random appearance of training pictures, and which pictures an epoch shows."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.errors import HemotkError
from hemotk.training.appearance import random_appearance
from hemotk.training.config import APPEARANCES, SCANNERS, AppearanceConfig, TrainConfig

SIDE = 24
ALWAYS = {"share": 1.0}


def pictures(count: int = 6) -> np.ndarray:
    """Smooth pictures with a black frame."""
    rng = np.random.default_rng(3)
    inner = rng.integers(40, 250, (count, 4, 4)).repeat(4, 1).repeat(4, 2)
    return np.pad(inner, ((0, 0), (4, 4), (4, 4))).astype(np.uint8)


def changed(seed: int = 0, **change: Any) -> np.ndarray:
    config = AppearanceConfig(**{**ALWAYS, **change})
    return random_appearance(config, np.random.default_rng(seed), pictures())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["gamma", "noise", "blur", "resolution", "jpeg", "cutout"]))
def test_every_change_keeps_size_and_type_and_repeats_from_its_seed(seed: int, name: str) -> None:
    change = {name: getattr(SCANNERS, name)}
    one, two = changed(seed, **change), changed(seed, **change)
    assert one.dtype == np.uint8 and one.shape == (6, SIDE, SIDE)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["gamma", "noise", "blur", "resolution", "jpeg", "cutout"])
def test_other_seeds_make_other_changes(name: str) -> None:
    change = {name: getattr(SCANNERS, name)}
    found = [changed(seed, **change) for seed in range(5)]
    assert all((one != two).any() for place, one in enumerate(found) for two in found[:place])


def test_without_changes_the_pictures_are_handed_on() -> None:
    given_pictures = pictures()
    for config in (APPEARANCES["none"], replace(SCANNERS, share=0.0)):
        assert random_appearance(config, np.random.default_rng(0), given_pictures) is given_pictures


def test_the_share_says_how_many_pictures_are_changed() -> None:
    many = pictures(400)
    found = random_appearance(AppearanceConfig(share=0.3, gamma=1.0), np.random.default_rng(1), many)
    assert 0.22 < (found != many).any(axis=(1, 2)).mean() < 0.38


def test_air_stays_black_under_noise_and_gamma() -> None:
    air = pictures() == 0
    for change in ({"noise": 20.0}, {"gamma": 1.0}):
        assert not changed(0, **change)[air].any()


def test_gamma_keeps_the_order_of_gray_values_and_goes_both_ways() -> None:
    before, after = pictures().astype(int), changed(gamma=1.0).astype(int)
    for old, new in zip(before, after, strict=True):
        order = np.argsort(old, axis=None, kind="stable")
        assert (np.diff(new.ravel()[order]) >= 0).all()
    means = after.mean(axis=(1, 2)) - before.mean(axis=(1, 2))
    assert means.min() < 0 < means.max()


def test_a_blur_and_a_coarser_picture_lose_detail_but_no_brightness() -> None:
    for config in (AppearanceConfig(share=1.0, blur=5.0), AppearanceConfig(share=1.0, resolution=0.7)):
        before = pictures()
        after = random_appearance(config, np.random.default_rng(0), before)
        assert detail(after) < 0.8 * detail(before)
        assert after.mean() == pytest.approx(before.mean(), rel=0.03)


def detail(of: np.ndarray) -> float:
    """The mean squared step between neighbours."""
    return float((np.diff(of.astype(float)) ** 2).mean())


def test_noise_is_as_large_as_it_says() -> None:
    flat = np.full((200, SIDE, SIDE), 128, np.uint8)
    config = AppearanceConfig(share=1.0, noise=10.0)
    spread = random_appearance(config, np.random.default_rng(0), flat).astype(float).std(axis=(1, 2))
    assert spread.max() < 11 and 4 < spread.mean() < 6  # even between 0 and 10


def test_a_black_square_is_no_larger_than_it_says_and_lies_inside() -> None:
    bright = np.full((100, SIDE, SIDE), 200, np.uint8)
    found = random_appearance(AppearanceConfig(share=1.0, cutout=0.5), np.random.default_rng(0), bright)
    sides = np.sqrt((found == 0).sum(axis=(1, 2)))
    assert (sides == np.rint(sides)).all() and sides.max() <= SIDE / 2 and sides.min() < 3


def test_a_change_more_does_not_move_the_others_numbers() -> None:
    alone, both = changed(gamma=0.5), changed(gamma=0.5, cutout=0.3)
    kept = both > 0
    np.testing.assert_array_equal(alone[kept], both[kept])


@pytest.mark.parametrize(
    ("name", "value"), [("share", 1.5), ("gamma", -1.0), ("noise", 65.0), ("jpeg", 90.0), ("cutout", 1.0)]
)
def test_settings_that_cannot_be(name: str, value: float) -> None:
    with pytest.raises(HemotkError, match=name):
        AppearanceConfig(**{name: value})
    with pytest.raises(HemotkError, match="rate_decay"):
        TrainConfig(rate_decay=1.5)
    with pytest.raises(HemotkError, match="label_smoothing"):
        TrainConfig(label_smoothing=1.0)


def test_a_run_from_before_these_settings_can_be_resumed() -> None:
    from pathlib import Path

    from hemotk.store.unfinished import check_identity
    from hemotk.training.config import EARLIER

    now = TrainConfig().settings()
    new = {"appearance", "draw", "label_smoothing", "rate_decay"}
    check_identity(Path("a"), {name: value for name, value in now.items() if name not in new}, now, EARLIER)
    assert asdict(AppearanceConfig()) == EARLIER["appearance"]
