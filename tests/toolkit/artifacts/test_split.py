"""Split files: all three versions, and what each refuses to be."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from hemotk.artifacts import PARTS, SplitGroup, SplitItem, SplitManifest
from hemotk.errors import FieldError, HemotkError

NOW = "2026-07-01T12:00:00+00:00"
ITEMS = (
    *(SplitItem(f"{part}.png", f"{i:064x}", i % 2, part, part) for i, part in enumerate(PARTS)),
    SplitItem("ä/twin.png", "f" * 64, 1, "train", "train"),
)
FIRST = SplitManifest(NOW, "head_ct", ("normal", "hemorrhage"), 0, 0.2, 0.2, "none", ITEMS[:3])
SECOND = dataclasses.replace(
    FIRST, grouping="auto", items=ITEMS, groups=(SplitGroup("train", 2, ("near",)),), fold=2, folds=3
)
THIRD = dataclasses.replace(
    SECOND, grouping="patient", items=tuple(dataclasses.replace(item, sha256=None) for item in ITEMS)
)


@pytest.mark.parametrize(
    ("split", "schema", "before"),
    [
        (FIRST, "hemotk.split/1", "2d90b6cb33e089662b53bfc864d74a80c3d6c8eb9559b3d96ffc10350df01810"),
        (SECOND, "hemotk.split/2", "5833add3cd42d68516c752e4629127a61be94c4cc005758c64801e52bf5efe06"),
    ],
)
def test_splits_with_checksums_are_written_as_before_there_were_others(
    split: SplitManifest, schema: str, before: str, tmp_path: Path
) -> None:
    split.write(tmp_path / "split.json")
    assert SplitManifest.read(tmp_path / "split.json") == split
    assert split.sha256() == before and split.body()["schema"] == schema


def test_a_split_without_checksums_is_written_in_columns(tmp_path: Path) -> None:
    THIRD.write(tmp_path / "split.json")
    body = json.loads((tmp_path / "split.json").read_bytes())
    assert body["schema"] == "hemotk.split/3"
    assert body["items"] == {
        "path": "train.png\nvalidation.png\ntest.png\nä/twin.png",
        "label": "0\n1\n0\n1",
        "group": "train\nvalidation\ntest\ntrain",
        "part": "train\nvalidation\ntest\ntrain",
    }
    again = SplitManifest.read(tmp_path / "split.json")
    assert again == THIRD and again.to_json() == (tmp_path / "split.json").read_bytes()
    assert [item.key for item in again.items[:2]] == ["train.png", "validation.png"]
    assert SECOND.items[0].key == "0" * 64
    with pytest.raises(HemotkError, match="already exists"):
        THIRD.write(tmp_path / "split.json", overwrite=False)


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("label", "0\n1\n0\n2", r"holds '2', which is no label or no part"),
        ("label", "0\n1\n0", "of as many lines in each column"),
        ("part", "train\nvalidation\ntest\nboth", "holds 'both'"),
        ("part", "train\nvalidation\ntest\ntest", "group 'train' lies in test and train"),
        ("path", "train.png\nvalidation.png\ntest.png\ntrain.png", "without double paths"),
        ("path", "train.png\nvalidation.png\ntest.png\n../x.png", "a path inside the folder"),
        ("group", None, "'items.group' must be of type str"),
    ],
)
def test_columns_that_do_not_fit(column: str, text: Any, says: str, tmp_path: Path) -> None:
    THIRD.write(tmp_path / "split.json")
    body = json.loads((tmp_path / "split.json").read_bytes())
    body["items"][column] = text
    (tmp_path / "split.json").write_text(json.dumps(body))
    with pytest.raises(HemotkError, match=says) as raised:
        SplitManifest.read(tmp_path / "split.json")
    assert str(raised.value).startswith(str(tmp_path / "split.json"))


@pytest.mark.parametrize("name", ["a\nb.dcm", "/a.dcm", "a/../b.dcm", ""])
def test_paths_of_items_without_checksums(name: str) -> None:
    with pytest.raises(FieldError, match="'path' must be"):
        SplitItem(name, None, 0, "g", "train")


def test_checksums_are_there_for_all_or_for_none() -> None:
    with pytest.raises(FieldError, match="all with a checksum, or all without"):
        dataclasses.replace(SECOND, items=(*ITEMS[:3], THIRD.items[3]))


def test_pictures_without_checksums_cannot_have_been_compared() -> None:
    with pytest.raises(FieldError, match="'grouping' must be 'patient' or 'none' where images have no checksums"):
        dataclasses.replace(THIRD, grouping="auto")


def test_nothing_is_in_two_parts() -> None:
    same_file = dataclasses.replace(ITEMS[1], sha256=ITEMS[0].sha256)
    with pytest.raises(FieldError, match=r"file with checksum '0+' lies in train and validation"):
        dataclasses.replace(FIRST, items=(ITEMS[0], same_file, ITEMS[2]))
