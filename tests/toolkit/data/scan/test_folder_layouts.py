"""Folders as people have them: names of classes, patients, thumbnails, archives, suffixes."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from hemotk.data.scan.folder import FoundFolder, scan
from hemotk.data.scan.found import left_out_lines
from hemotk.errors import HemotkError


def draw(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (20, 20), shade).save(path)


def fill(folder: Path, *inside: str, count: int = 3) -> Path:
    for place, name in enumerate(inside):
        for index in range(count):
            draw(folder / name / f"slice{index}.png", 10 * place + index)
    return folder


def said(found: FoundFolder) -> str:
    return "\n".join(found.lines())


@pytest.mark.parametrize(
    ("without", "given"),
    [
        ("Normal", "Hemorrhage"),
        ("NORMAL", "HEMORRHAGE"),
        ("no_hemorrhage", "haemorrhage"),
        ("Non-Hemorrhagic", "Hemorrhagic"),
        ("healthy", "ICH"),
        ("no bleed", "bleed"),
        ("0", "1"),
        ("no", "yes"),
        ("negative", "positive"),
    ],
)
@pytest.mark.parametrize("above", ["", "Head CT/", "archive/data/"])
def test_class_folders_in_any_usual_spelling(tmp_path: Path, above: str, without: str, given: str) -> None:
    found = scan(fill(tmp_path, f"{above}{without}", f"{above}{given}"))
    labels = {image.path: image.label for image in found.images}
    assert labels[f"{above}{without}/slice0.png"] == 0 and labels[f"{above}{given}/slice0.png"] == 1
    assert given in said(found)


def test_other_classes_are_not_guessed(tmp_path: Path) -> None:
    fill(tmp_path, "normal", "tumor")
    with pytest.raises(HemotkError, match=r"tumor/slice0\.png: lies in neither .* as 2 more pictures do .*classes"):
        scan(tmp_path)
    assert scan(tmp_path, ("normal", "tumor")).counts() == (3, 3)


def test_a_picture_below_both_classes_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "normal", "hemorrhage", "hemorrhage/normal")
    with pytest.raises(HemotkError, match="below folders of both classes, as 3 pictures do"):
        scan(tmp_path)


@pytest.mark.parametrize(
    "names", [["P01", "P02", "P03", "P04"], ["12", "13", "14", "15"], ["case 1", "case 2", "case 3", "case 4"]]
)
def test_folders_of_patients_are_patients(tmp_path: Path, names: list[str]) -> None:
    inside = [f"{('normal', 'hemorrhage')[k % 2]}/{name}" for k, name in enumerate(names)]
    found = scan(fill(tmp_path, *inside))
    assert {image.patient for image in found.images} == set(names)
    assert "patients   4, by folders" in said(found)


def test_folders_below_patients_are_not_mistaken_for_them(tmp_path: Path) -> None:
    inside = [f"{word}/P{k}{word[0]}/series{s}" for word in ("normal", "hemorrhage") for k in range(3) for s in (1, 2)]
    found = scan(fill(tmp_path, *inside))
    assert len({image.patient for image in found.images}) == 6


def test_folders_that_may_be_sites_are_named_and_not_used(tmp_path: Path) -> None:
    inside = [f"{word}/{site}" for word in ("normal", "hemorrhage") for site in ("Berlin", "Hanoi", "Lyon")]
    found = scan(fill(tmp_path, *inside))
    assert {image.patient for image in found.images} == {None}
    assert "--patient folder" in said(found)
    chosen = scan(tmp_path, patient="folder")
    assert {image.patient for image in chosen.images} == {"Berlin", "Hanoi", "Lyon"}


def test_names_of_files_that_begin_with_a_patient_are_named_and_not_used(tmp_path: Path) -> None:
    for word in ("normal", "hemorrhage"):
        for patient in range(3):
            for index in range(3):
                draw(tmp_path / word / f"p{patient}{word[0]}7_s{index:02}.png")
    found = scan(tmp_path)
    assert "--patient file-name" in said(found) and {image.patient for image in found.images} == {None}
    chosen = scan(tmp_path, patient="file-name")
    assert len({image.patient for image in chosen.images}) == 6


def test_plain_numbers_are_no_patients(tmp_path: Path) -> None:
    found = scan(fill(tmp_path, "normal", "hemorrhage", count=9))
    assert "--patient" not in said(found)


@pytest.mark.parametrize("junk", ["normal/@eaDir/slice0.png", "__MACOSX/normal", "#recycle", "$RECYCLE.BIN"])
def test_what_servers_and_systems_leave_is_counted_and_left_out(tmp_path: Path, junk: str) -> None:
    fill(tmp_path, "normal", "hemorrhage")
    draw(tmp_path / junk / "SYNOPHOTO_THUMB_S.jpg")
    found = scan(tmp_path)
    assert found.counts() == (3, 3)
    assert "1 thumbnails and recycle bins" in said(found)


def test_every_file_left_out_is_counted_by_suffix(tmp_path: Path) -> None:
    fill(tmp_path, "normal", "hemorrhage")
    for name in ("a.xyz", "b.XYZ", "notes", ".hidden", "normal/Thumbs.db"):
        (tmp_path / name).write_bytes(b"text")
    found = scan(tmp_path)
    assert found.left_out == {
        ".xyz": 2,
        "hidden": 1,
        "thumbnails and recycle bins of file servers and systems": 1,
        "without suffix": 1,
    }
    assert "5 files that are no slices" in said(found)
    assert list(left_out_lines({".json": 1})) == ["left out        1 file that is no slice: 1 .json"]


def test_nothing_but_left_out_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"text")
    with pytest.raises(HemotkError, match=r"holds no images .*but 1 \.xyz file"):
        scan(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"), [("set.zip", "is an archive.*unpack it"), ("set.png", "is a file, not a folder")]
)
def test_a_file_is_no_folder(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(HemotkError, match=says):
        scan(tmp_path / name)


@pytest.mark.parametrize("where", ["inner", "parent"])
def test_a_table_in_the_only_folder_or_beside_the_folder_is_found(tmp_path: Path, where: str) -> None:
    folder = tmp_path / "head_ct"
    for index in range(6):
        draw(folder / "head_ct" / f"{index:03}.png", index)
    place = folder / "head_ct" if where == "inner" else tmp_path
    (place / "labels.csv").write_text("id, hemorrhage\n" + "".join(f"{k},{k % 2}\n" for k in range(6)))
    assert scan(folder).counts() == (3, 3)


def test_drawn_cases_are_understood(cases: Path) -> None:
    for name in ("capital", "eadir", "onedeep", "presplit"):
        found = scan(cases / "folder_layouts" / name)
        assert found.counts() == (12, 12), name
        assert found.given == (name == "presplit")


def test_a_table_that_contradicts_the_folders_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "normal", "hemorrhage")
    rows = [(f"{word}/slice{k}.png", int(word == "normal")) for word in ("normal", "hemorrhage") for k in range(3)]
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(f"{path},{label}\n" for path, label in rows))
    with pytest.raises(HemotkError, match=r"contradicts the folders .* in 6 of 6 pictures; every one .*swapped"):
        scan(tmp_path)
    rows[0] = (rows[0][0], 0)
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(f"{path},{label}\n" for path, label in rows))
    with pytest.raises(HemotkError, match=r"in 5 of 6 pictures \("):
        scan(tmp_path)


def test_a_table_of_patients_alone_leaves_the_labels_to_the_folders(tmp_path: Path) -> None:
    fill(tmp_path, "normal", "hemorrhage")
    rows = [f"{word}/slice{k}.png,{word}{k // 2}" for word in ("normal", "hemorrhage") for k in range(3)]
    (tmp_path / "labels.csv").write_text("path,patient\n" + "\n".join(rows))
    found = scan(tmp_path)
    assert found.counts() == (3, 3) and len({image.patient for image in found.images}) == 4
    assert "label by folder" in said(found)


def test_rsna_as_other_pictures_is_read_like_a_table(tmp_path: Path) -> None:
    kinds = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
    rows = ["ID,Label"]
    for index in range(6):
        name = f"ID_{index:06x}"
        draw(tmp_path / "png" / f"{name}.png", index)
        rows += [f"{name}_{kind},{int(index < 3 and kind in ('subdural', 'any'))}" for kind in kinds]
    for table in ("stage_2_train.csv", "labels.csv"):
        shutil.rmtree(tmp_path / "x", ignore_errors=True)
        (tmp_path / table).write_text("\n".join(rows) + "\n")
        found = scan(tmp_path)
        assert [image.label for image in found.images] == [1, 1, 1, 0, 0, 0] and not found.unread
        (tmp_path / table).unlink()


@pytest.mark.parametrize(
    "names", [("train", "test"), ("Train_Images", "test-data"), ("training set", "TEST"), ("dataset_train", "val")]
)
@pytest.mark.parametrize("inside", ["{part}/{word}", "{word}/{part}"])
def test_folders_of_parts_are_given_parts(tmp_path: Path, names: tuple[str, str], inside: str) -> None:
    folders = [inside.format(part=part, word=word) for part in names for word in ("normal", "hemorrhage")]
    found = scan(fill(tmp_path, *folders))
    assert found.given and {image.part for image in found.images if names[0] in image.path} == {"train"}
    assert "parts      by folders" in said(found)


def test_a_folder_beside_folders_of_parts_is_refused(tmp_path: Path) -> None:
    parts = [f"{part}/{word}" for part in ("train", "test", "external") for word in ("normal", "hemorrhage")]
    fill(tmp_path, *parts)
    says = r"external: lies beside the folders .*test/.*, and is no part \(6 pictures\); move it into one of them"
    with pytest.raises(HemotkError, match=says):
        scan(tmp_path)


def test_pictures_beside_folders_of_parts_are_refused(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "normal",
        "hemorrhage",
        *(f"{word}/{part}" for word in ("normal", "hemorrhage") for part in ("train", "val")),
    )
    with pytest.raises(
        HemotkError, match=r"slice0\.png: lies beside the folders train/, val/, and is no part \(6 pictures"
    ):
        scan(tmp_path)


@pytest.mark.parametrize(
    "names", [("fold0", "fold1", "fold2"), ("Split 1", "Split 2", "Split 3", "Split 4"), ("test", "ward", "clinic")]
)
def test_folders_that_may_name_parts_are_named_and_are_no_patients(tmp_path: Path, names: tuple[str, ...]) -> None:
    found = scan(fill(tmp_path, *(f"{name}/{word}" for name in names for word in ("normal", "hemorrhage"))))
    assert not found.given and {image.patient for image in found.images} == {None}
    assert "which may name parts: images are dealt anew" in said(found)


def test_several_tables_are_named_and_not_used(tmp_path: Path) -> None:
    fill(tmp_path, "normal", "hemorrhage")
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("image,label\nslice0.png,0\n")
    assert "not used   test.csv, train.csv: several tables; make one labels.csv of them" in said(scan(tmp_path))
    shutil.move(tmp_path / "normal", tmp_path / "a")
    shutil.move(tmp_path / "hemorrhage", tmp_path / "b")
    with pytest.raises(HemotkError, match=r"neither .*, or make one labels\.csv of test\.csv, train\.csv\."):
        scan(tmp_path)


def test_the_only_table_says_itself_what_it_lacks(tmp_path: Path) -> None:
    fill(tmp_path, "images")
    (tmp_path / "data.csv").write_text("image,finding\nslice0.png,bleed\n")
    with pytest.raises(HemotkError, match=r"data\.csv: has no column 'hemorrhage' or 'label'; add one to its header"):
        scan(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "val_images", "test_images"),
        ("1_train", "2_val", "3_test"),
        ("Train Set", "Valid Set", "Test Set"),
        ("training-data", "validation-data", "test-data"),
        ("Training", "Validierung", "Testdaten"),
    ],
)
def test_folders_of_parts_with_a_word_around_are_parts(tmp_path: Path, names: tuple[str, str, str]) -> None:
    fill(tmp_path, *(f"{name}/{kind}" for name in names for kind in ("normal", "hemorrhage")))
    found = scan(tmp_path)
    parts = dict(zip(names, ("train", "validation", "test"), strict=True))
    assert [image.part for image in found.images] == [parts[image.path.split("/")[0]] for image in found.images]
    assert "may be: --patient folder" not in said(found)


HALVES = {"normal": [("train", 1), ("train", 2), ("test", 1), ("test", 2)]}
HALVES["hemorrhage"] = [(name, index + 2) for name, index in HALVES["normal"]]


def test_patients_called_test_are_no_parts(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{kind}/{name}_{index:02}" for kind in ("normal", "hemorrhage") for name, index in HALVES[kind]))
    found = scan(tmp_path)
    assert {image.part for image in found.images} == {None} and len({image.patient for image in found.images}) == 8


def test_numbers_in_brackets_as_windows_gives_them_may_follow_a_patient(tmp_path: Path) -> None:
    for index in range(8):
        for copy in (1, 2):
            draw(tmp_path / ("normal", "hemorrhage")[index % 2] / f"P{index} ({copy}).png", 20 * index + copy)
    assert "--patient file-name" in said(scan(tmp_path))
