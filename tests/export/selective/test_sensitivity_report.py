from pathlib import Path

import pytest
from PIL import Image

from hemotk.exporting.selective.report import plot, table
from hemotk.exporting.selective.sensitivity import Cost, Selection, Sensitivity, Tolerance

PLAIN = Cost(0.5, 0.05, 0.1)


def selection(count: int, kept: int) -> Selection:
    costs = [Cost(0.5 - 0.25 / (at + 1), 0.0, 0.03 - 0.01 * at) for at in range(count)]
    ranking = tuple(
        Sensitivity(f"conv2_block{at + 1}", PLAIN.error - cost.error, cost) for at, cost in enumerate(costs)
    )
    return Selection(Tolerance(), tuple(f"conv2_block{at + 1}" for at in range(kept)), ranking, (PLAIN, *costs[:kept]))


def test_the_table_says_what_is_kept_and_what_it_costs() -> None:
    lines = table(selection(3, 2))
    assert lines[0].endswith("accuracy drop 0.0500, score drift 0.1000 on the validation part")
    assert "2 of 3 layers stay in float32: accuracy drop 0.0000, score drift 0.0200" in lines[1]
    assert [line.split() for line in lines[3:]] == [
        ["conv2_block1", "0.25", "float32"],
        ["conv2_block2", "0.125", "float32"],
        ["conv2_block3", "0.0833"],
    ]


def test_a_long_ranking_is_cut() -> None:
    lines = table(selection(14, 1))
    assert len(lines) == 3 + 10 + 1
    assert lines[-1] == "… and 4 more in sensitivity.json"


def test_where_nothing_is_kept_one_line_says_so() -> None:
    (line,) = table(Selection(Tolerance(0.1, 0.2), (), (), (PLAIN,)))
    assert line.startswith("auto: plain int8 is within the limits of 0.1 and 0.2, so all layers are int8")


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (102, 5)])
def test_the_picture(count: int, kept: int, tmp_path: Path) -> None:
    plot(tmp_path / "s.png", selection(count, kept))
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 300
        colours = {pixel for _, pixel in picture.convert("RGB").getcolors(1 << 20)}
    assert (255, 127, 14) in colours  # tab:orange
    assert ((31, 119, 180) in colours) == (count > kept)  # tab:blue
