"""The pictures say what the figures say; their coordinates are read back."""

import dataclasses
import math
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn_reports import THRESHOLD, images, report, row, usual
from hypothesis import given
from hypothesis import strategies as st

from hemotk.benchmarks.report import plots
from hemotk.render import axes
from hemotk.render.markup import element, printable
from hemotk.stats.metrics import auc

SVG = "{http://www.w3.org/2000/svg}"
LEFT, RIGHT = axes.LEFT, axes.WIDTH - axes.RIGHT
TOP, BOTTOM = axes.TOP, axes.HEIGHT - axes.BOTTOM


def nodes(picture, name, **wanted):
    found = ElementTree.fromstring(picture).iter(f"{SVG}{name}")
    return [node for node in found if all(node.get(key.rstrip("_")) == value for key, value in wanted.items())]


def points(node):
    pairs = np.array([pair.split(",") for pair in node.get("points").split()], float)
    return (pairs[:, 0] - LEFT) / (RIGHT - LEFT), (BOTTOM - pairs[:, 1]) / (BOTTOM - TOP)


def test_the_area_under_each_roc_curve_is_its_auc():
    subject = usual()
    picture = plots.roc(subject)
    labels = [image.label for image in subject.images]
    for index, item in enumerate(subject.variants):
        (curve,) = nodes(picture, "polyline", class_=f"s{index}")
        x, y = points(curve)
        assert np.trapezoid(y, x) == pytest.approx(auc(labels, item.scores.logit), abs=2e-3)


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_a_roc_curve_of_tied_scores_has_the_area_of_midranks(drawn):
    labels, scores = np.array([label for label, _ in drawn]), np.array([score for _, score in drawn], float)
    if labels.all() or not labels.any():
        return
    x, y = zip(*plots._roc_points(labels, scores), strict=True)
    assert np.trapezoid(y, x) == pytest.approx(auc(labels, scores))
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


def test_the_latency_curve_passes_half_at_the_median():
    subject = usual()
    for index, item in enumerate(subject.variants):
        (curve,) = nodes(plots.latency(subject), "polyline", class_=f"s{index}")
        x, y = points(curve)
        assert np.all(np.diff(x) >= 0)
        assert np.all(np.diff(y) >= 0)
        assert (y[0], y[-1]) == pytest.approx((0, 1), abs=1e-3)
        low = min(min(map(min, other.latency.rounds_ns)) for other in subject.variants)
        high = max(max(map(max, other.latency.rounds_ns)) for other in subject.variants)
        place = math.log(item.latency.p50_ns / low) / math.log(high / low)
        assert x[np.searchsorted(y, 0.5)] == pytest.approx(place, abs=5e-3)


def test_the_scatter_marks_every_image_and_rings_every_flip():
    subject = usual()
    item = subject.variants[1]
    picture = plots.scatter(subject, item)
    positives, negatives = nodes(picture, "polygon", class_="positive"), nodes(picture, "circle", class_="negative")
    assert len(positives) == len(negatives) == 12
    rings = nodes(picture, "circle", class_="flip")
    assert len(rings) == len(item.paired.flips) > 0
    upright, level = nodes(picture, "line", class_="threshold")
    at = float(upright.get("x1")), float(level.get("y1"))
    for ring in rings:
        right, above = float(ring.get("cx")) > at[0], float(ring.get("cy")) < at[1]
        assert right != above  # on different sides of the threshold
    middle = (LEFT + RIGHT) / 2
    assert (at[0] < middle) == (THRESHOLD < 0.5)


def test_the_float_parent_and_rows_without_scores_have_no_scatter():
    subject = usual()
    assert plots.scatter(subject, subject.variants[0]) is None
    refs = images()
    broken = row("int8", refs, scores=None, paired=None)
    assert plots.scatter(report(row("float32", refs), broken, refs=refs), broken) is None


def test_scores_that_are_no_numbers_are_left_out():
    subject = usual()
    item = subject.variants[1]
    spoiled = dataclasses.replace(item.scores, logit=(None, *item.scores.logit[1:]))
    item = dataclasses.replace(item, scores=spoiled, metrics=None, paired=None, calibration=None)
    subject = dataclasses.replace(subject, variants=(subject.variants[0], item))
    picture = plots.scatter(subject, item)
    assert len(nodes(picture, "polygon")) + len(nodes(picture, "circle")) == 23
    assert len(nodes(plots.roc(subject), "polyline", class_="s1")) == 0


def test_many_images_are_thinned_but_flips_are_kept():
    refs = images(4500)
    subject = report(row("float32", refs), row("int8", refs, noise=0.5), refs=refs)
    item = subject.variants[1]
    picture = plots.scatter(subject, item)
    marks = len(nodes(picture, "polygon")) + len(nodes(picture, "circle", class_="negative"))
    flips = len(item.paired.flips)
    assert len(nodes(picture, "circle", class_="flip")) == flips
    assert 1500 <= marks <= 1500 + flips
    assert len(nodes(plots.roc(subject), "polyline", class_="s1")[0].get("points").split()) <= plots.MOST_POINTS + 2


def test_reliability_shows_the_bins():
    subject = usual()
    (curve,) = nodes(plots.reliability(subject), "polyline", class_="s1 thin")
    bins = subject.variants[1].calibration.bins
    x, y = points(curve)
    np.testing.assert_allclose(x, [found.probability for found in bins], atol=2e-3)
    np.testing.assert_allclose(y, [found.share for found in bins], atol=2e-3)


def test_bars_are_as_long_as_files_are_large():
    picture = plots.sizes(usual())
    first, second = (float(bar.get("width")) for bar in nodes(picture, "rect"))
    assert second / first == pytest.approx(18_687_576 / 72_074_792, abs=1e-3)


@pytest.mark.parametrize("plot", [plots.latency, plots.roc, plots.reliability, plots.sizes])
def test_every_picture_has_a_title_a_description_and_stays_inside(plot):
    picture = ElementTree.fromstring(plot(usual()))
    assert [child.tag for child in picture][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert picture.get("role") == "img"
    assert picture.find(f"{SVG}desc").text
    for node in picture.iter():
        for key in ("cx", "x", "x1", "x2"):
            assert -1 <= float(node.get(key, 0)) <= axes.WIDTH + 1


@given(st.floats(1e-3, 1e5), st.floats(1.0001, 1e6))
def test_axes_have_ticks_inside_them_in_order(low, factor):
    for axis in (axes.linear("", low, low * factor), axes.logarithmic("", low, low * factor)):
        places = [axis.place(value) for value, _ in axis.ticks]
        assert places == sorted(places)
        assert all(-1e-6 <= place <= 1 + 1e-6 for place in places)
        assert len(places) <= 15


def test_an_axis_without_extent_is_no_error():
    assert axes.linear("", 5.0, 5.0).place(5.0) == 0
    assert axes.logarithmic("", 5.0, 5.0).place(5.0) == 0


@given(st.text(), st.text())
def test_any_text_survives_as_text(text, value):
    written = element("p", text, title=value)
    node = ElementTree.fromstring(written)
    # What a parser reads back; it folds line ends, and white space in attributes.
    assert (node.text or "") == printable(text).replace("\r\n", "\n").replace("\r", "\n")
    assert len(node) == 0
    assert node.get("title").split() == printable(value).split()
    written.encode()
