"""Parts that a table or folders give are kept, and what leaks between them is named."""

from pathlib import Path

import numpy as np
import pytest
from dicom_files import write_slice
from PIL import Image

from hemotk.data.phantom.draw import draw_slice
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError

WORDS = ("normal", "hemorrhage")
EXACT = SplitConfig(grouping="patient")


def noise(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (32, 32), np.uint8)).save(path)


def presplit(folder: Path, parts: dict[str, int], order: str = "part/class") -> Path:
    """So many pictures of each class in each part."""
    seed = 0
    for part, count in parts.items():
        for word in WORDS:
            for index in range(count):
                inside = f"{part}/{word}" if order == "part/class" else f"{word}/{part}"
                noise(folder / inside / f"{part}{word}{index}.png", seed := seed + 1)
    return folder


def table(folder: Path, rows: list[tuple[int, str, str]], column: str = "split") -> Path:
    lines = [f"id,hemorrhage,{column},patient"]
    for index, (label, part, patient) in enumerate(rows):
        noise(folder / f"{index}.png", index)
        lines.append(f"{index}.png,{label},{part},{patient}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def rows(parts: str = "train validation test") -> list[tuple[int, str, str]]:
    return [(label, part, f"{part}{label}{k}") for part in parts.split() for label in (0, 1) for k in range(3)]


@pytest.mark.parametrize("order", ["part/class", "class/part"])
@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "Validation", "Testing")])
def test_folders_of_parts_are_kept(tmp_path: Path, names: tuple[str, str, str], order: str) -> None:
    found = scan(presplit(tmp_path, dict(zip(names, (4, 2, 3), strict=True)), order))
    assert found.given
    split = make_split(found, SplitConfig(grouping="none"))
    for part, name, count in zip(("train", "validation", "test"), names, (8, 4, 6), strict=True):
        items = split.part(part)  # type: ignore[arg-type]
        assert len(items) == count and all(name in item.path for item in items)


@pytest.mark.parametrize("column", ["split", "Set", "PARTITION", "subset"])
def test_a_column_of_parts_is_kept(tmp_path: Path, column: str) -> None:
    split = make_split(scan(table(tmp_path, rows("train val test"), column)), EXACT)
    assert [item.part for item in split.items if item.path == "17.png"] == ["test"]
    assert len(split.part("test")) == 6
    assert any("by the table" in line for line in split.reading or ())


def test_resplit_deals_anew(tmp_path: Path) -> None:
    found = scan(table(tmp_path, rows()))
    split = make_split(found, SplitConfig(grouping="patient", resplit=True))
    assert len(split.part("test")) == 4  # a fifth of 18 images


def test_a_missing_validation_part_is_dealt_from_training(tmp_path: Path) -> None:
    given = [(label, part, f"{part}{label}{k}") for part in ("train", "test") for label in (0, 1) for k in range(6)]
    split = make_split(scan(table(tmp_path, given)), EXACT)
    assert {item.path for item in split.part("test")} == {f"{index}.png" for index in range(12, 24)}
    assert 2 <= len(split.part("validation")) <= 4
    assert {item.label for item in split.part("validation")} == {0, 1}


def test_a_patient_in_two_parts_is_refused_with_the_number(tmp_path: Path) -> None:
    leaky = rows()
    leaky[-1] = (1, "test", "train10")
    with pytest.raises(HemotkError, match=r"share 1 patient in several \(1 test image\): 17\.png … 3\.png.*resplit"):
        make_split(scan(table(tmp_path, leaky)), EXACT)


def test_a_picture_in_two_parts_is_refused(tmp_path: Path) -> None:
    folder = presplit(tmp_path, {"train": 4, "val": 2, "test": 3})
    (folder / "test" / "normal" / "copy.png").write_bytes(
        (folder / "train" / "normal" / "trainnormal1.png").read_bytes()
    )
    with pytest.raises(HemotkError, match=r"share 1 picture in several \(1 test image\)"):
        make_split(scan(folder), SplitConfig(grouping="none"))


def test_near_duplicates_in_two_parts_are_said_and_taken_apart(tmp_path: Path) -> None:
    folder = presplit(tmp_path, {"train": 4, "val": 2, "test": 3})
    head = draw_slice(5, 1, False, sizes=(150, 160))
    Image.fromarray(head).save(folder / "train" / "normal" / "head.png")
    Image.fromarray(head).save(folder / "test" / "normal" / "head.jpg", quality=60)
    split = make_split(scan(folder), SplitConfig())
    parts = {item.path: (item.part, item.group) for item in split.items if "head." in item.path}
    assert {part for part, _ in parts.values()} == {"train", "test"}
    assert len({group for _, group in parts.values()}) == 2
    assert any("1 group of near duplicates in several of the given parts" in line for line in split.reading or ())


def test_a_column_whose_cells_are_no_parts_is_no_column_of_parts(tmp_path: Path) -> None:
    odd = [(label, str(k % 5), patient) for k, (label, _, patient) in enumerate(rows())]
    assert not scan(table(tmp_path, odd, "fold")).given


def test_without_a_training_part_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="gives no training part"):
        make_split(scan(table(tmp_path, rows("validation test"))), EXACT)


def test_one_patient_id_for_many_studies_is_said_and_studies_can_be_kept_together(tmp_path: Path) -> None:
    for patient in range(8):
        for index in range(2):
            stored = np.random.default_rng([patient, index]).integers(1000, 1200, (32, 32))
            uids = {"StudyInstanceUID": f"1.{patient}", "SOPInstanceUID": f"1.{patient}.{index}"}
            write_slice(tmp_path / WORDS[patient % 2] / f"{patient}_{index}.dcm", stored, PatientID="ANON", **uids)
    found = scan(tmp_path)
    assert any("same in all 16 files, though they are of 8 studies" in line for line in found.lines())
    with pytest.raises(HemotkError, match=r"too few independent groups.*16 of 16 images are in one group"):
        make_split(found, EXACT)
    split = make_split(scan(tmp_path, patient="study"), EXACT)
    assert len({item.group for item in split.items}) == 8
