from dataclasses import replace
from pathlib import Path

import pytest
from exportable_runs import card_for, make_run, make_split
from hypothesis import given
from hypothesis import strategies as st
from random_networks import random_arrays, tiny_shape

from hemotk.artifacts import SplitItem, SplitManifest
from hemotk.errors import HemotkError
from hemotk.exporting.source import calibration_items, check_apart, open_run


def manifest(positives: int, negatives: int) -> SplitManifest:
    def item(index: int, label: int, part: str) -> SplitItem:
        return SplitItem(f"{part}{index}", f"{hash((index, part)) & (16**12 - 1):064x}", label, f"{part}{index}", part)  # type: ignore[arg-type]

    labels = [1] * positives + [0] * negatives
    items = [item(index, label, "train") for index, label in enumerate(labels)]
    items += [item(0, 0, "validation"), item(0, 1, "test")]
    return SplitManifest("now", "images", ("normal", "hemorrhage"), 0, 0.2, 0.2, "none", tuple(items))


@given(positives=st.integers(1, 40), negatives=st.integers(1, 40), count=st.integers(2, 60), seed=st.randoms())
def test_calibration_has_both_classes_in_their_proportion(positives: int, negatives: int, count: int, seed) -> None:
    split = manifest(positives, negatives)
    chosen = calibration_items(split, count)
    wanted = min(count, positives + negatives)
    assert len(chosen) == wanted
    found = sum(item.label for item in chosen)
    assert 0 < found < wanted
    assert abs(found - wanted * positives / (positives + negatives)) <= 1
    assert {item.part for item in chosen} == {"train"}
    shuffled = list(split.items)
    seed.shuffle(shuffled)
    assert set(calibration_items(replace(split, items=tuple(shuffled)), count)) == set(chosen)


@pytest.mark.parametrize(("positives", "missing"), [(0, "hemorrhage"), (5, "normal")])
def test_a_training_part_of_one_class(positives: int, missing: str) -> None:
    with pytest.raises(HemotkError, match=f"no image of class '{missing}'"):
        calibration_items(manifest(positives, 5 - positives), 10)


@pytest.mark.parametrize("field", ["sha256", "group"])
def test_calibration_on_what_is_tested(field: str) -> None:
    first, second = manifest(1, 1).part("train")
    second = replace(second, part="test", **{field: getattr(first, field)})
    with pytest.raises(HemotkError, match=f"'{first.path}' is also in the test part"):
        check_apart([first], [second])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    split = make_split(tmp_path / "images")
    return make_run(tmp_path / "run", split, tiny_shape(), random_arrays(tiny_shape(), 0), 48)


@pytest.mark.parametrize("name", ["shape.json", "split.json", "weights.npz"])
def test_a_file_that_is_not_the_recorded_one(run: Path, name: str) -> None:
    (run / name).write_bytes((run / name).read_bytes() + b" ")
    with pytest.raises(HemotkError, match=f"{name}: checksum"):
        open_run(run)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"is not a run: it holds no run\.json"):
        open_run(tmp_path)


def test_pictures_too_small_for_the_network(run: Path) -> None:
    card_for(run, SplitManifest.read(run / "split.json"), 16).write(run / "run.json")
    shape = replace(tiny_shape(), blocks=tiny_shape().blocks * 2, transitions=(6, 6, 6))
    shape.write(run / "shape.json")
    card_for(run, SplitManifest.read(run / "split.json"), 16).write(run / "run.json")
    with pytest.raises(HemotkError, match=r"'preprocess\.size' is 16, less than the 32"):
        open_run(run)


def test_the_images_were_moved(run: Path, tmp_path: Path) -> None:
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with pytest.raises(HemotkError, match="data"):
        source = open_run(run)
        source.pixels(source.split.part("test"))
    source = open_run(run, tmp_path / "elsewhere")
    assert source.pixels(source.split.part("test")).shape == (6, 48, 48)


def test_an_image_that_changed_since_the_split(run: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "test_0.png").write_bytes(b"other")
    source = open_run(run)
    with pytest.raises(HemotkError, match=r"test_0\.png: checksum"):
        source.pixels(source.split.part("test"))
