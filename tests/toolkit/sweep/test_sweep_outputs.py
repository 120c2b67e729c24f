"""Points from a bench, the table and the plot."""

import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sweep_points import FLOAT, point, report

from hemotk.artifacts import Estimate, SweepReport
from hemotk.errors import HemotkError
from hemotk.sweep.plot import png, spread
from hemotk.sweep.table import markdown, on_fronts

NONE = Estimate(None, why="one class only")


def test_the_table_has_every_network_and_the_float_parent() -> None:
    lines = markdown(report(point("a", flips=2), chosen="a")).splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("|")]
    assert [row[0] for row in rows[2:]] == ["| densenet201 float32", "| densenet201 int8", "| a int8"]
    assert {len(row) for row in rows} == {12}
    parent, whole, small = ([cell.strip("| ") for cell in row] for row in rows[2:])
    assert parent[4:9] == ["72.50", "80.00", "1.000 [0.990, 1.010]", "0.920 [0.760, 0.980]", "0.990 [0.830, 1.000]"]
    assert whole[4:6] == ["18.40", "33.00"] and small[4:7] == ["3.00", "16.00", "0.200 [0.190, 0.210]"]
    assert (parent[10], small[10]) == ("", "2")
    assert "26 images of the validation part, 13 of them hemorrhage;" in lines[-1] and "Because." in lines


def test_the_table_names_the_class_that_is_looked_for() -> None:
    text = markdown(replace(report(), positive="tumour"))
    assert "13 of them tumour;" in text and "hemorrhage" not in text


def test_what_is_left_out_is_told() -> None:
    text = markdown(replace(report(), left_out={"resnet50": "int8 is saturated."}))
    assert "\n\nresnet50 is left out: int8 is saturated.\n\nAccuracy" in text


def test_fronts_in_the_table() -> None:
    good, bad = Estimate(0.95, 0.8, 0.99), Estimate(0.8, 0.6, 0.9)
    fast = point("fast", bytes=9_000_000, latency_ns=1e6, accuracy=bad)
    best = point("best", bytes=2_000_000, latency_ns=9e6, accuracy=good, auc=NONE)
    found = report(fast, best)
    assert on_fronts(found, fast) == "accuracy/latency, AUC/latency, AUC/size"
    assert on_fronts(found, best) == "accuracy/latency, accuracy/size"
    assert on_fronts(found, found.unpruned) == ""
    assert "unknown (one class only)" in markdown(found)


def test_the_plot_is_a_picture_with_every_kind() -> None:
    few = png(report())
    many = png(report(point("macs-0.1"), point("resnet50", "reference", bytes=23_000_000, auc=NONE)))
    pictures = [np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in (few, many)]
    assert [picture.shape for picture in pictures] == [(1080, 1440, 3)] * 2
    blue, orange = (0, 0x72, 0xB2), (0xD5, 0x5E, 0)
    for colour in (blue, orange):
        assert not (pictures[0] == colour).all(axis=2).any() and (pictures[1] == colour).all(axis=2).any()


@given(st.lists(st.floats(0, 1), max_size=15).map(sorted))
def test_names_are_apart_and_in_order(places: list[float]) -> None:
    found = spread(places, 0.04)
    assert len(found) == len(places) and all(place <= 1 for place in found)
    assert all(two - one >= 0.04 - 1e-9 for one, two in itertools.pairwise(found))
    if all(two - one >= 0.04 for one, two in itertools.pairwise(places)):
        assert found == places


def test_a_plot_without_any_value() -> None:
    empty = report()
    without = replace(FLOAT, accuracy=NONE, auc=NONE)
    nothing = replace(empty, points=(replace(empty.unpruned, float32=without, int8=without),))
    assert png(nothing).startswith(b"\x89PNG")


def test_the_artefact_comes_back_and_checks_itself(tmp_path: Path) -> None:
    found = report(point("a"), chosen="a")
    found.write(tmp_path / "sweep.json")
    assert SweepReport.read(tmp_path / "sweep.json") == found
    for changes in ({"chosen": "b"}, {"positives": 27}, {"points": found.points[1:]}, {"points": found.points * 2}):
        with pytest.raises(HemotkError, match="field"):
            replace(found, **changes)
