"""Copies of one slice in two folders: what is trained on may not look like what is tested."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from prunable_runs import make_run

import hemotk
from hemotk.artifacts import PARTS, Part, SplitGroup, SplitItem, SplitManifest
from hemotk.artifacts.split import COMPARED_BETWEEN
from hemotk.cli.data import data
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.split.likeness import viewed, without_copies
from hemotk.describe.facts import describe
from hemotk.describe.text import text
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.training.likeness import likeness_notes
from hemotk.training.listener import Listener

sys.path.append(str(Path(__file__).parents[4] / "studies"))

from planted_copies import all_at_once

MakeSplit = Callable[..., SplitManifest]


def drawn(folder: Path, first: int, copies: dict[int, tuple[int, Part]] | None = None) -> SplitManifest:
    """Four heads for each part from head number `first` on; the place → (head, part) of `copies` is a changed copy."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(first)
    items = []
    for place in range(12):
        head, part = (copies or {}).get(place, (first + place, PARTS[place % 3]))
        gray = draw_slice(77, head, bool(head % 2), sizes=(140, 200))
        if copies and place in copies:
            gray = all_at_once(gray, random)
        path = folder / f"{place:02}.png"
        Image.fromarray(gray).save(path)
        items.append(SplitItem(path.name, sha256_file(path), place // 3 % 2, f"g{place % 3}-{place // 6}", part))
    for each in items:  # groups lie in one part
        assert each.part == PARTS[int(each.group[1])], each
    groups = tuple(SplitGroup(f"g{part}-{half}", 2, ("patient",)) for part in range(3) for half in range(2))
    return SplitManifest("2026-01-01", str(folder), ("normal", "bleed"), 3, 0.2, 0.2, "auto", tuple(items), groups)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    return drawn(tmp_path_factory.mktemp("ours") / "a", 0)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    """Training images 0 and 3 are our test image 2 and validation image 1, test image 8 is our training image 6.

    Validation image 7 is our validation image 4, which does no harm.
    """
    copies: dict[int, tuple[int, Part]] = {
        0: (2, "train"),
        3: (1, "train"),
        8: (6, "test"),
        7: (4, "validation"),
    }
    return drawn(tmp_path_factory.mktemp("theirs") / "b", 100, copies)


def paths(split: SplitManifest) -> set[str]:
    return {item.path for item in split.items}


def test_the_copy_in_the_earlier_part_is_left_out(ours: SplitManifest, theirs: SplitManifest) -> None:
    (first, second), lines = without_copies((ours, theirs))
    assert paths(ours) - paths(first) == {"06.png"}
    assert paths(theirs) - paths(second) == {"00.png", "03.png"}
    assert lines[0].startswith("3 pairs of images in different parts look like the same slice:")
    assert all(f"{split.folder}/{name}" in lines[0] for split, name in ((ours, "02.png"), (theirs, "00.png")))
    assert lines[-1] == COMPARED_BETWEEN
    assert {group.name: group.images for group in second.groups} == {
        group.name: 2 for group in theirs.groups if group.name != "g0-0"
    }
    assert without_copies((theirs, ours))[0] == (second, first)


def test_folders_without_copies_stay_as_they_are(ours: SplitManifest, tmp_path: Path) -> None:
    other = drawn(tmp_path / "c", 300)
    kept, lines = without_copies((ours, other))
    assert kept == (ours, other) and lines == (COMPARED_BETWEEN,)


def test_what_was_not_compared_is_said(ours: SplitManifest, theirs: SplitManifest) -> None:
    gone = replace(theirs, folder="/gone")
    unread = replace(theirs, grouping="patient", items=tuple(replace(item, sha256=None) for item in theirs.items))
    for other, says in ((gone, "/gone is not here"), (unread, "was split without reading its pictures")):
        kept, lines = without_copies((ours, other))
        assert kept == (ours, other) and len(lines) == 1 and says in lines[0]


def test_more_pairs_than_can_be_compared(
    ours: SplitManifest, theirs: SplitManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hemotk.data.split.likeness.MOST_PAIRS", 143)
    assert "too many to compare" in without_copies((ours, theirs))[1][0]


def test_the_same_set_twice_is_refused(ours: SplitManifest, tmp_path: Path) -> None:
    parts: dict[Part, Part] = {"train": "test", "validation": "train", "test": "validation"}
    again = drawn(tmp_path / "again", 0, {place: (place, PARTS[place % 3]) for place in range(12)})
    turned = replace(again, items=tuple(replace(i, part=parts[i.part]) for i in again.items))
    with pytest.raises(HemotkError, match="it seems to hold the same slices, so leave it out"):
        without_copies((ours, turned))


def test_a_picture_that_cannot_be_read_is_named(ours: SplitManifest, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(ours.folder, folder)
    (folder / "05.png").write_bytes(b"no picture")
    with pytest.raises(HemotkError, match=r"broken/05\.png"):
        viewed(replace(ours, folder=str(folder)), ours.items)


def test_the_command_says_it_and_the_split_keeps_it(ours: SplitManifest, theirs: SplitManifest, tmp_path: Path) -> None:
    for name, split in (("a.json", ours), ("b.json", theirs)):
        split.write(tmp_path / name)
    out = tmp_path / "both.json"
    result = CliRunner().invoke(data, ["merge", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    made = SplitManifest.read(out)
    assert len(made.items) == 21 and made.compared_between
    assert "3 pairs of images in different parts look like the same slice" in result.output
    assert "between which patients were not compared" in "\n".join(text(describe(out)))


def test_weights_that_learned_from_a_copy_of_what_is_judged(
    ours: SplitManifest, theirs: SplitManifest, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", theirs)
    for weights in (run, run / "weights.npz"):
        (note,) = likeness_notes(str(weights), ours, None, Listener())
        assert "that look like images which the given weights learned from: 2. The figures flatter." in note
        assert ".png" not in note and str(tmp_path) not in note
    assert likeness_notes(str(run), theirs, None, Listener()) == ()
    assert likeness_notes("imagenet", ours, None, Listener()) == ()
    moved = make_run(tmp_path / "moved", replace(theirs, folder="/gone"))
    assert "was not checked" in likeness_notes(str(moved), ours, None, Listener())[0]
    elsewhere = replace(ours, folder="/gone")
    assert "learned from: 2" in likeness_notes(str(run), elsewhere, Path(ours.folder), Listener())[0]


def test_from_python(ours: SplitManifest, theirs: SplitManifest) -> None:
    made = hemotk.merge([hemotk.Split(ours), hemotk.Split(theirs)], progress=False)
    assert len(made.manifest.items) == 21
