"""Splits: parts that are disjoint, stratified, grouped and the same every time."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hemotk.artifacts import PARTS, PreprocessSpec, SplitManifest
from hemotk.data.read.pipeline import load_items
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, assign, deal, make_split
from hemotk.errors import FieldError, HemotkError

shares = st.floats(0.1, 0.4)


@given(st.integers(10, 80), st.integers(10, 80), shares, shares, st.integers(0, 99))
def test_single_images_meet_the_shares_exactly(n0: int, n1: int, test: float, validation: float, seed: int) -> None:
    counts = {f"i{k:04}": (1, 0) if k < n0 else (0, 1) for k in range(n0 + n1)}
    parts = assign(counts, SplitConfig(test, validation, seed))
    for label, total in enumerate((n0, n1)):
        found = Counter(parts[name] for name, c in counts.items() if c[label])
        in_test = max(round(test * total), 1)
        assert found["test"] == in_test
        assert found["validation"] == max(round(validation * (total - in_test)), 1)
        assert sum(found.values()) == total


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(any), min_size=12, max_size=60), st.integers(0, 9)
)
def test_groups_land_near_the_shares(sizes: list[tuple[int, int]], seed: int) -> None:
    counts = {f"p{k:03}": size for k, size in enumerate(sizes)}
    parts = assign(counts, SplitConfig(seed=seed))
    assert set(parts) == set(counts)
    totals = np.sum(sizes, axis=0)
    largest = np.max(sizes, axis=0).max()
    for part, share in zip(PARTS, (0.64, 0.16, 0.2), strict=True):
        inside = np.sum([counts[g] for g, p in parts.items() if p == part] or [(0, 0)], axis=0)
        assert abs(inside.sum() - share * totals.sum()) <= 2 * largest + 3


def test_assignment_depends_on_the_seed_alone() -> None:
    counts = {f"i{k}": (1, 0) if k % 2 else (0, 1) for k in range(50)}
    backwards = dict(reversed(counts.items()))
    assert assign(counts, SplitConfig(seed=3)) == assign(backwards, SplitConfig(seed=3))
    assert assign(counts, SplitConfig(seed=3)) != assign(counts, SplitConfig(seed=4))


def dealt_by_arrays(counts: dict[str, tuple[int, int]], targets: np.ndarray, seed: int) -> dict[str, int]:
    """`deal` as it was first written: splits made with it must not change."""
    names = sorted(counts)
    names = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    names.sort(key=lambda name: -sum(counts[name]))
    for lacking_first in (False, True):
        held, parts = np.zeros(targets.shape), []
        for group in np.array([counts[name] for name in names], float):
            need = (group * (targets - held) / np.maximum(targets, 1)).sum(axis=1)
            if lacking_first:
                lacks = ((held == 0) & (group > 0)).sum(axis=1)
                need = np.where(lacks == lacks.max(), need, -np.inf)
            parts.append(int(np.argmax(need)))
            held[parts[-1]] += group
        if held.all():
            break
    return dict(zip(names, parts, strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)).filter(any), min_size=3, max_size=40),
    st.integers(2, 6),
    st.integers(0, 9),
    st.booleans(),
)
def test_groups_are_dealt_as_ever(sizes: list[tuple[int, int]], parts: int, seed: int, equal: bool) -> None:
    counts = {f"p{k}": size for k, size in enumerate(sizes)}
    totals = np.sum(sizes, axis=0)
    shares = np.full((parts, 1), 1 / parts) if equal else np.random.default_rng(seed).random((parts, 1))
    targets = shares * totals if equal else np.rint(shares * totals)
    assert deal(counts, targets, seed) == dealt_by_arrays(counts, targets, seed)


def noise(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 20), np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(20):
        noise(tmp_path / "data" / ("normal" if i % 2 else "hemorrhage") / f"{i}.png", i)
    return tmp_path / "data"


def test_manifest_of_a_folder(folder: Path, tmp_path: Path) -> None:
    split = make_split(scan(folder), SplitConfig())
    assert Counter((item.part, item.label) for item in split.items) == {
        ("train", 0): 6, ("train", 1): 6, ("validation", 0): 2, ("validation", 1): 2, ("test", 0): 2, ("test", 1): 2,
    }  # fmt: skip
    split.write(tmp_path / "split.json")
    again = SplitManifest.read(tmp_path / "split.json")
    assert again == split and again.sha256() == split.sha256()
    parts = {item.path: item.part for item in make_split(scan(folder), SplitConfig()).items}
    assert parts == {item.path: item.part for item in split.items}


def test_copies_of_a_picture_stay_together_even_in_another_format(folder: Path) -> None:
    for i in range(0, 20, 2):
        Image.open(folder / "hemorrhage" / f"{i}.png").save(folder / "hemorrhage" / f"copy{i}.bmp")
    split = make_split(scan(folder), SplitConfig())
    parts = {item.path: item.part for item in split.items}
    groups = {item.path: item.group for item in split.items}
    for i in range(0, 20, 2):
        one, two = f"hemorrhage/{i}.png", f"hemorrhage/copy{i}.bmp"
        assert parts[one] == parts[two] and groups[one] == groups[two]


def test_one_picture_with_two_labels_is_refused(folder: Path) -> None:
    shutil.copy(folder / "hemorrhage" / "0.png", folder / "normal" / "same.png")
    with pytest.raises(HemotkError, match=r"normal/same\.png: shows the same picture as hemorrhage/0\.png"):
        make_split(scan(folder), SplitConfig())


def test_patients_and_their_copies_form_one_group(tmp_path: Path) -> None:
    rows = ["path,hemorrhage,patient"]
    for i in range(30):
        noise(tmp_path / f"{i}.png", i)
        rows.append(f"{i}.png,{i // 2 % 2},P{i // 2}")
    shutil.copy(tmp_path / "0.png", tmp_path / "again.png")
    rows.append("again.png,0,P8")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    split = make_split(scan(tmp_path), SplitConfig())
    assert split.grouping == "auto"
    assert {group.name: (group.images, group.reasons) for group in split.groups}["p00000"] == (5, ("patient", "exact"))
    part = {item.path: item.part for item in split.items}
    for i in range(0, 30, 2):
        assert part[f"{i}.png"] == part[f"{i + 1}.png"]
    assert part["0.png"] == part["again.png"] == part["16.png"]


def test_an_unreadable_image_is_found_while_splitting(folder: Path) -> None:
    (folder / "normal" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(HemotkError, match=r"normal/1\.png"):
        make_split(scan(folder), SplitConfig())


def test_too_few_groups(tmp_path: Path) -> None:
    rows = ["path,hemorrhage,patient"]
    for i in range(12):
        noise(tmp_path / f"{i}.png", i)
        rows.append(f"{i}.png,{int(i >= 6)},P{i // 6}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    with pytest.raises(HemotkError, match="too few independent groups of class"):
        make_split(scan(tmp_path), SplitConfig())


@pytest.mark.parametrize("shares", [{"test": 0.0}, {"test": 1.0}, {"validation": 1.5}, {"seed": -1}])
def test_bad_configuration(shares: dict[str, float]) -> None:
    with pytest.raises(FieldError, match="must be"):
        SplitConfig(**shares)  # type: ignore[arg-type]


def test_load_items_checks_every_file(folder: Path) -> None:
    split = make_split(scan(folder), SplitConfig())
    spec = PreprocessSpec(size=32)
    items = split.part("test")
    pixels, labels = load_items(items, folder, spec)
    assert pixels.shape == (4, 32, 32) and pixels.dtype == np.uint8
    assert list(labels) == [item.label for item in items]
    assert np.array_equal(pixels[1], load_pixels(folder / items[1].path, spec))
    noise(folder / items[0].path, 999)
    with pytest.raises(HemotkError, match="checksum"):
        load_items(items, folder, spec)
    (folder / items[0].path).unlink()
    with pytest.raises(HemotkError, match="cannot be read"):
        load_items(items, folder, spec)
    with pytest.raises(HemotkError, match="data"):
        load_items(items, folder / "gone", spec)
