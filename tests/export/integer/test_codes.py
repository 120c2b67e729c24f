"""What a convolution sees of codes."""

import numpy as np
import pytest

from hemotk.exporting.integer.codes import Codes, Taps


def codes(height: int = 5, width: int = 6) -> Codes:
    rng = np.random.default_rng(0)
    return Codes(rng.integers(0, 256, (3, height, width, 2)).astype(np.uint8), 0.5)


@pytest.mark.parametrize("taps", [Taps(1, 1), Taps(3, 3), Taps(3, 3, 2), Taps(4, 4, 2), Taps(4, 2, 1, 2)])
def test_all_rows_are_all_windows(taps: Taps) -> None:
    found = codes().rows(taps, 10_000, 0)
    wide = (taps.columns - 1) * taps.apart + 1
    expected = [
        codes().reals()[image, top : top + taps.rows, left : left + wide : taps.apart].reshape(-1)
        for image in range(3)
        for top in range(0, 5 - taps.rows + 1, taps.stride)
        for left in range(0, 6 - wide + 1, taps.stride)
    ]
    np.testing.assert_array_equal(found, np.stack(expected))
    assert len(found) == 3 * np.prod(taps.places(5, 6))


def test_some_rows_are_drawn_with_the_seed_each_once() -> None:
    everything = {tuple(row) for row in codes().rows(Taps(1, 1), 10_000, 0)}
    first, again, other = (codes().rows(Taps(1, 1), 20, seed) for seed in (1, 1, 2))
    assert len(first) == 20
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert {tuple(row) for row in first} <= everything


def test_rounding_is_to_the_nearest_step_and_ends_at_its_ends() -> None:
    reals = np.array([-1.0, 0.0, 0.49, 0.51, 254.6, 300.0], np.float32)
    assert Codes.rounded(reals * 2, 510.0, 255).values.tolist() == [0, 0, 0, 1, 255, 255]
    assert Codes.rounded(reals * 2, 510.0, 255).step == 2
    assert not Codes.rounded(np.array([1.0, -1.0], np.float32), 0.0, 255).values.any()
    assert Codes.rounded(np.array([70000.0], np.float32), 32767.0, 32767).values.dtype == np.uint16
