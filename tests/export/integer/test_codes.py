"""What a convolution sees of codes."""

import numpy as np
import pytest

from hemotk.exporting.integer.codes import Codes


def codes(height: int = 5, width: int = 6) -> Codes:
    rng = np.random.default_rng(0)
    return Codes(rng.integers(0, 256, (3, height, width, 2)).astype(np.uint8), 0.5)


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (3, 2), (4, 2)])
def test_all_rows_are_all_windows(size: int, stride: int) -> None:
    found = codes().rows(size, stride, 10_000, 0)
    expected = [
        codes().reals()[image, top : top + size, left : left + size].reshape(-1)
        for image in range(3)
        for top in range(0, 5 - size + 1, stride)
        for left in range(0, 6 - size + 1, stride)
    ]
    np.testing.assert_array_equal(found, np.stack(expected))


def test_some_rows_are_drawn_with_the_seed_each_once() -> None:
    everything = {tuple(row) for row in codes().rows(1, 1, 10_000, 0)}
    first, again, other = (codes().rows(1, 1, 20, seed) for seed in (1, 1, 2))
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
