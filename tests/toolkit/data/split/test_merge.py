"""Splits of several folders as one: nothing changes its part, and nothing is confused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.artifacts import PARTS, Part, SplitGroup, SplitItem, SplitManifest
from hemotk.cli.data import data
from hemotk.data.split.merge import merge_splits, swamped
from hemotk.errors import HemotkError

CASES = st.lists(st.sampled_from(PARTS), min_size=0, max_size=6).map(lambda more: (*PARTS, *more))


def split(folder: str, parts: tuple[Part, ...] = PARTS, **changes: Any) -> SplitManifest:
    """Two equally named images in one group for each of `parts`."""
    name = Path(folder).name
    items = tuple(
        SplitItem(f"{number}-{label}.png", f"{name}{number}{label}".ljust(64, "0"), label, f"p{number}", part)
        for number, part in enumerate(parts)
        for label in (0, 1)
    )
    groups = tuple(SplitGroup(f"p{number}", 2, ("patient",)) for number in range(len(parts)))
    whole = SplitManifest("2026-01-01", folder, ("normal", "bleed"), 3, 0.2, 0.2, "patient", items, groups)
    return replace(whole, **changes)


def unread(whole: SplitManifest) -> SplitManifest:
    """`whole` without checksums."""
    return replace(whole, items=tuple(replace(item, sha256=None) for item in whole.items))


@settings(max_examples=20)
@given(first=CASES, second=CASES)
def test_every_image_keeps_part_label_and_file(first: tuple[Part, ...], second: tuple[Part, ...]) -> None:
    sources = (split("/data/a", first), split("/data/deep/b", second))
    merged = merge_splits(sources)
    before = {(s.root() / i.path, i.sha256, i.label, i.part) for s in sources for i in s.items}
    assert {(merged.root() / i.path, i.sha256, i.label, i.part) for i in merged.items} == before
    assert len({item.group for item in merged.items}) == len(first) + len(second)
    assert sum(group.images for group in merged.groups) == len(merged.items)
    assert merged.test == len(merged.part("test")) / len(merged.items)


def test_it_claims_no_more_grouping_than_the_least_of_its_sources() -> None:
    auto = split("/data/a", grouping="auto")
    assert merge_splits([auto, split("/data/b")]).grouping == "patient"
    assert merge_splits([auto, split("/data/b"), split("/data/c", grouping="none")]).grouping == "none"


def test_what_cannot_be_merged_is_refused() -> None:
    first = split("/data/a")
    shared = replace(first.items[0], path="copy.png", part="test", group="elsewhere")
    other = split("/data/b")
    clash = replace(other, items=(*other.items, shared))
    twice = replace(other, items=(*other.items, replace(shared, part="train", label=1)))
    second = replace(first.items[1], path="copy2.png", group="elsewhere", part=shared.part)
    both = replace(other, items=(*other.items, shared, second))
    for others, says in (
        ([], "name two or more"),
        ([split("/data/a")], "two of the splits are of this folder"),
        ([split("/data/b", fold=1, folds=3)], "one of 3 folds"),
        ([split("/data/b", classes=("normal", "blood"))], "its classes are normal and blood"),
        (
            [clash],
            r"/data/b/copy.png: the same file lies in /data/a \(files in two folders: 1, of them with two lab",
        ),
        ([twice], r"two folders: 1, of them with two labels: 1\)"),
        ([both], r"two folders: 2, of them with two labels: 0\)"),
        ([unread(other)], "/data/b: its images have no checksums, other than those of /data/a"),
        ([split("b")], "/data/a: has no folder in common with b"),
    ):
        with pytest.raises(HemotkError, match=says):
            merge_splits([first, *others])


def test_the_command_writes_one_split(tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        split(f"/data/{file.stem}").write(file)
    result = CliRunner().invoke(data, ["merge", *map(str, files), "--out", str(tmp_path / "both.json")])
    assert result.exit_code == 0, result.output
    assert "test            4 images, 2 of class bleed" in result.output and "not between them" in result.output
    assert len(SplitManifest.read(tmp_path / "both.json").items) == 12


def test_a_set_that_swamps_the_others_is_named() -> None:
    small, large = split("/data/a"), split("/data/b")
    train = large.part("train")
    many = [
        replace(item, path=f"{number}/{item.path}", sha256=f"{number:032x}{place:032x}", group=f"{number} {place}")
        for number in range(20)
        for place, item in enumerate(train)
    ]
    larger = replace(large, items=(*large.items, *many))
    assert swamped(merge_splits([small, large])) is None
    said = swamped(merge_splits([small, larger]))
    assert (
        said is not None
        and said.startswith("b gives 95% of the training images of class")
        and "--draw balanced" in said
    )
