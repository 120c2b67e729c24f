"""Shortcut probes: what gives the label away is named, what does not is not, and groups are heeded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.artifacts.audit import PROBES, SLICE_LEVEL, Probe
from hemotk.data.audit.features import Features, file_features
from hemotk.data.audit.shortcuts import _areas, _design, _permuted, _result, holm, run_probes
from hemotk.stats.metrics import auc

PERMUTATIONS = 199


def probe(values: np.ndarray, labels: np.ndarray, groups: list[str]) -> Probe:
    features: list[Features] = [{"one": {"value": float(value)}} for value in values]
    (found,) = run_probes(features, [int(label) for label in labels], groups, PERMUTATIONS)
    return found


def alone(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def test_a_property_that_follows_the_label_is_named() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    found = probe(rng.normal(size=80) + 1.5 * labels, labels, alone(80))
    assert found.images.exceeds_chance and found.groups.exceeds_chance
    area = found.images.auc
    assert area.value is not None and 0.75 < area.value < 0.95 and area.low is not None and area.low > 0.6
    assert found.means["value"][1] - found.means["value"][0] > 1
    assert probe(-(rng.normal(size=80) + 1.5 * labels), labels, alone(80)).images.exceeds_chance


def test_a_property_that_is_extreme_in_one_class_is_named() -> None:
    labels = np.arange(80) % 2
    values = np.random.default_rng(1).normal(size=80) * (1 + 5 * labels)
    assert probe(values, labels, alone(80)).images.exceeds_chance


def test_chance_is_named_no_more_often_than_promised() -> None:
    rng = np.random.default_rng(2)
    labels = np.arange(60) % 2
    named = sum(probe(rng.normal(size=60), labels, alone(60)).exceeds_chance for _ in range(40))
    assert named <= 5  # 2 expected at 5 %


def test_what_only_tells_patients_apart_is_not_named_across_groups() -> None:
    rng = np.random.default_rng(3)
    named = 0
    for _ in range(10):
        group = np.repeat(np.arange(16), 8)
        labels = group % 2
        found = probe(rng.normal(size=16)[group] + 0.01 * rng.normal(size=128), labels, [str(one) for one in group])
        assert found.images.p is not None and found.groups.p is not None
        assert found.groups.p >= found.images.p
        named += found.groups.exceeds_chance
    assert named <= 2


def units_of(sizes: list[int]) -> tuple[np.ndarray, list[str]]:
    """The number and the name of each image's unit."""
    unit = np.repeat(np.arange(len(sizes)), sizes)
    return unit, [f"{one:03d}" for one in unit]


def test_a_unit_of_one_class_keeps_one_class_whatever_the_sizes() -> None:
    sizes, marks = [6, 2, 1, 3, 9, 1, 4, 5], np.array([1, 0, 1, 0, 1, 0, 0, 1])
    unit, names = units_of(sizes)
    order = np.random.default_rng(5).permutation(len(unit))
    unit, names, fold = unit[order], [names[index] for index in order], unit[order] % 2
    found = _permuted(marks[unit], fold, names, 100)
    first = np.array([found[np.flatnonzero(unit == one)[0]] for one in range(len(sizes))])
    assert (found == first[unit]).all()
    for part in (0, 1):
        assert (first[part::2].sum(axis=0) == marks[part::2].sum()).all()
    assert len(np.unique(found, axis=1).T) > 10


def test_units_of_both_classes_are_stretched_and_never_lose_a_class() -> None:
    names = units_of([8, 2])[1]
    truth = np.array([0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
    found = _permuted(truth, np.zeros(10, np.int64), names, 50)
    # Exchanged, 1 of 8 is none of 2: no hemorrhage is left, so that the labels stay. Else the one moves in its unit.
    assert (found[:8].sum(axis=0) == 1).all() and not found[8:].any()
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
    found = _permuted(truth, np.zeros(10, np.int64), names, 50)
    large, small = found[:8].sum(axis=0), found[8:].sum(axis=0)
    assert set(zip(large.tolist(), small.tolist(), strict=True)) == {(4, 0), (0, 1)}
    # Turned, not shuffled: neighbours stay neighbours, and every image is positive now and then.
    rings = np.vstack([found[:8], found[:1]])[:, large == 4]
    assert (np.abs(np.diff(rings, axis=0)).sum(axis=0) == 2).all() and (rings.max(axis=1) == 1).all()


def test_chance_is_named_no_more_often_over_groups_of_unequal_sizes() -> None:
    rng = np.random.default_rng(0)
    named, trials = 0, 300
    for _ in range(trials):
        unit, names = units_of([int(size) for size in rng.integers(1, 61, 30)])
        marks = (rng.random(30) < 0.25).astype(np.int64)
        values = rng.normal(size=30)[unit] + 0.1 * rng.normal(size=len(unit))
        p = _result(_design({"value": values}), marks[unit], names, 39).p
        named += p is not None and p <= 0.05
    assert named < 0.1 * trials


def test_a_constant_property_is_worth_a_coin() -> None:
    found = probe(np.ones(40), np.arange(40) % 2, alone(40))
    assert found.images.auc.value == 0.5 and found.images.p == 1 and not found.exceeds_chance


def test_too_few_groups_have_no_figure_but_a_reason() -> None:
    labels = np.array([0] * 10 + [1] * 10)
    found = probe(np.arange(20.0), labels, ["a"] * 10 + ["b"] * 10)
    assert found.groups.auc.value is None and "2 independent groups" in found.groups.auc.why
    assert found.groups.p is None and not found.groups.exceeds_chance and found.images.exceeds_chance
    one_class = probe(np.arange(20.0), np.zeros(20), alone(20))
    assert one_class.images.auc.value is None and not one_class.exceeds_chance


def test_the_same_input_gives_the_same_figures() -> None:
    values, labels = np.random.default_rng(4).normal(size=30), np.arange(30) % 2
    assert probe(values, labels, alone(30)) == probe(values, labels, alone(30))


def test_many_probes_are_accounted_for() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_single_and_bonferroni(values: list[float]) -> None:
    adjusted = holm(values)
    for one, after in zip(values, adjusted, strict=True):
        assert one <= after <= min(1, len(values) * one) + 1e-12 or after == 1
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_features_see_what_they_are_called_after() -> None:
    gray = np.zeros((100, 80), np.uint8)
    gray[30:70, 20:60] = 120
    plain = file_features(1000, gray, None)
    assert tuple(plain) == PROBES and plain["aspect ratio"] == {"width / height": 0.8}
    assert plain["file size"]["bits per pixel"] == 1 and plain["picture size"] == {"width": 80, "height": 100}
    lettered = gray.copy()
    lettered[2:10, 3:8] = 255
    corners = file_features(1000, lettered, None)["corner text"]
    changed = {name for name, value in corners.items() if value != plain["corner text"][name]}
    assert changed == {"top left: bright share", "top left: edges"}
    framed = gray.copy()
    framed[:, -1] = 200
    border = file_features(1000, framed, None)["border brightness"]
    assert border["right"] == 100 and border["left"] == 0
    blue = np.stack([gray, gray, np.minimum(gray + 40, 255)], axis=2).astype(np.uint8)
    colour = file_features(1000, gray, blue)["colour"]
    assert colour["coloured share"] == 1 and colour["red over blue"] == -40
    assert set(plain["colour"].values()) == {0.0}
    assert file_features(1000, gray, np.stack([gray] * 3, axis=2))["colour"] == plain["colour"]


def test_areas_of_many_columns_are_those_of_one_by_one() -> None:
    rng = np.random.default_rng(6)
    labels = np.column_stack([rng.permutation(np.arange(50) % 3 == 0) for _ in range(230)]).astype(np.int64)
    scores = np.round(rng.normal(size=labels.shape), 1)  # with ties
    one_by_one = [auc(label, score) for label, score in zip(labels.T, scores.T, strict=True)]
    assert _areas(labels, scores) == pytest.approx(one_by_one, abs=1e-12)


def series_of(own: float) -> tuple[Probe, Probe]:
    """Probes of a property and the slice level of 40 patients' 15 slices; `own` is what the property tells itself."""
    rng = np.random.default_rng(7)
    tissue = np.tile(np.linspace(0, 0.5, 15), 40)
    labels = (rng.random(600) < np.where(tissue > 0.25, 0.6, 0.05)).astype(int)
    values = tissue + rng.normal(0, 0.02, 600) + own * labels
    features: list[Features] = [
        {"file size": {"bytes": float(value)}, SLICE_LEVEL: {"soft tissue": float(share)}}
        for value, share in zip(values, tissue, strict=True)
    ]
    size, level = run_probes(features, labels.tolist(), [str(one // 15) for one in range(600)], PERMUTATIONS)
    return size, level


def test_a_property_that_only_follows_the_slice_level_adds_nothing_to_it() -> None:
    size, level = series_of(0.0)
    assert size.telling(patients=True) and level.telling(patients=True)
    assert not size.adds and size.alike is not None and size.alike.value is not None and size.alike.value < 0.6
    assert level.alike is None


def test_a_property_that_says_more_than_the_slice_level_adds_to_it() -> None:
    size, _ = series_of(0.1)
    assert size.telling(patients=True) and size.adds
    assert size.alike is not None and size.alike.value is not None and size.alike.value > 0.8


def test_a_sure_but_tiny_effect_gives_no_label_away() -> None:
    rng = np.random.default_rng(8)
    labels = np.arange(3000) % 2
    found = probe(rng.normal(size=3000) + 0.2 * labels, labels, alone(3000))
    assert found.exceeds_chance and found.images.auc.value is not None and found.images.auc.value < 0.6
    assert not found.telling(patients=False)


def test_where_patients_are_known_single_images_give_nothing_away() -> None:
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(12), 10)
    labels = (group % 2).astype(int)
    found = probe(rng.normal(size=12)[group], labels, [str(one) for one in group])
    assert found.images.telling and not found.groups.telling
    assert found.telling(patients=False) and not found.telling(patients=True)
