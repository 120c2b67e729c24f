"""Image folders: both layouts, and every way a table can be wrong."""

import os
from pathlib import Path

import pytest
from PIL import Image

from hemotk.data.scan.folder import scan
from hemotk.errors import HemotkError


def draw(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (20, 20), shade).save(path)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Six images 000.png … 005.png with a table like that of the public head CT set."""
    for i in range(6):
        draw(tmp_path / "images" / f"{i:03}.png", i)
    rows = "".join(f"{i},{int(i < 3)}\r\n" for i in range(6))
    (tmp_path / "labels.csv").write_bytes(b"id, hemorrhage\r\n" + rows.encode())
    return tmp_path


def rewrite(folder: Path, text: str) -> None:
    (folder / "labels.csv").write_text(text)


def test_ids_without_zeros_and_blank_in_header(table: Path) -> None:
    found = scan(table)
    assert [(image.path, image.label) for image in found.images] == [
        (f"images/{i:03}.png", int(i < 3)) for i in range(6)
    ]
    assert found.counts() == (3, 3) and found.unlabelled == 0


@pytest.mark.parametrize("header", ["id,label", "file,hemorrhage", "path , LABEL", "\ufeffid,hemorrhage"])
@pytest.mark.parametrize("name", ["images/{:03}.png", "{:03}.png", "{:03}", "{}"])
def test_names_and_headers(table: Path, header: str, name: str) -> None:
    rewrite(table, header + "\n" + "".join(f"{name.format(i)},{i % 2}\n" for i in range(6)))
    assert [image.label for image in scan(table).images] == [0, 1, 0, 1, 0, 1]


def test_class_words_patients_and_unlabelled(table: Path) -> None:
    rewrite(table, "id,label,patient\n" + "".join(f"{i},{'bleed' if i % 2 else 'ok'},P{i // 2}\n" for i in range(6)))
    draw(table / "images" / "extra.png")
    found = scan(table, ("ok", "bleed"))
    assert [image.patient for image in found.images] == ["P0", "P0", "P1", "P1", "P2", "P2"]
    assert found.unlabelled == 1


def test_subfolders(tmp_path: Path) -> None:
    for i in range(3):
        draw(tmp_path / "normal" / f"{i}.png")
        draw(tmp_path / "hemorrhage" / "deep" / f"{i}.JPG")
    draw(tmp_path / "normal" / ".hidden.png")
    found = scan(tmp_path)
    assert found.counts() == (3, 3)
    assert found.images[0].path == "hemorrhage/deep/0.JPG" and found.images[0].label == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("id,verdict\n0,1\n", "no column 'hemorrhage' or 'label'"),
        ("slice,hemorrhage\n0,1\n", "no column 'path'"),
        ("id,hemorrhage\n0,1\n77,0\n", "line 3: no image for '77'"),
        ("id,hemorrhage\n0,1\n000,0\n", "line 3: '000' stands there twice"),
        ("id,hemorrhage\n0,1\n1,perhaps\n", "line 3: label 'perhaps' is unknown"),
        ("id,hemorrhage\n0,1\n1\n", "line 3: has 1 cells"),
        ("id,hemorrhage,patient\n0,1,A\n1,0,\n", "line 3: column 'patient' is blank"),
        ("id,hemorrhage,hemorrhage\n0,1,0\n", "has 2 columns 'hemorrhage'; keep one"),
        ("id,hemorrhage,label\n0,1,0\n", "has columns 'hemorrhage' and 'label'; keep one"),
        ("id,hemorrhage,patient,patient\n0,1,A,B\n", "has 2 columns 'patient'; keep one"),
        ("id,hemorrhage\n" + "".join(f"{i},1\n" for i in range(6)), "0 images of class 'normal'"),
        ("id,hemorrhage\n" + "".join(f"{i},{int(i < 5)}\n" for i in range(6)), "1 image of class 'normal'"),
    ],
)
def test_bad_tables(table: Path, text: str, says: str) -> None:
    rewrite(table, text)
    with pytest.raises(HemotkError, match=says):
        scan(table)


def test_binary_table(table: Path) -> None:
    (table / "labels.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(HemotkError, match="UTF-8"):
        scan(table)


def test_ambiguous_id(table: Path) -> None:
    draw(table / "other" / "000.png")
    with pytest.raises(HemotkError, match=r"may be images/000\.png or other/000\.png"):
        scan(table)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "holds no images"),
        (["a.png"], "lies in neither normal/ nor hemorrhage/"),
        (["benign/a.png"], "classes"),
        ([f"normal/{i}.png" for i in range(4)], "0 images of class 'hemorrhage'"),
    ],
)
def test_bad_folders(tmp_path: Path, files: list[str], says: str) -> None:
    for file in files:
        draw(tmp_path / file)
    with pytest.raises(HemotkError, match=says):
        scan(tmp_path)


def test_no_folder_and_bad_classes(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="no such folder"):
        scan(tmp_path / "none")
    with pytest.raises(HemotkError, match="classes"):
        scan(tmp_path, ("same", "same"))
    with pytest.raises(HemotkError, match="classes: 0 and 1 are what labels are written as"):
        scan(tmp_path, ("1", "0"))


def test_no_picture_goes_missing(tmp_path: Path) -> None:
    for i in range(6):
        draw(tmp_path / "ct" / ("normal", "hemorrhage")[i % 2] / f"{i}.png")
    folder, other = tmp_path / "ct", tmp_path / "other"
    draw(other / "7.png")
    link = folder / "normal" / "site2"
    link.symlink_to(other)
    with pytest.raises(HemotkError, match=r"normal/site2: is a link to a folder, which is not followed"):
        scan(folder)
    link.unlink()
    link.with_suffix(".png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(HemotkError, match=r"site2\.png: is a link to nothing"):
        scan(folder)
    link.with_suffix(".png").unlink()
    (folder / ".cache").symlink_to(other)
    (folder / "normal" / "8.png").symlink_to(other / "7.png")
    assert len(scan(folder).images) == 7


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(tmp_path / "normal" / "site2" / "1.png")
    real = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path).name == "site2":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(HemotkError, match=r"site2: cannot be listed; ask for the right"):
        scan(tmp_path)
