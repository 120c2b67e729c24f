"""Folds: every group tested once, never in two parts, classes balanced."""

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hemotk.artifacts import PARTS, SplitItem, SplitManifest
from hemotk.data.scan.folder import scan
from hemotk.data.split.folds import make_folds, read_folds, refold, write_folds
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError

SIZES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any), min_size=6, max_size=40)


def manifest(sizes: list[tuple[int, int]]) -> SplitManifest:
    """A split of groups of these sizes, class by class; which part each lies in plays no role here."""
    items: list[SplitItem] = []
    for group, counts in enumerate(sizes):
        for label, count in enumerate(counts):
            part = PARTS[group % 3]
            items += [
                SplitItem(f"{group}_{label}_{k}", f"{len(items) + k:064x}", label, str(group), part)
                for k in range(count)
            ]
    return SplitManifest("now", "data", ("a", "b"), 0, 0.2, 0.2, "auto", tuple(items))


@settings(max_examples=30)
@given(SIZES, st.integers(2, 6))
def test_folds_partition_the_groups_and_hold_both_classes(sizes: list[tuple[int, int]], folds: int) -> None:
    split = manifest(sizes)
    try:
        made = refold(split, folds)
    except HemotkError:
        least = min(sum(count[label] > 0 for count in sizes) for label in (0, 1))
        assert least < max(folds + 2, 6)  # only where groups are scarce
        return
    assert [one.fold for one in made] == list(range(1, folds + 1)) and {one.folds for one in made} == {folds}
    tested = Counter(item.path for one in made for item in one.part("test"))
    assert tested == Counter(item.path for item in split.items)
    where: dict[str, set[int]] = {}
    for one in made:
        for part in PARTS:
            assert {item.label for item in one.part(part)} == {0, 1}
        for item in one.part("test"):
            where.setdefault(item.group, set()).add(one.fold or 0)
        parts: dict[str, set[str]] = {}
        for item in one.items:
            parts.setdefault(item.group, set()).add(item.part)
        assert all(len(found) == 1 for found in parts.values())
    assert all(len(found) == 1 for found in where.values())


@given(st.integers(10, 60), st.integers(10, 60), st.integers(2, 5))
@settings(max_examples=20)
def test_single_images_are_spread_evenly(normal: int, hemorrhage: int, folds: int) -> None:
    made = refold(manifest([(1, 0)] * normal + [(0, 1)] * hemorrhage), folds)
    for label in (0, 1):
        counts = [sum(item.label == label for item in one.part("test")) for one in made]
        assert max(counts) - min(counts) <= 1


def test_too_many_folds_for_the_groups_of_a_class() -> None:
    split = manifest([(3, 0)] * 9 + [(0, 2)] * 4)
    assert len(refold(split, 4)) == 4
    with pytest.raises(HemotkError, match=r"class 'b' has 4 independent groups, folds 5 needs 5; choose fewer"):
        refold(split, 5)
    with pytest.raises(HemotkError, match=r"class 'b' has 3 independent groups, folds 2 needs 4"):
        refold(manifest([(3, 0)] * 9 + [(0, 2)] * 3), 2)
    for folds in (1, 0, -3):
        with pytest.raises(HemotkError, match=f"folds {folds}: must be 2 or more"):
            refold(split, folds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for i in range(20):
        path = tmp_path / "data" / ("normal" if i % 2 else "hemorrhage") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 20), np.uint8)).save(path)
    shutil.copy(path, path.with_name("again.png"))
    return tmp_path / "data"


def test_folds_of_a_folder_are_those_of_its_split(folder: Path, tmp_path: Path) -> None:
    config = SplitConfig(seed=3)
    made = make_folds(scan(folder), config, 4)
    again = refold(make_split(scan(folder), config), 4)
    assert [one.items for one in made] == [one.items for one in again]
    assert made[0].test == 0.25 and made[0].seed == 3 and made[0].grouping == "auto"
    assert [(group.images, group.reasons) for group in made[0].groups] == [(2, ("exact",))]
    assert made[1].items != make_folds(scan(folder), SplitConfig(seed=4), 4)[1].items


def test_folds_are_written_and_read(folder: Path, tmp_path: Path) -> None:
    made = make_folds(scan(folder), SplitConfig(), 3)
    out = tmp_path / "folds"
    write_folds(out, made)
    assert read_folds(out) == made
    with pytest.raises(HemotkError, match="already exists"):
        write_folds(out, made)
    write_folds(out, refold(made[0], 4), overwrite=True)
    assert [one.fold for one in read_folds(out)] == [1, 2, 3, 4]


def test_folds_that_do_not_belong_together(folder: Path, tmp_path: Path) -> None:
    made = make_folds(scan(folder), SplitConfig(), 3)
    out = tmp_path / "folds"
    write_folds(out, made)
    made[0].write(out / "fold2.json")
    with pytest.raises(HemotkError, match=r"fold2\.json: belongs to other folds than fold1\.json"):
        read_folds(out)
    refold(replace(made[0], seed=9), 3)[1].write(out / "fold2.json")
    with pytest.raises(HemotkError, match=r"fold[23]\.json: belongs to other folds"):
        read_folds(out)
    (out / "fold2.json").unlink()
    with pytest.raises(HemotkError, match=r"fold2\.json: no such file"):
        read_folds(out)
    make_split(scan(folder), SplitConfig()).write(out / "fold1.json")
    with pytest.raises(HemotkError, match=r"fold1\.json: is no fold"):
        read_folds(out)


def test_grouping_by_patient_needs_patients_without_blanks(folder: Path) -> None:
    config = SplitConfig(grouping="patient")
    with pytest.raises(HemotkError, match=r"groups patient needs a column 'patient' in labels\.csv"):
        make_folds(scan(folder), config, 3)
    rows = [(image.path, image.label, f"P{k // 2}") for k, image in enumerate(scan(folder).images)]
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "label", "patient"), *rows])
    for one in make_folds(scan(folder), config, 3):
        assert one.grouping == "patient"
        part = {item.path: item.part for item in one.items}
        assert all(part[rows[k][0]] == part[rows[k + 1][0]] for k in range(0, 20, 2))
    none = make_folds(scan(folder), replace(config, grouping="none"), 3)[0]
    assert {group.reasons for group in none.groups} == {("exact",)}
    (folder / "labels.csv").write_text((folder / "labels.csv").read_text().replace("P3", "", 1))
    with pytest.raises(HemotkError, match=r"labels.csv, line 8: column 'patient' is blank"):
        scan(folder)
