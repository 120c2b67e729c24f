import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hemotk.data.read.preprocess import to_pixels
from hemotk.predict.heatmap import FULL, OPACITY, on_picture, overlay


@given(value=st.floats(-30, 30), height=st.integers(16, 70), width=st.integers(16, 70), cells=st.integers(1, 7))
def test_a_constant_map_is_constant_everywhere(value: float, height: int, width: int, cells: int) -> None:
    found = on_picture(np.full((cells, cells), value), height, width, 32 * cells)
    assert found.shape == (height, width)
    np.testing.assert_allclose(found, np.float32(value), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, (100, 100, 100)),
        (FULL, (round(0.4 * 100 + 0.6 * 255), 40, 40)),
        (-FULL, (40, 40, round(0.4 * 100 + 0.6 * 255))),
        (FULL / 2, (round(0.7 * 100 + 0.3 * 255), 70, 70)),
        (5 * FULL, (round(0.4 * 100 + 0.6 * 255), 40, 40)),
    ],
)
def test_colours_are_fixed_and_symmetric(value: float, expected: tuple[int, int, int]) -> None:
    assert OPACITY == 0.6
    found = overlay(np.full((64, 64), 100, np.uint8), np.full((2, 2), float(value)), 64)
    assert (found == expected).all()


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_what_one_cell_says_is_drawn_over_the_part_that_it_saw(turn: int) -> None:
    cam = np.rot90(np.pad([[9.0]], ((0, 6), (0, 6))), turn)  # only the cell in one corner of 7 × 7
    strongest = np.rot90(on_picture(cam, 448, 448, 224), -turn)
    assert strongest[:32, :32].min() == pytest.approx(9)
    assert (strongest[100:] == 0).all() and (strongest[:, 100:] == 0).all()
    # Bilinear between the centres of the cells, which are 64 pixels apart: both half a pixel past 32 and 64.
    assert strongest[32, 64] == pytest.approx(9 * (1 - 0.5 / 64) * (0.5 - 0.5 / 64), rel=1e-5)


@given(row=st.integers(0, 6), column=st.integers(0, 6), shape=st.sampled_from([(300, 200), (200, 301), (224, 224)]))
def test_the_padding_is_undone(row: int, column: int, shape: tuple[int, int]) -> None:
    """A bright spot of the picture lies in the same cell of the network's view as its mark in the map."""
    cam = np.zeros((7, 7))
    cam[row, column] = 9
    found = on_picture(cam, *shape, 224)
    assume(found.max() > 8.9)  # else the cell lies in the padding
    spot = (found > 8).astype(np.uint8) * 255
    y, x = np.argwhere(to_pixels(spot, 224) > 200).mean(0) + 0.5
    assert abs(y - 32 * (row + 0.5)) < 17 and abs(x - 32 * (column + 0.5)) < 17


def test_a_rest_that_no_cell_saw_is_like_the_edge() -> None:
    """At 100 pixels there are 3 cells of 32."""
    found = on_picture(np.array([[0, 0, 0], [0, 0, 0], [0, 0, 8.0]]), 100, 100, 100)
    assert found[96:, 96:].min() == pytest.approx(8)
    assert found[64, 80] == pytest.approx(4, abs=0.2)
