"""The RSNA 2019 layout: what its table may say, what a split of it is, and that no file is opened for it."""

import csv
import itertools
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from dicom_files import ramp, write_slice
from hypothesis import given, settings
from hypothesis import strategies as st
from rsna_files import write_rsna

from hemotk.artifacts import SplitManifest
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan
from hemotk.data.scan.rsna import ROWS, read_labels
from hemotk.data.scan.rsna_patients import read_patients, table_of
from hemotk.data.split.folds import make_folds, read_folds, refold, write_folds
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError

ALONE = SplitConfig(grouping="none")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rsna(tmp_path / "rsna", 240, 40, repeated=2)
    return tmp_path / "rsna"


def plain_labels(table: Path) -> dict[str, int]:
    """The labels read another way."""
    with table.open(newline="") as stream:
        rows = [(row["ID"].rpartition("_"), row["Label"]) for row in csv.DictReader(stream)]
    return {name: int(label) for (name, _, kind), label in rows if kind == "any"}


def edit(folder: Path, change: Callable[[str], str]) -> None:
    table = folder / "stage_2_train.csv"
    table.write_text(change(table.read_text()))


def test_labels_and_names_are_those_of_the_table(folder: Path) -> None:
    found = scan(folder)
    labels = plain_labels(folder / "stage_2_train.csv")
    assert {image.path: image.label for image in found.images} == {
        f"stage_2_train/{name}.dcm": label for name, label in labels.items()
    }
    assert [image.path for image in found.images] == sorted(image.path for image in found.images)
    assert (found.repeated, found.missing, found.unlabelled, found.unread) == (12, 0, 0, True)
    assert {image.patient for image in found.images} == {None}


def test_nothing_is_opened_but_the_table(folder: Path) -> None:
    for path in (folder / "stage_2_train").iterdir():
        path.unlink()
        path.write_bytes(b"")
    split = make_split(scan(folder), ALONE)
    assert len(split.items) == 240 and {item.sha256 for item in split.items} == {None}
    assert split.grouping == "none" and split.groups == ()


@given(st.randoms(use_true_random=False), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
@settings(max_examples=20)
def test_order_and_line_ends_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, random: Random, end: str, mark: bool, last: bool
) -> None:
    labels = {f"ID_{k:09x}": [random.random() < 0.3 for _ in range(5)] for k in range(7)}
    rows = [
        f"{name}_{row},{int(label)}"
        for name, five in labels.items()
        for row, label in zip(ROWS, [*five, any(five)], strict=True)
    ]
    random.shuffle(rows)
    table = tmp_path_factory.mktemp("table") / "stage_2_train.csv"
    text = "\ufeff" * mark + end.join(["ID,Label", *rows]) + end * last
    table.write_bytes(text.encode())
    assert read_labels(table) == ({name: int(any(five)) for name, five in labels.items()}, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: "", "does not begin with the line 'ID,Label'"),
        (lambda t: "ID,Label\n", "holds no rows"),
        (lambda t: t.partition("\n")[2], "does not begin with the line 'ID,Label'"),
        (lambda t: t[:-3], r"line 1453: is no row such as ID_000012eaf_any,0 .* it was cut short or edited"),
        (lambda t: t + "ID_1_any,2\n", "line 1454: is no row"),
        (lambda t: t + "ID_1_any,0.0\n", "line 1454: is no row"),
        (lambda t: t + "ID_1_other,1\n", "line 1454: is no row"),
        (lambda t: t + "_any,1\n", "line 1454: is no row"),
        (lambda t: t + "ID_ä_any,1\n", "line 1454: is no row"),
        (lambda t: t + "ID_1_subdural,1\n", "image ID_1 has no row 'any'; copy"),
        (lambda t: t + "ID_1_subdural,1\nID_2_subdural,1\n", "image ID_1 has no row 'any', as 1 more have; copy"),
        (lambda t: t + "ID_1_any,1\nID_1_any,0\n", "image ID_1 has the label 0 and the label 1 in row 'any'"),
        (lambda t: t + "ID_1_any,0\nID_1_subdural,1\n", "image ID_1 has the label 0 in row 'any' and 1 in another"),
        (
            lambda t: t + "".join(f"ID_1_{row},{int(row == 'any')}\n" for row in ROWS),
            "image ID_1 has the label 1 in row 'any' and 0 in every other",
        ),
        (lambda t: "ID,Label\nID_1_any,1\n", "holds no image that stage_2_train.csv names, such as ID_1.dcm"),
        (lambda t: re.sub(",1", ",0", t), "has 0 images of class 'hemorrhage'"),
    ],
)
def test_a_bad_table_is_one_sentence(folder: Path, change: Callable[[str], str], says: str) -> None:
    edit(folder, change)
    with pytest.raises(HemotkError, match=says):
        scan(folder)


def test_a_missing_folder_of_images(folder: Path) -> None:
    shutil.rmtree(folder / "stage_2_train")
    with pytest.raises(HemotkError, match=r"stage_2_train: cannot be read; unpack"):
        scan(folder)


def test_rows_any_alone_are_enough(folder: Path) -> None:
    full = scan(folder)
    edit(folder, lambda t: "".join(line for line in t.splitlines(True) if "any" in line or "ID," in line))
    assert scan(folder).images == full.images


def test_files_and_rows_that_lack_each_other_are_counted(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = sorted((folder / "stage_2_train").iterdir())[:3]
    for path in gone:
        path.unlink()
    (folder / "stage_2_train" / "ID_extra.dcm").write_bytes(b"")
    (folder / "stage_2_train" / "notes.txt").write_bytes(b"")
    found = scan(folder)
    assert (found.missing, found.unlabelled, len(found.images)) == (3, 1, 237)
    monkeypatch.chdir(folder.parent)
    assert run(["data", "split", "rsna", "--groups", "none"]) == 0
    said = capsys.readouterr().out
    assert "left out        1 images that stage_2_train.csv does not name" in said
    assert "left out        3 images that stage_2_train.csv names and that are not there" in said
    assert "stage_2_train.csv says 12 rows twice, with the same labels" in said
    assert "slices of one patient that look different may lie in different parts" in said
    assert "copies may lie in different parts, and have no checksums" in said


def truth(folder: Path) -> dict[str, int]:
    """Whose slice each file is: those of a patient are links to one file."""
    return {f"stage_2_train/{path.name}": path.stat().st_ino for path in (folder / "stage_2_train").iterdir()}


def test_patients_come_from_the_headers_and_stay_together(folder: Path) -> None:
    split = make_split(scan(folder), SplitConfig(seed=3))
    whose = truth(folder)
    groups = {item.path: item.group for item in split.items}
    assert len(set(groups.values())) == 40
    for one, two in itertools.combinations(groups, 2):
        assert (groups[one] == groups[two]) == (whose[one] == whose[two])
    assert split.grouping == "patient"
    assert {group.reasons for group in split.groups} == {("patient",)}
    again = make_split(scan(folder), SplitConfig(seed=3, grouping="patient"))
    assert replace(again, created=split.created) == split


def test_a_table_of_patients_gives_the_same_split_as_the_headers(folder: Path, tmp_path: Path) -> None:
    found = scan(folder)
    from_headers = make_split(found, SplitConfig())
    (tmp_path / "p.csv").write_bytes(table_of(found, read_patients(found)))
    for path in (folder / "stage_2_train").iterdir():
        path.unlink()
        path.write_bytes(b"")
    given = make_split(scan(folder, patients=tmp_path / "p.csv"), SplitConfig())
    assert given.items == from_headers.items and given.groups == from_headers.groups
    shutil.copy(tmp_path / "p.csv", folder / "patients.csv")
    assert make_split(scan(folder), SplitConfig()).items == from_headers.items


def test_no_artefact_holds_what_a_header_or_a_table_calls_a_patient(folder: Path, tmp_path: Path) -> None:
    found = scan(folder)
    make_split(found, SplitConfig()).write(tmp_path / "split.json")
    written = (tmp_path / "split.json").read_bytes() + table_of(found, read_patients(found))
    assert b"ID_00000001" not in written  # PatientID of the second patient
    rows = [f"{Path(image.path).stem},SMITH{k % 40}" for k, image in enumerate(found.images)]
    (folder / "patients.csv").write_text("\n".join(["ID,Patient", *rows]))
    split = make_split(scan(folder), SplitConfig())
    assert {item.group for item in split.items} == {f"p{k:05d}" for k in range(40)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not begin with the line 'id,patient'"),
        ("id,who\nA,1\n", "does not begin with the line 'id,patient'"),
        ("id,patient\nA,1\n", r"names no patient for ID_\w+ and 239 other images"),
        ("id,patient\nA,\n", "line 2: is no row of an id and a patient"),
        ("id,patient\nA,1,2\n", "line 2: is no row"),
        ("id,patient\n{0},1\n{0}.dcm,2\n", r"line 3: gives ID_\w+ another patient than before"),
        ("id,patient\n\xff", "cannot be read as UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_table_of_patients(folder: Path, tmp_path: Path, text: str | None, says: str) -> None:
    table = tmp_path / "p.csv"
    if text is not None:
        table.write_bytes(text.format(Path(scan(folder).images[0].path).stem).encode("latin-1"))
    with pytest.raises(HemotkError, match=says):
        scan(folder, patients=table)


def rewrite(folder: Path, place: int, content: bytes | None = None, **elements: object) -> str:
    """Another file in the place of one of the images; its name."""
    path = sorted((folder / "stage_2_train").iterdir())[place]
    path.unlink()
    if content is None:
        write_slice(path, ramp(16, 16), **elements)
    else:
        path.write_bytes(content)
    return path.name


def test_headers_that_do_not_do_are_all_counted(folder: Path) -> None:
    whole = write_slice(folder / "one.dcm", ramp(64, 64)).read_bytes()
    cut = rewrite(folder, 5, whole[:-6000])
    rewrite(folder, 9, b"no DICOM at all")
    with pytest.raises(HemotkError, match=rf"{cut}: is cut short .* remove it \(1 more files cannot be used\)\."):
        make_split(scan(folder), SplitConfig())


def test_without_a_patient_the_study_counts_and_without_both_nothing(folder: Path) -> None:
    rewrite(folder, 5, PatientID="", StudyInstanceUID="1.2.4")
    rewrite(folder, 6, PatientID="", StudyInstanceUID="1.2.4")
    groups = [item.group for item in make_split(scan(folder), SplitConfig()).items]
    assert groups[5] == groups[6] and Counter(groups)[groups[5]] == 2
    rewrite(folder, 7, PatientID="known", StudyInstanceUID="1.2.4")
    groups = [item.group for item in make_split(scan(folder), SplitConfig()).items]
    assert groups[5] == groups[6] == groups[7] and Counter(groups)[groups[5]] == 3
    bare = rewrite(folder, 5, PatientID="", StudyInstanceUID="")
    with pytest.raises(HemotkError, match=rf"{bare}: names neither patient nor study.*patients"):
        make_split(scan(folder), SplitConfig())


def test_folds_test_every_image_once_and_are_read_again(folder: Path, tmp_path: Path) -> None:
    made = make_folds(scan(folder), SplitConfig(), 4)
    write_folds(tmp_path / "folds", made)
    assert read_folds(tmp_path / "folds") == made
    assert sorted(item.path for split in made for item in split.part("test")) == [i.path for i in made[0].items]
    again = refold(make_split(scan(folder), SplitConfig()), 4)
    assert [split.items for split in again] == [split.items for split in made]


def test_commands(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert run(["data", "patients", "rsna"]) == 0
    assert "wrote 40 patients of 240 images to patients.csv" in capsys.readouterr().out
    assert run(["data", "split", "rsna", "--patients", "patients.csv", "--out", "by-table.json"]) == 0
    said = capsys.readouterr().out
    assert "kept together: 40 groups of one patient, 240 images" in said and "not known" not in said
    assert run(["data", "split", "rsna", "--out", "by-header.json"]) == 0
    by_table, by_header = (SplitManifest.read(Path(f"by-{name}.json")) for name in ("table", "header"))
    assert by_table.items == by_header.items
    assert run(["data", "split", "rsna", "--folds", "3", "--patients", "patients.csv"]) == 0
    assert len(read_folds(Path("folds"))) == 3
    capsys.readouterr()
    assert run(["data", "audit", "rsna"]) == 2
    assert "too many pictures to compare each with every other" in capsys.readouterr().err
    assert run(["data", "patients", "rsna"]) == 2
    assert "patients.csv: already exists" in capsys.readouterr().err
    assert run(["data", "patients", "folds", "--out", "p.csv"]) == 2
    assert "folds: has no stage_2_train.csv" in capsys.readouterr().err
    write_slice(Path("other/normal/a.dcm"))
    assert run(["data", "split", "other", "--patients", "patients.csv", "--out", "s.json"]) == 2
    assert "--patients patients.csv: is for a folder with stage_2_train.csv" in capsys.readouterr().err
