import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.describe.widths import MARKS, marks, width_picture
from hemotk.models.shape import DenseNetShape, LayerShape, densenet


def test_a_network_as_it_was_made_is_full() -> None:
    picture = width_picture(densenet((6, 12, 24, 16)), "densenet121")
    assert (picture.full_bottleneck, picture.full_growth) == (128, 32)
    assert picture.bottleneck == picture.growth == tuple("█" * n for n in (6, 12, 24, 16))


def test_a_pruned_network_is_drawn_against_the_whole_one() -> None:
    blocks = ((LayerShape(128, 8), LayerShape(120, 24)), (LayerShape(64, 32), LayerShape(8, 31)))
    shape = DenseNetShape(16, blocks, (40,))
    picture = width_picture(shape, "densenet201")
    assert (picture.full_bottleneck, picture.full_growth) == (128, 32)
    assert picture.bottleneck == ("█▇", "▄▁")
    assert picture.growth == ("▂▆", "█▇")


@pytest.mark.parametrize("arch", ["cnn", "my-network", "densenet-tiny"])
def test_without_a_wider_one_to_compare_with_the_widest_layer_is_full(arch: str) -> None:
    picture = width_picture(DenseNetShape(4, ((LayerShape(40, 20), LayerShape(80, 10)),), ()), arch)
    assert (picture.full_bottleneck, picture.full_growth) == (80, 20)
    assert (picture.bottleneck, picture.growth) == (("▄█",), ("█▄",))


@given(widths=st.lists(st.integers(1, 300), min_size=1), full=st.integers(1, 300))
def test_marks_grow_with_the_width_and_only_the_full_width_is_full(widths: list[int], full: int) -> None:
    found = marks(widths, full)
    assert len(found) == len(widths)
    assert [mark == "█" for mark in found] == [width >= full for width in widths]
    levels = [MARKS.index(mark) for mark in found]
    by_width = sorted(zip(widths, levels, strict=True))
    assert [level for _, level in by_width] == sorted(levels)
