import dataclasses
import os
import sys

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import PreprocessSpec
from hemotk.benchmarks.measure import pictures as module
from hemotk.benchmarks.measure.pictures import Chunks, find_pictures
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.files import sha256_file

CLASSES = ("normal", "hemorrhage")
SPECS = [PreprocessSpec(16), PreprocessSpec(24), PreprocessSpec(16)]


def draw(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (20 + seed, 31), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pictures(tmp_path):
    """Seven pictures without labels."""
    for place in range(7):
        draw(tmp_path / "pictures" / f"{place}.png", place)
    return tmp_path / "pictures"


def ids_and_labels(found):
    return [(image.id, image.label) for image in found.images]


def test_pictures_without_labels_are_found_in_the_order_of_their_paths(pictures):
    draw(pictures / "a" / "deep.PNG")
    (pictures / "notes.txt").write_text("no picture")
    assert ids_and_labels(find_pictures(pictures, CLASSES)) == [
        *((f"{k}.png", None) for k in range(7)),
        ("a/deep.PNG", None),
    ]


def test_subfolders_named_like_classes_give_labels_even_of_one_class(tmp_path):
    draw(tmp_path / "hemorrhage" / "1.png")
    assert ids_and_labels(find_pictures(tmp_path, CLASSES)) == [("hemorrhage/1.png", 1)]
    draw(tmp_path / "normal" / "1.png")
    assert ids_and_labels(find_pictures(tmp_path, CLASSES)) == [("hemorrhage/1.png", 1), ("normal/1.png", 0)]
    assert ids_and_labels(find_pictures(tmp_path, ("a", "b"))) == [("hemorrhage/1.png", None), ("normal/1.png", None)]


def test_a_table_gives_labels_and_says_how_many_it_leaves_out(pictures):
    (pictures / "labels.csv").write_text("id,hemorrhage\n0,1\n3,0\n")
    found = find_pictures(pictures, CLASSES)
    assert ids_and_labels(found) == [("0.png", 1), ("3.png", 0)]
    assert found.left_out == 5


def test_labels_for_some_only_are_refused(tmp_path):
    draw(tmp_path / "normal" / "1.png")
    draw(tmp_path / "stray.png")
    with pytest.raises(HemotkError, match=r"stray\.png: lies in neither normal/ nor hemorrhage/"):
        find_pictures(tmp_path, CLASSES)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(HemotkError, match="holds no pictures"):
        find_pictures(tmp_path, CLASSES)
    with pytest.raises(HemotkError, match="no such folder"):
        find_pictures(tmp_path / "gone", CLASSES)


def test_labels_that_only_a_split_reads_are_not_silently_left_away(pictures):
    (pictures / "stage_2_train.csv").write_text("ID,Label\n")
    with pytest.raises(HemotkError, match=r"stage_2_train\.csv are read by `hemotk data split`; split it"):
        find_pictures(pictures, CLASSES)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_a_name_that_no_output_can_hold_is_refused(pictures):
    (pictures / "3.png").rename(pictures / os.fsdecode(b"\xff.png"))
    with pytest.raises(HemotkError, match=r"\\udcff\.png: its name is not UTF-8"):
        find_pictures(pictures, CLASSES)


def test_every_picture_comes_once_at_every_size_a_few_at_a_time(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 3)
    chunks = Chunks(find_pictures(pictures, CLASSES), SPECS, tmp_path)
    assert len(chunks.files) == 2
    seen = []
    for images in chunks:
        seen.append([image.id for image in images])
        for spec, path in chunks.files.items():
            expected = np.stack([load_pixels(pictures / image.id, spec) for image in images])
            assert np.array_equal(np.load(path), expected)
    assert seen == [["0.png", "1.png", "2.png"], ["3.png", "4.png", "5.png"], ["6.png"]]
    assert chunks.skipped == []


def test_pictures_that_cannot_be_read_are_left_out_with_a_sentence(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    for name in ("0.png", "1.png", "4.png"):
        (pictures / name).write_bytes(b"no picture")
    chunks = Chunks(find_pictures(pictures, CLASSES), SPECS, tmp_path)
    assert [[image.id for image in images] for images in chunks] == [["2.png", "3.png"], ["5.png"], ["6.png"]]
    assert len(chunks.skipped) == 3
    assert "0.png: is no picture that can be decoded" in chunks.skipped[0]


def test_bundles_of_another_contract_have_files_of_their_own(pictures, tmp_path):
    other = dataclasses.replace(SPECS[0], window_level=80.0)
    assert len(Chunks(find_pictures(pictures, CLASSES), [SPECS[0], other], tmp_path).files) == 2


def test_a_split_file_stands_for_its_test_part_with_labels_and_groups(tmp_path):
    for place in range(12):
        draw(tmp_path / "ct" / f"{place}.png", place)
    rows = "".join(f"{place},{place % 2},{'abcdef'[place // 2]}\n" for place in range(12))
    (tmp_path / "ct" / "labels.csv").write_text("id,hemorrhage,patient\n" + rows)
    split = make_split(scan(tmp_path / "ct"), SplitConfig(grouping="patient"))
    split.write(tmp_path / "split.json")
    found = find_pictures(tmp_path / "split.json", CLASSES)
    assert found.folder == split.root()
    assert ids_and_labels(found) == [(item.path, item.label) for item in split.part("test")]
    assert [image.group for image in found.images] == [1, 1]
    assert found.split_sha256 == sha256_file(tmp_path / "split.json")
    with pytest.raises(HemotkError, match="its classes are normal and hemorrhage, those of the bundle hemor"):
        find_pictures(tmp_path / "split.json", CLASSES[::-1])
    moved = split.root().rename(tmp_path / "moved")
    with pytest.raises(HemotkError, match="ct: no such folder; name the one that holds the split's images with data"):
        find_pictures(tmp_path / "split.json", CLASSES)
    assert find_pictures(tmp_path / "split.json", CLASSES, moved).images == found.images
    moved.rename(split.root())
    draw(split.root() / found.images[0].id, 99)
    with pytest.raises(HemotkError, match="is not the recorded"):
        find_pictures(tmp_path / "split.json", CLASSES)


def test_a_test_part_without_checksums_is_whole_or_refused(tmp_path):
    for place in range(12):
        draw(tmp_path / "ct" / CLASSES[place % 2] / f"{place}.png", place)
    split = make_split(scan(tmp_path / "ct"), SplitConfig(grouping="none"))
    split = dataclasses.replace(
        split, items=tuple(dataclasses.replace(item, sha256=None) for item in split.items), groups=()
    )
    split.write(tmp_path / "split.json")
    first = split.part("test")[0]
    assert find_pictures(tmp_path / "split.json", CLASSES).images[0].id == first.path
    (split.root() / first.path).unlink()
    with pytest.raises(HemotkError, match=rf"{first.path}: no such file; put it back"):
        find_pictures(tmp_path / "split.json", CLASSES)
