"""Groups: known patients stay apart though their slices look alike, blank slices join nobody, large groups are said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import SplitManifest
from hemotk.data.duplicates.blank import is_blank
from hemotk.data.duplicates.find import Pair, near_duplicates
from hemotk.data.duplicates.gather import link
from hemotk.data.duplicates.view import View, view
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.scan.folder import scan
from hemotk.data.split.folds import make_folds
from hemotk.data.split.grouping import group_images
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError

Gray = np.ndarray
BLACK = np.zeros((40, 40), np.uint8)


def noise(seed: int) -> Gray:
    return np.random.default_rng(seed).integers(0, 256, (40, 40), np.uint8)


def head() -> Gray:
    return draw_slice(5, 1, False, sizes=(150, 160))


def written(folder: Path, slices: list[tuple[str, int, Gray]]) -> Path:
    """A folder with a table of (patient, label, picture); no patient where its name is empty."""
    lines = ["path,hemorrhage,patient"]
    for index, (patient, label, gray) in enumerate(slices):
        Image.fromarray(gray).save(folder / f"{index:03}.png")
        lines.append(f"{index:03}.png,{label},{patient}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def patients(count: int, *, each: int = 2, start: int = 0) -> list[tuple[str, int, Gray]]:
    return [(f"P{k}", k % 2, noise(start + k * each + index)) for k in range(count) for index in range(each)]


def said(split: SplitManifest, word: str) -> list[str]:
    return [line for line in split.reading or () if line.startswith(word)]


@pytest.mark.parametrize("grouping", ["auto", "patient", "none"])
def test_a_black_slice_joins_no_patients_and_contradicts_no_label(tmp_path: Path, grouping: str) -> None:
    slices = [*patients(12), *((f"P{k}", k % 2, BLACK) for k in range(12))]
    config = SplitConfig(grouping=grouping)  # type: ignore[arg-type]
    split = make_split(scan(written(tmp_path, slices)), config)
    assert len({item.group for item in split.items}) == (24 if grouping == "none" else 12)
    assert len(split.items) == 24 and any("12 blank slices" in line for line in said(split, "left out"))
    split.write(tmp_path / "split.json")
    assert SplitManifest.read(tmp_path / "split.json") == split
    (first, *_) = make_folds(scan(tmp_path), config, 3)
    assert len(first.items) == 24 and any("12 blank slices" in line for line in said(first, "left out"))


def test_a_group_of_one_slice_after_its_blank_ones_are_left_out_has_no_reason(tmp_path: Path) -> None:
    slices = [*patients(12, each=1), *((f"P{k}", k % 2, BLACK) for k in range(12))]
    assert make_split(scan(written(tmp_path, slices)), SplitConfig()).groups == ()


@pytest.mark.parametrize("white", [1, 255])
@pytest.mark.parametrize("labels", [{0, 1}, {1}])
def test_a_class_of_blank_slices_alone_is_refused_with_the_cause(tmp_path: Path, white: int, labels: set[int]) -> None:
    """As of masks, of pictures of one bit and of values 0 and 1 kept in bytes."""
    slices = [
        (who, label, (gray > 128).astype(np.uint8) * np.uint8(white) if label in labels else gray)
        for who, label, gray in patients(12)
    ]
    scanned = scan(written(tmp_path, slices))
    for make in (lambda: make_split(scanned, SplitConfig()), lambda: make_folds(scanned, SplitConfig(), 3)):
        with pytest.raises(
            HemotkError, match=r"all 12 pictures of class '.*' are blank, such as 00.*: of one gray value"
        ):
            make()


def test_other_equal_pictures_still_join_patients_and_contradict_labels(tmp_path: Path) -> None:
    slices = [*patients(12), ("P2", 0, noise(0))]
    split = make_split(scan(written(tmp_path, slices)), SplitConfig())
    assert len({item.group for item in split.items}) == 11 and not said(split, "alike")
    slices[-1] = ("P3", 1, noise(0))
    with pytest.raises(HemotkError, match="shows the same picture as"):
        make_split(scan(written(tmp_path, slices)), SplitConfig())


@pytest.mark.parametrize("level", [0, 7, 255])
def test_one_gray_value_is_blank(level: int) -> None:
    assert is_blank(np.full((30, 20), level, np.uint8))


def test_air_with_a_trace_of_a_couch_is_blank_and_a_head_is_not() -> None:
    air = np.zeros((100, 100), np.uint8)
    air[0, :10] = 100
    assert is_blank(air)
    air[0] = 100
    assert not is_blank(air) and not is_blank(head())


def test_known_patients_are_not_joined_by_likeness_but_reported(tmp_path: Path) -> None:
    copy = np.clip(head().astype(int) + 2, 0, 255).astype(np.uint8)
    slices = [*patients(12), ("P0", 0, head()), ("P2", 0, copy)]
    split = make_split(scan(written(tmp_path, slices)), SplitConfig())
    assert len({item.group for item in split.items}) == 12
    assert any("1 pair of pictures of different patients look alike" in line for line in said(split, "alike"))
    grouped = group_images(scan(tmp_path), "auto")
    assert [(pair.first, pair.second) for pair in grouped.alike] == [(24, 25)]


def test_images_without_patients_are_still_joined_by_likeness() -> None:
    home, used = link([Pair(0, 1, 0.95, False)], [0, 1], [False, False])
    assert home[0] == home[1] and len(used) == 1


def test_an_image_without_patient_joins_one_patient_and_chains_no_two() -> None:
    pairs = [Pair(0, 1, 0.97, False), Pair(1, 2, 0.96, False), Pair(1, 3, 0.95, False)]
    home, used = link(pairs, [0, 1, 2, 3], [True, False, True, False])
    assert home[0] == home[1] == home[3] != home[2] and len(used) == 2


def test_a_patient_who_joins_an_image_without_one_keeps_the_next_patient_away() -> None:
    home, used = link([Pair(0, 1, 0.97, False), Pair(0, 2, 0.96, False)], [0, 1, 2], [False, True, True])
    assert home[0] == home[1] != home[2] and len(used) == 1


def test_a_group_larger_than_its_part_is_said(tmp_path: Path) -> None:
    slices = [*patients(8), *(("P0", 0, noise(100 + k)) for k in range(20))]
    folder = written(tmp_path, slices)
    (line,) = said(make_split(scan(folder), SplitConfig(0.3, 0.3)), "large")
    assert "group p00000 (one patient) has 22 images, more than the" in line
    for fold in make_folds(scan(folder), SplitConfig(), 4):
        (line,) = said(fold, "large")
        assert "group p00000 (one patient) has 22 images, more than the 9" in line


def test_equal_groups_are_no_warning(tmp_path: Path) -> None:
    folder = written(tmp_path, patients(20))
    assert not said(make_split(scan(folder), SplitConfig()), "large")
    assert not said(make_folds(scan(folder), SplitConfig(), 4)[0], "large")


def test_reading_and_comparing_are_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    slices = [*patients(6), ("P0", 0, head()), ("P1", 1, head()[:, ::-1])]
    group_images(scan(written(tmp_path, slices)), "auto", lambda *now: told.append(now))
    assert told[13] == ("reading images", 14, 14) and told[-1][0] == "comparing images"
    assert told[-1][1] == told[-1][2]


def test_slices_without_brain_take_no_part_in_the_search() -> None:
    one = view(head())
    assert one.tissue > 0.2

    def with_tissue(first: float, second: float) -> int:
        return len(near_duplicates([View(one.ranks, one.detail, True, share) for share in (first, second)]))

    assert with_tissue(0.3, 0.3) == with_tissue(0.3, 0.12) == with_tissue(0.12, 0.3) == 1
    assert with_tissue(0.14, 0.14) == with_tissue(0.3, 0.05) == 0


def test_all_unreadable_pictures_are_named_at_once(tmp_path: Path) -> None:
    for word in ("normal", "hemorrhage"):
        (tmp_path / word).mkdir()
        for index in range(4):
            (tmp_path / word / f"{index}.png").write_bytes(b"no picture")
    with pytest.raises(HemotkError, match=r"hemorrhage/0\.png: is no picture .*\(8 files cannot be used: hemorrhage/0"):
        group_images(scan(tmp_path), "auto")
