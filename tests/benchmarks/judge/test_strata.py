"""Figures by columns of a table of labels, and the slice level beside every AUC."""

import csv
import io
import json

import numpy as np
import pytest
from converted_bundles import draw_images
from drawn_reports import images as drawn_images
from drawn_reports import report
from drawn_reports import row as drawn_row
from PIL import Image
from rich.console import Console

from hemotk.artifacts import BenchReport, Estimate, ImageRef, SliceLevel
from hemotk.benchmarks.judge.accuracy import RowJudge
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.report import html, markdown
from hemotk.benchmarks.report.terminal import show
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.stats.grouped import auc_by_group
from hemotk.stats.metrics import wilson
from hemotk.stats.strata import MOST_VALUES, divide, left_out
from hemotk.tflite.scorer import Scores


def refs(labels, groups=None):
    return [ImageRef(str(i), label, None if groups is None else groups[i]) for i, label in enumerate(labels)]


def cells(column, values):
    return {str(i): {column: value} for i, value in enumerate(values)}


@pytest.mark.parametrize("yes", ["1", "1.0", "True", "yes"])
def test_a_mark_on_hemorrhages_alone_is_a_subtype_held_against_all_without(yes):
    (part,) = divide(refs([1, 1, 0, 0, 1]), cells("subdural", [yes, "0", "", "0", ""]))
    assert (part.column, part.value, part.subtype) == ("subdural", "1", True)
    assert part.chosen.tolist() == [True, False, True, True, False]


def test_a_mark_on_images_without_hemorrhage_too_divides_by_its_values():
    parts = divide(refs([1, 1, 0, 0]), cells("fracture", ["1", "0", "1", ""]))
    assert [(part.value, part.subtype, part.chosen.tolist()) for part in parts] == [
        ("1", False, [True, False, True, False]),
        ("0", False, [False, True, False, False]),
        ("(blank)", False, [False, False, False, True]),
    ]


def test_a_mark_that_no_image_has_is_no_subtype():
    (part,) = divide(refs([1, 0]), cells("epidural", ["0", "0"]))
    assert not part.subtype and part.chosen.all()


def test_of_many_values_the_commonest_are_kept_and_the_rest_is_said():
    values = [str(place // 2) for place in range(2 * MOST_VALUES)] + ["x", "y"]
    images = refs([place % 2 for place in range(len(values))])
    assert [part.value for part in divide(images, cells("site", values))] == [str(n) for n in range(MOST_VALUES)]
    assert left_out(images, cells("site", values)) == (
        f"column 'site' has {MOST_VALUES + 2} values: figures are of the {MOST_VALUES} commonest, and 2 images are of "
        "others",
    )
    assert left_out(images, cells("site", values[:2] * MOST_VALUES + values[:2])) == ()


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 1, 2, 2, 3, 3]])
def test_the_figures_of_a_part_are_those_of_its_images_alone(groups):
    labels, logits = np.array([1, 1, 0, 0, 1, 0, 0, 1]), np.array([2.0, -1.0, -2.0, 1.0, 3.0, -1.5, 0.5, -0.5])
    images = refs(labels.tolist(), groups)
    (part,) = divide(images, cells("kind", ["1", "1", "", "", "0", "", "", "0"]))
    judge = RowJudge(images, 0.5, 1.0)
    row = judge.judged([Scores(float(logit), 0.5) for logit in logits])
    (found,) = judge.strata(row, [part])
    chosen = np.array([0, 1, 2, 3, 5, 6])
    assert (found.images, found.positives, found.groups) == (6, 2, None if groups is None else 4)
    assert found.with_positive == (None if groups is None else 1)
    assert found.sensitivity.value == 0.5 and found.specificity.value == 0.5
    places = None if groups is None else np.array(groups)[chosen]
    assert found.auc == auc_by_group(labels[chosen], logits[chosen], places)
    if groups is None:
        assert found.sensitivity == wilson(1, 2)
    unlabelled = RowJudge(refs([None] * 8), 0.5, 1.0)
    assert unlabelled.strata(row, [part]) == () and unlabelled.slice_level(row, [0.1] * 8) is None
    broken = judge.judged([Scores(float("nan"), 0.5)] * 8)
    assert judge.strata(broken, [part]) == () and judge.slice_level(broken, [0.1] * 8) is None


# --- the command


COLUMNS = ("id", "hemorrhage", "patient", "subdural", "scanner")


@pytest.fixture
def labelled(tmp_path, monkeypatch):
    """The test images in a folder with a table; the cells of its rows come with the images."""
    folder, rows = tmp_path / "pictures", []
    folder.mkdir()
    for place, pixels in enumerate(draw_images()):
        Image.fromarray(pixels).save(folder / f"{place:02}.png")
        rows.append((f"{place:02}", place % 2, f"p{place // 3}", int(place in (1, 3)), "AB"[place % 3 == 0]))
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return folder


def bench(*arguments):
    return run(["bench", *map(str, arguments), "--no-timing"])


def test_figures_by_columns_of_a_folder_stand_in_every_output(pristine, labelled, tmp_path, capsys):
    outputs = {name: tmp_path / f"r.{name}" for name in ("json", "html", "markdown")}
    given = [word for name, path in outputs.items() for word in (f"--{name}", path)]
    assert bench(pristine, "--images", labelled, "--by", "Subdural", "--by", "scanner", *given) == 0
    found = BenchReport.read(outputs["json"])
    parts = [(part.column, part.value, part.subtype, part.images, part.positives) for part in found.variants[1].strata]
    assert parts == [("subdural", "1", True, 8, 2), ("scanner", "A", False, 8, 4), ("scanner", "B", False, 4, 2)]
    assert found.variants[0].strata[0].sensitivity.value == 1.0 and found.variants[0].strata[0].groups == 4
    assert "--by Subdural --by scanner" in found.command
    said = capsys.readouterr().out
    assert (
        "int8 by subdural: 2 with hemorrhage against all 6 without; of 4 groups 2 with such: sensitivity 1.000 ["
        in said
    )
    assert "int8 by scanner = B: 4, 2 with hemorrhage; of 4 groups 2 with such: sensitivity 1.000 [" in said
    assert "By columns of the labels" in outputs["html"].read_text(encoding="utf-8")
    assert "| int8 | scanner = A | 8 (4 with hemorrhage; of 4 groups 4 with such) | 1.000" in outputs[
        "markdown"
    ].read_text(encoding="utf-8")


def test_figures_by_columns_of_a_split_are_of_its_test_part(pristine, labelled, tmp_path):
    split = make_split(scan(labelled), SplitConfig(grouping="none", test=0.5))
    split.write(tmp_path / "split.json")
    assert bench(pristine, "--images", tmp_path / "split.json", "--by", "scanner", "--json", tmp_path / "r.json") == 0
    found = BenchReport.read(tmp_path / "r.json")
    counts = {part.value: part.images for part in found.variants[0].strata}
    numbers = [int(item.path[:2]) for item in split.part("test")]
    assert counts == {name: count for name in "AB" if (count := sum("AB"[n % 3 == 0] == name for n in numbers))}


@pytest.mark.parametrize(
    "case",
    [
        ("site", "has no column 'site': it has hemorrhage, id, scanner, subdural; choose one"),
        ("patient", "column 'patient' names patients, whom no report does"),
    ],
)
def test_columns_that_cannot_be_used_are_refused_before_anything_is_scored(
    pristine, labelled, monkeypatch, capsys, case
):
    column, words = case
    monkeypatch.setattr("hemotk.benchmarks.measure.scoring._score", lambda *_: pytest.fail("something was scored"))
    assert bench(pristine, "--images", labelled, "--by", column) == 2
    assert words in capsys.readouterr().err


def test_a_column_that_tells_the_patients_apart_is_refused_whatever_it_is_called(
    pristine, labelled, monkeypatch, capsys
):
    monkeypatch.setattr("hemotk.data.scan.cells.FEWEST_PATIENTS", 3)
    table = labelled / "labels.csv"
    lines = table.read_text().splitlines()
    table.write_text(
        "\n".join(f"{line},{'who' if not place else line.split(',')[2]}" for place, line in enumerate(lines))
    )
    assert bench(pristine, "--images", labelled, "--by", "who") == 2
    assert "column 'who' tells exactly the patients apart" in capsys.readouterr().err


def test_without_a_folder_or_without_labels_there_are_no_columns(pristine, labelled, capsys):
    assert bench(pristine, "--by", "scanner") == 2
    assert "--by needs --images with a folder or a split file" in capsys.readouterr().err
    (labelled / "labels.csv").unlink()
    assert bench(pristine, "--images", labelled, "--by", "scanner") == 2
    assert "has no labels to give figures by scanner of" in capsys.readouterr().err
    with pytest.raises(HemotkError, match="by scanner: names columns"):
        Subject((pristine,), by=("scanner",))


# --- the slice level


def test_the_share_of_soft_tissue_is_taken_of_the_very_pictures(pristine, labelled, tmp_path):
    assert bench(pristine, "--json", tmp_path / "a.json") == 0
    assert bench(pristine, "--images", labelled, "--json", tmp_path / "b.json") == 0
    split, folder = (BenchReport.read(tmp_path / name).variants[1].slice_level for name in ("a.json", "b.json"))
    assert split.baseline.value == folder.baseline.value == 0.0  # noise of 0 to 119, less of it beside a bright square
    assert (split.groups, folder.groups) == (None, 4) and split.brain_images == folder.brain_images == 12
    assert split.brain.value == 1.0


def test_unlabelled_pictures_have_no_slice_level(pristine, labelled, tmp_path):
    (labelled / "labels.csv").unlink()
    assert bench(pristine, "--images", labelled, "--json", tmp_path / "r.json") == 0
    assert all(variant.slice_level is None for variant in BenchReport.read(tmp_path / "r.json").variants)


def level(low):
    return SliceLevel(Estimate(0.73, low, 0.8), Estimate(0.61, 0.5, 0.7), 18, 7, None, low > 0.5)


def texts(subject):
    stream = io.StringIO()
    show(subject, Console(file=stream, width=300))
    return stream.getvalue(), html.render(subject), markdown.render(subject)


@pytest.mark.parametrize(("low", "there"), [(0.51, True), (0.5, False)])
def test_a_slice_level_that_exceeds_chance_stands_beside_every_auc(low, there):
    images = drawn_images()
    rows = [drawn_row(kind, images, slice_level=level(low)) for kind in ("float32", "int8")]
    for text in texts(report(*rows, refs=images)):
        assert text.count("0.730") == 2 * there and text.count("0.610") == 2 * there
    terminal = texts(report(*rows, refs=images))[0]
    assert ("int8: AUC 0." in terminal) == there
    assert ("within the 18 brain slices the AUC is 0.610 [0.500, 0.700]." in terminal) == there


def test_info_shows_them_with_the_red_lines_and_reads_what_had_none(tmp_path, capsys):
    images = drawn_images()
    rows = [drawn_row(kind, images, slice_level=level(0.51)) for kind in ("float32", "int8")]
    subject = report(*rows, refs=images, cautions=("int8: this classifier cannot be told from chance",))
    subject.write(tmp_path / "bench.json")
    assert run(["info", str(tmp_path / "bench.json")]) == 0
    said = capsys.readouterr().out
    assert "int8: this classifier cannot be told from chance" in said and "soft tissue alone" in said
    assert "0.730 [0.510, 0.800]" in said
    body = json.loads((tmp_path / "bench.json").read_text())
    del body["cautions"]
    for variant in body["variants"]:
        del variant["slice_level"], variant["strata"]
    (tmp_path / "before.json").write_text(json.dumps(body))
    assert run(["info", str(tmp_path / "before.json")]) == 0
    assert "soft tissue" not in capsys.readouterr().out
