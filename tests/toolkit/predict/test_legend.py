"""What stands below a heat map. Pillow's own font is read back by drawing each line that is expected."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from hemotk.predict.legend import with_legend

SAYS = "0.9312  hemorrhage, threshold 0.4173"


def drawn(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 255, (height, width, 3), np.uint8)


def legend(height: int, width: int, says: str = SAYS, cells: tuple[int, int] = (7, 7), size: int = 224) -> np.ndarray:
    return np.asarray(with_legend(drawn(height, width), says, cells, size))[height:]


def holds(pixels: np.ndarray, line: str) -> bool:
    """Whether the line stands somewhere in the middle of `pixels`."""
    probe = Image.new("RGB", (pixels.shape[1], 18), "white")
    ImageDraw.Draw(probe).text(
        (probe.width // 2, 0), line, fill="#222222", font=ImageFont.load_default(12), anchor="ma"
    )
    wanted = np.asarray(probe)
    return any((pixels[top : top + 16] == wanted[:16]).all() for top in range(len(pixels) - 16))


@given(height=st.integers(1, 500), width=st.integers(1, 500))
def test_the_map_keeps_every_pixel(height: int, width: int) -> None:
    found = np.asarray(with_legend(drawn(height, width), SAYS, (7, 7), 224))
    left = (found.shape[1] - width) // 2
    assert (found[:height, left : left + width] == drawn(height, width)).all()
    assert (found[:height, :left] == 255).all() and (found[:height, left + width :] == 255).all()


def test_score_and_verdict_stand_below_it() -> None:
    assert holds(legend(100, 100), SAYS)
    assert holds(legend(100, 700), SAYS)
    assert not holds(legend(100, 100), SAYS.replace("0.9312", "0.9313"))
    assert holds(legend(100, 100), "Research, not for diagnosis.")


def test_a_long_verdict_is_not_cut_off() -> None:
    long = f"0.5000  {'intraparenchymal ' * 5}, threshold 0.5"
    assert holds(legend(100, 100, long), long)


@pytest.mark.parametrize(
    ("height", "width", "cells", "size", "covers"),
    [
        (512, 512, (7, 7), 224, "Coarse: 7 by 7 cells, each 73 by 73 pixels of the picture"),
        (448, 300, (7, 7), 224, "Coarse: 7 by 7 cells, each 64 by 64 pixels of the picture"),
        (300, 448, (14, 14), 224, "Coarse: 14 by 14 cells, each 32 by 32 pixels of the picture"),
        (200, 200, (3, 3), 100, "Coarse: 3 by 3 cells, each 64 by 64 pixels of the picture"),
        (160, 160, (5, 10), 160, "Coarse: 5 by 10 cells, each 32 by 16 pixels of the picture"),
    ],
)
def test_how_much_a_cell_covers_is_said(
    height: int, width: int, cells: tuple[int, int], size: int, covers: str
) -> None:
    assert holds(legend(height, width, cells=cells, size=size), covers)


def test_the_scale_goes_from_blue_through_gray_to_red() -> None:
    below = legend(100, 100)
    row = next(row for row in below if (row[8] != 255).any() and (row[-9] != 255).any()).astype(int)
    scale = row[8:-8]
    assert (scale[0] == (51, 51, 204)).all() and (scale[-1] == (204, 51, 51)).all()
    assert np.abs(scale[len(scale) // 2] - 128).max() <= 1
    assert (np.diff(scale[:, 0]) >= 0).all() and (np.diff(scale[:, 2]) <= 0).all()
