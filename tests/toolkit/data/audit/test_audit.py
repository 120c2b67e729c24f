"""The audit of a folder: what is counted, what is twice, what cannot be read, and what the split makes of it."""

import csv
import io
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import AuditReport, Part
from hemotk.data.audit.report import audit
from hemotk.data.audit.scan import AuditFolder, AuditImage, for_audit, scan_for_audit
from hemotk.data.audit.sheet import CELL, contact_sheet
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.scan.folder import DEFAULT_CLASSES, scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import FieldError, HemotkError

PERMUTATIONS = 99


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten heads, five of each class; an equal copy, a mirrored JPEG, a neighbouring slice and a broken file."""
    folder = tmp_path_factory.mktemp("drawn") / "data"
    for label, name in enumerate(("normal", "hemorrhage")):
        (folder / name).mkdir(parents=True)
        for index in range(5):
            gray = draw_slice(77, 10 * label + index, bool(label), sizes=(120, 160))
            Image.fromarray(gray).save(folder / name / f"{index}.png")
    shutil.copy(folder / "normal" / "0.png", folder / "normal" / "copy.png")
    Image.open(folder / "hemorrhage" / "1.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
        folder / "hemorrhage" / "mirrored.jpg", quality=60
    )
    Image.fromarray(draw_slice(77, 2, False, slice_offset=1, sizes=(120, 160))).save(folder / "normal" / "next.png")
    (folder / "normal" / "broken.png").write_bytes((folder / "normal" / "3.png").read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def report(drawn: Path) -> AuditReport:
    return audit(scan(drawn), permutations=PERMUTATIONS)


def test_counts_kinds_and_sizes(report: AuditReport, drawn: Path) -> None:
    assert report.counts == (7, 6) and report.patients is None and report.unlabelled == 0
    assert report.kinds == {"PNG L": 12, "JPEG L": 1}
    readable = [path for path in drawn.rglob("*.*") if path.name != "broken.png"]
    assert report.bytes == sum(path.stat().st_size for path in readable)
    sizes = sorted((Image.open(path).size for path in readable), key=lambda size: (size[0] * size[1], size))
    assert report.sizes == (sizes[0], sizes[6], sizes[-1])
    assert [one.path for one in report.unreadable] == ["normal/broken.png"]
    assert report.unreadable[0].why.startswith("is corrupt or cut short")


def test_duplicates_of_every_kind(report: AuditReport) -> None:
    found = {(pair.first, pair.second): pair for pair in report.pairs}
    assert set(found) == {
        ("normal/0.png", "normal/copy.png"),
        ("hemorrhage/1.png", "hemorrhage/mirrored.jpg"),
        ("normal/2.png", "normal/next.png"),
    }
    copy, mirrored = found["normal/0.png", "normal/copy.png"], found["hemorrhage/1.png", "hemorrhage/mirrored.jpg"]
    assert copy.kind == "exact" and copy.similarity == 1 and copy.same_label and copy.same_patient is None
    assert mirrored.kind == "near" and mirrored.mirrored and mirrored.similarity > 0.9
    assert {frozenset(group) for group in report.groups} == {frozenset(pair) for pair in found}
    assert report.contradictions() == ()


def test_the_report_comes_back_and_is_the_same_every_time(report: AuditReport, drawn: Path, tmp_path: Path) -> None:
    report.write(tmp_path / "audit.json")
    assert AuditReport.read(tmp_path / "audit.json") == report
    again = audit(scan(drawn), permutations=PERMUTATIONS)
    assert replace(again, created=report.created) == report
    with pytest.raises(FieldError, match="'groups' must be without an image in two"):
        replace(report, groups=(*report.groups, report.groups[0]))


def test_the_split_keeps_together_what_the_audit_found(report: AuditReport, drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(drawn, folder, ignore=shutil.ignore_patterns("broken.png"))
    split = make_split(scan(folder), SplitConfig())
    group = {item.path: item.group for item in split.items}
    for paths in report.groups:
        assert len({group[path] for path in paths}) == 1
    assert len(set(group.values())) == 10
    reasons = sorted(one.reasons for one in split.groups)
    assert reasons == [("exact",), ("near",), ("near",)]
    alone = make_split(scan(folder), SplitConfig(grouping="none"))
    assert [one.reasons for one in alone.groups] == [("exact",)]


def test_equal_pictures_with_two_labels_and_two_patients(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, other in (("normal", "a"), ("hemorrhage", "b")):
        shutil.copytree(drawn / name, folder / other)
    rows = [("path", "label", "patient")]
    for k, path in enumerate(sorted(folder.rglob("*.png"))):
        relative = path.relative_to(folder).as_posix()
        rows.append((relative, "1" if relative in ("a/copy.png", "a/4.png", "a/3.png") else "0", f"P{k}"))
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    report = audit(scan(folder), permutations=PERMUTATIONS)
    (pair,) = report.contradictions()
    assert (pair.first, pair.second, pair.same_patient) == ("a/0.png", "a/copy.png", False)
    assert report.patients == 12 and report.unlabelled == 1


def test_nothing_readable_is_refused(tmp_path: Path) -> None:
    for name in ("normal", "hemorrhage"):
        (tmp_path / name).mkdir()
        for index in range(3):
            (tmp_path / name / f"{index}.png").write_bytes(b"no picture")
    with pytest.raises(HemotkError, match=r"not one image can be read; the first: is no picture"):
        audit(scan(tmp_path))


def test_a_planted_shortcut_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(40):
        name = ("normal", "hemorrhage")[index % 2]
        (tmp_path / name).mkdir(exist_ok=True)
        gray = rng.integers(0, 200, (40, 40)).astype(np.uint8)
        if index % 2:
            gray[1:5, 1:5] = 255  # burnt-in letters
        Image.fromarray(gray).save(tmp_path / name / f"{index}.png")
    report = audit(scan(tmp_path), permutations=399)
    assert [probe.name for probe in report.shortcuts()] == ["corner text"]
    assert not report.pairs


def test_the_report_names_its_folder_and_not_where_it_lies(report: AuditReport, drawn: Path) -> None:
    assert report.folder == drawn.name and drawn.parent.name not in json.dumps(asdict(report))


def test_the_contact_sheet_shows_every_group(report: AuditReport, drawn: Path) -> None:
    sheet = Image.open(io.BytesIO(contact_sheet(report, drawn)))
    assert sheet.width == 4 * CELL and sheet.height > len(report.groups) * CELL
    rows = np.asarray(sheet)
    height = sheet.height // len(report.groups)
    for k in range(len(report.groups)):
        first, second, rest = (rows[k * height + 30 : (k + 1) * height, x * CELL : (x + 1) * CELL] for x in (0, 1, 2))
        assert first.max() > 200 and second.max() > 200 and not rest.any()
    paths = tuple(image.path for image in scan(drawn).images if "broken" not in image.path)
    for count, across in ((6, 6), (14, 12)):
        large = contact_sheet(replace(report, groups=(paths[:count],)), drawn)
        assert Image.open(io.BytesIO(large)).width == across * CELL, "as wide as the largest group, at most twelve"
    none = replace(report, groups=(), pairs=())
    assert Image.open(io.BytesIO(contact_sheet(none, drawn))).height < CELL
    with pytest.raises(HemotkError, match="no such file"):
        contact_sheet(report, drawn / "gone")


def test_pictures_in_which_nothing_can_be_seen_are_named(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(drawn, folder)
    gray = draw_slice(77, 50, False, sizes=(120, 160))
    mask = np.where(gray > 128, 255, 0).astype(np.uint8)
    for name, pixels in (("flat", np.full_like(gray, 90)), ("mask", mask), ("few", gray // 32 * 32)):
        Image.fromarray(pixels).save(folder / "normal" / f"{name}.png")
    report = audit(scan(folder), permutations=9)
    assert report.blank == ("normal/flat.png", "normal/mask.png")
    assert report.few_grays == ("normal/few.png",)


def test_without_labels_all_that_needs_none_is_looked_for(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, other in (("normal", "a"), ("hemorrhage", "b")):
        shutil.copytree(drawn / name, folder / other)
    (folder / "labels.csv").write_text("path,label\na/0.png,\na/1.png,\n")
    found = scan_for_audit(folder, DEFAULT_CLASSES)
    assert found.problems == ("every label in the table is blank.",)
    report = audit(found, permutations=9)
    assert report.counts == (0, 0) and sum(report.kinds.values()) == 13 and report.reading == found.lines
    assert len(report.pairs) == 3 and not report.probes and not report.contradictions()
    assert report.unchecked is not None and report.unchecked[0].startswith("No image has a label")
    assert [one.path for one in report.unreadable] == ["a/broken.png"]
    report.write(tmp_path / "audit.json")
    assert AuditReport.read(tmp_path / "audit.json") == report


def test_a_folder_without_images_is_refused_as_by_a_split(tmp_path: Path) -> None:
    for folder, says in ((tmp_path, "holds no images"), (tmp_path / "gone", "no such folder")):
        with pytest.raises(HemotkError, match=says):
            scan_for_audit(folder, DEFAULT_CLASSES)


def test_copies_and_patients_in_two_parts_are_leaks(drawn: Path) -> None:
    paths = ("normal/0.png", "normal/copy.png", "normal/2.png", "normal/next.png", "hemorrhage/0.png")
    parts: tuple[Part, ...] = ("train", "test", "train", "train", "test")
    images = [
        AuditImage(path, int(path.startswith("h")), patient, part)
        for path, patient, part in zip(paths, ("a", "b", "c", "c", "c"), parts, strict=True)
    ]
    report = audit(AuditFolder(drawn, DEFAULT_CLASSES, tuple(images)), permutations=9)
    assert [(pair.first, pair.second) for pair in report.leaks()] == [("normal/0.png", "normal/copy.png")]
    assert report.shared_patients == 1
    apart = [replace(image, part=None) for image in images]
    report = audit(AuditFolder(drawn, DEFAULT_CLASSES, tuple(apart)), permutations=9)
    assert report.leaks() == () and report.shared_patients is None
    assert report.unchecked is not None and report.unchecked[-1].startswith("The folder gives no parts")


def test_an_audit_from_before_the_slice_level_is_still_read(report: AuditReport, tmp_path: Path) -> None:
    body = json.loads(report.to_json())
    for name in AuditReport.LATER:
        body.pop(name, None)
    for pair in body["pairs"]:
        del pair["parts"]
    body["probes"] = [{k: v for k, v in probe.items() if k != "alike"} for probe in body["probes"][:-1]]
    (tmp_path / "old.json").write_text(json.dumps(body))
    old = AuditReport.read(tmp_path / "old.json")
    assert old.blank is None and old.slice_level() is None and old.counts == report.counts
    old.write(tmp_path / "again.json")
    assert "unchecked" not in json.loads((tmp_path / "again.json").read_text())


def test_what_the_table_of_labels_says_too_much_is_said(drawn: Path) -> None:
    found = replace(scan(drawn), missing=2, repeated=3)
    assert for_audit(found).lines[-2:] == (
        "left out        2 images that the table names and that are not there",
        "the table says 3 rows twice, with the same labels",
    )


def test_a_table_that_contradicts_the_folders_is_a_finding(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(drawn, folder)
    (folder / "labels.csv").write_text("path,label\nnormal/0.png,1\nnormal/1.png,0\nhemorrhage/0.png,1\n")
    found = scan_for_audit(folder, DEFAULT_CLASSES)
    assert found.problems[0].startswith(
        "labels.csv: contradicts the folders normal/ and hemorrhage/ in 1 of 3 pictures"
    )
    report = audit(found, permutations=9)
    assert report.problems == found.problems and report.counts == (7, 6)


@pytest.mark.parametrize(
    ("stray", "why"),
    [
        ("stray.png", "lies in neither normal/ nor"),
        ("normal/hemorrhage/both.png", "lies below folders of both classes"),
    ],
)
def test_a_table_that_contradicts_folders_that_do_not_tell_all_labels_is_a_finding(
    drawn: Path, tmp_path: Path, stray: str, why: str
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(drawn, folder)
    (folder / stray).parent.mkdir(exist_ok=True)
    shutil.copy(drawn / "normal" / "4.png", folder / stray)
    (folder / "labels.csv").write_text("path,label\nnormal/0.png,1\nnormal/1.png,0\nhemorrhage/0.png,1\n")
    found = scan_for_audit(folder, DEFAULT_CLASSES)
    assert len(found.problems) == 2
    assert "contradicts the folders" in found.problems[0] and why in found.problems[1]
    assert {image.label for image in found.images} == {None}
    assert stray in {image.path for image in found.images}


def test_patients_are_told_as_asked_where_the_table_contradicts_the_folders(tmp_path: Path) -> None:
    for label, name in enumerate(("normal", "hemorrhage")):
        (tmp_path / name).mkdir()
        for index in range(6):
            gray = draw_slice(77, 10 * label + index, bool(label), sizes=(120, 160))
            Image.fromarray(gray).save(tmp_path / name / f"{name[0]}{index // 2}_{index % 2}.png")
    (tmp_path / "labels.csv").write_text("path,label,patient\nnormal/n0_0.png,1,a\nhemorrhage/h0_0.png,1,b\n")
    asked = scan_for_audit(tmp_path, DEFAULT_CLASSES, "file-name")
    assert len({image.patient for image in asked.images} - {None}) == 6
    for patient in (None, "patient"):
        found = scan_for_audit(tmp_path, DEFAULT_CLASSES, patient)
        assert {image.patient for image in found.images} == {None}
        assert found.problems[0].endswith("Its labels, patients and parts are not used.")


def test_a_copy_without_a_label_contradicts_nothing(drawn: Path) -> None:
    images = (AuditImage("normal/0.png", 0), AuditImage("normal/copy.png"), AuditImage("hemorrhage/0.png", 1))
    report = audit(AuditFolder(drawn, DEFAULT_CLASSES, images), permutations=9)
    assert len(report.pairs) == 1 and not report.contradictions() and report.counts == (1, 1)
    other = (images[0], replace(images[1], label=1))
    assert len(audit(AuditFolder(drawn, DEFAULT_CLASSES, other), permutations=9).contradictions()) == 1
