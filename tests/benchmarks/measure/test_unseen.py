"""A test part of another split is benched only where nothing shows that the bundle was trained on it.

Of a folder it is noted.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from noise_pictures import write_pictures
from PIL import Image

from hemotk.artifacts import Calibrated, CalibrationItem, PreprocessSpec
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.judge.notes import notes
from hemotk.benchmarks.measure.pictures import find_pictures
from hemotk.benchmarks.measure.rows import Row
from hemotk.benchmarks.measure.scoring import Tools, score_folder
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.measure.unseen import check_unseen, note_seen
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.store.bundle import StoredBundle


@pytest.fixture
def split(tmp_path):
    """A split of twelve pictures; also in `split.json`."""
    made = make_split(scan(write_pictures(tmp_path / "ct")), SplitConfig(grouping="none"))
    made.write(tmp_path / "split.json")
    return made


def bundle(split, part, name="tiny", parent=""):
    """A bundle that was calibrated on a part of `split`."""
    calibration = [CalibrationItem(i.path, sha256_file(split.root() / i.path), i.label) for i in split.part(part)]
    card: Any = SimpleNamespace(
        calibrated_on=Calibrated.of(calibration),
        parents={"split": parent},
        labels=split.classes,
        preprocess=PreprocessSpec(16),
    )
    return StoredBundle(name, Path(name), card, "")


def without_checksums(split):
    return replace(split, items=tuple(replace(item, sha256=None) for item in split.items))


@pytest.mark.parametrize("change", [lambda split: split, without_checksums])
def test_what_a_bundle_was_calibrated_on_is_no_test(split, change, tmp_path):
    split, file = change(split), tmp_path / "other.json"
    split.write(file)
    found = find_pictures(file, split.classes)
    count = len(split.part("test"))
    with pytest.raises(HemotkError, match=rf"other\.json: tiny was trained and calibrated on {count} of the images"):
        check_unseen(found, file, [bundle(split, "train", "good"), bundle(split, "test")])
    assert "not the split that tiny was trained by" in check_unseen(found, file, [bundle(split, "train")])


def test_the_note_names_the_bundles_of_other_splits(split, tmp_path):
    own = bundle(split, "train", "own", split.sha256())
    others = [bundle(split, "train", name) for name in ("a", "b")]
    found = find_pictures(tmp_path / "split.json", split.classes)
    assert check_unseen(found, Path("s.json"), [own]) == "the images are the test part of s.json"
    said = check_unseen(found, Path("s.json"), [own, *others])
    assert said.startswith("the images are the test part of s.json, which is not the split that a, b were trained by:")


def scored(bundle, file):
    class Runner:
        def load(self, *_):
            return None

        def score(self, _):
            return SimpleNamespace(logit=0.0, probability=0.5)

    variant: Any = SimpleNamespace(kind="float32", file="float32.tflite")
    runner: Any = Runner()
    rows = [Row(bundle, variant)]
    tools = Tools(lambda _: runner, lambda *_: None, lambda *_: None)
    return score_folder(rows, tools, Subject((), file), file.parent)


def test_a_bench_of_a_split_says_so_and_refuses_what_was_trained_on(split, tmp_path):
    found = scored(bundle(split, "train"), tmp_path / "split.json")
    assert [image.id for image in found.images] == [item.path for item in split.part("test")]
    assert notes(found, [], BenchLimits())[0].startswith(f"the images are the test part of {tmp_path}/split.json")
    assert found.split_sha256 == split.sha256()
    with pytest.raises(HemotkError, match="would flatter"):
        scored(bundle(split, "test"), tmp_path / "split.json")


def test_a_bench_of_a_folder_notes_what_the_bundle_was_calibrated_on(split, tmp_path):
    count = len(split.part("test"))
    found = scored(bundle(split, "test"), tmp_path / "ct")
    said = f"{count} of these images are among those that tiny was calibrated on, which are of its training part"
    assert len(found.images) == 12 and notes(found, [], BenchLimits())[0].startswith(said)


def test_files_of_a_folder_are_compared_by_checksum_whatever_they_are_called(split, tmp_path):
    first, second = split.part("test")[:2]
    other = tmp_path / "other"
    (other / "deep").mkdir(parents=True)
    Image.new("L", (20, 20)).save(other / Path(second.path).name)
    calibrated = bundle(split, "test")
    assert scored(calibrated, other).origin == ""
    shutil.copy(split.root() / first.path, other / "deep" / "renamed.png")
    unseen = bundle(split, "train", "unseen")
    found = find_pictures(other, split.classes)
    assert note_seen(found, [calibrated, unseen]).startswith("1 of these images is among those that tiny was ")
    assert note_seen(found, [unseen]) == ""
    assert note_seen(found, [calibrated, bundle(split, "test", "twin")]).count("1 of these images is among") == 2


def test_a_picture_that_is_gone_is_left_to_scoring(split):
    found, calibrated = find_pictures(split.root(), split.classes), bundle(split, "test")
    for item in split.part("test"):
        (split.root() / item.path).unlink()
    assert note_seen(found, [calibrated]) == ""
