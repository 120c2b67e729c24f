import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from mean_models import mean_model
from written_artefacts import METRICS, make_report, make_split, write_bundle, write_cross_validation, write_run

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, BundleCard, Estimate, RunCard, SeriesPoint
from hemotk.artifacts.cv import CV_FILE, CvReport
from hemotk.cli.main import run
from hemotk.files import sha256_file
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.render.columns import columns
from hemotk.stats.grouped import evaluate_groups
from hemotk.stats.metrics import evaluate

SHARES = "0.750 [0.301, 0.954] 1.000 [0.342, 1.000] 0.500 [0.095, 0.905]"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *arguments):
    """What `hemotk info` prints, without the double blanks between columns."""
    assert run(["info", *map(str, arguments)]) == 0
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_run(here, capsys):
    layers = ((LayerShape(9, 3), LayerShape(4, 5)),)
    lines = said(capsys, write_run(here / "runs" / "r", DenseNetShape(6, layers, ()), notes=("by hand", "twice")))
    assert not any(line.startswith("series") for line in lines)
    assert lines[0] == f"run {here}/runs/r"
    for line in (
        "created 2026-01-01 00:00 UTC, trained in 61 s",
        "network densenet-tiny, 1,602 parameters, 0.43 MMAC at 64×64",
        "classes normal (0), hemorrhage (1)",
        "decision threshold 0.5, temperature 1",
        "settings epochs 1, class_weights yes, augment.zoom 0.15",
        f"parents split {make_split().sha256()[:12]}…",
        "note by hand",
        "note twice",
        "block 1 2 layers 6 → 14 channels bottleneck 4 to 9 growth 3 to 5",
        "widths (a mark per layer; █ is a bottleneck of 32, a growth of 8)",
        "block 1 bottleneck ▂▁",
        "growth ▃▅",
        "train test",
        "accuracy 0.750 [0.301, 0.954] 0.750 [0.301, 0.954]",
        "AUC 1.000 [0.386, 1.000] 1.000 [0.386, 1.000]",
    ):
        assert line in lines
    assert {line.split()[0] for line in lines if line.endswith(" good")} == {"shape.json", "weights.npz", "split.json"}


def test_a_value_that_does_not_exist_says_why(here, capsys):
    metrics = evaluate([0, 0], [-2.0, 0.5], 0.5)
    lines = said(capsys, write_run(here / "r", metrics={"test": metrics}))
    assert "sensitivity unknown (no image with label 1)" in lines
    assert "specificity 0.500 [0.095, 0.905]" in lines


def test_a_bundle(here, capsys):
    study = SeriesPoint(4, 0.625)
    lines = said(capsys, write_bundle(here / "bundles" / "b", threshold=0.25, temperature=1.5, study=study))
    for line in (
        "decision threshold 0.25, temperature 1.5",
        "series mean of the 4 highest slices, threshold 0.625",
        "rewrites fold_scales",
        "made int8 no layer left in float32, logit range widened by 0.1",
        "calibration 3 images, 1 of class hemorrhage",
        "parents run abababababab…",
        f"test set 5 images beside it, {here}/bundles/b.testset",
        "use research, not for diagnosis",
        "input pixels uint8 1×16×16×1 scale 0.01735207, zero point 115",
        "output probability float32 1×1",
    ):
        assert line in lines
    assert sum(line.endswith(" good") for line in lines) == 5


def test_a_bundle_whose_card_names_its_calibration_images_says_so(here, capsys):
    old = write_bundle(here / "old")
    note = "note the card names its calibration images and their labels: export again before the bundle is handed on"
    assert note in said(capsys, old)
    (here / "new").mkdir()
    BundleCard.read(old / BUNDLE_CARD).nameless().write(here / "new" / BUNDLE_CARD)
    assert run(["info", "new"]) == 2  # the files are elsewhere
    printed = " ".join(capsys.readouterr().out.split())
    assert "calibration 3 images, 1 of class hemorrhage" in printed and "export again before" not in printed


@pytest.mark.parametrize("state", ["gone", "other"])
def test_the_state_of_the_test_set(here, capsys, state):
    testset = write_bundle(here / "b").with_name("b.testset")
    if state == "gone":
        testset.rename(here / "elsewhere")
        assert "test set not beside it" in said(capsys, "b")
    else:
        (testset / "testset.json").write_text("{}")
        assert run(["info", "b"]) == 2
        output = capsys.readouterr()
        assert "the one beside it belongs to another bundle, or was changed" in output.out
        assert "testset.json (changed)" in output.err


def test_a_split(here, capsys):
    make_split().write(here / "split.json")
    lines = said(capsys, "split.json")
    for line in (
        "split split.json",
        "folder images (not there now)",
        "grouping by patient",
        "shares test 0.2, validation 0.25 of the rest, seed 0",
        "part images normal hemorrhage groups",
        "train 6 3 3 3",
        "validation 2 1 1 1",
        "test 2 1 1 1",
    ):
        assert line in lines
    (here / "images").mkdir()
    assert "folder images" in said(capsys, "split.json")


@pytest.mark.parametrize(
    ("grouping", "words"), [("patient", "by patient"), ("none", "patients not heeded, pictures not")]
)
def test_a_split_without_checksums_does_not_say_that_pictures_were_compared(here, capsys, grouping, words):
    split = make_split()
    items = tuple(dataclasses.replace(item, sha256=None) for item in split.items)
    dataclasses.replace(split, items=items, grouping=grouping).write(here / "split.json")
    assert any(line.startswith(f"grouping {words}") for line in said(capsys, "split.json"))


def test_a_test_set(here, capsys):
    write_bundle(here / "b")
    lines = said(capsys, "b.testset")
    assert lines[0] == "testset b.testset"
    assert "images 5 of 16×16, 3 with label 0, 2 with label 1" in lines
    assert "groups 3" in lines


def test_a_report(here, capsys):
    make_report().write(here / "bench.json")
    lines = said(capsys, "bench.json")
    for line in (
        "bundle b, 2 test images",
        "result passed: int8 is as good",
        "warning the machine was busy",
        "limit int8 loses nothing",
        "float32 9 B – – 5.00 6.00 1.000",
        "int8 9 B 1.000 [0.500, 1.000] 0 5.00 6.00 0.500 [0.400, 0.600] odd",
        "fp16 9 B – – – – – crashed",
        "float32 int8",
    ):
        assert line in lines


def grouped_report():
    """A report on the four images of two patients in the folder `other`; fp16 has no scores."""
    report, (labels, logits) = make_report(), (np.array([0, 0, 1, 1]), np.array([-2.0, 0.5, 1.0, 3.0]))
    grouped = evaluate_groups(labels, logits >= 0, logits, ["a", "a", "a", "b"])
    parent, int8, fp16 = report.variants
    paired = dataclasses.replace(int8.paired, grouped_agreement=Estimate(1.0, 0.25, 1.0))
    rows = (
        dataclasses.replace(parent, grouped=grouped),
        dataclasses.replace(int8, grouped=grouped, paired=paired),
        fp16,
    )
    return dataclasses.replace(report, variants=rows, folder="other", notes=("the images are of groups", "twice"))


def test_a_report_shows_intervals_over_groups_its_notes_and_its_folder(here, capsys):
    report = grouped_report()
    report.write(here / "bench.json")
    lines = said(capsys, "bench.json")
    heading = "metrics over groups of images (fractions, 95 % intervals; the ones to quote)"
    below = lines[lines.index(heading) + 1 :]
    found = report.variants[0].grouped
    share = f"{found.accuracy.value:.3f} [{found.accuracy.low:.3f}, {found.accuracy.high:.3f}]"
    assert found.accuracy != report.variants[0].metrics.accuracy
    assert below[:5] == [
        "float32 int8",
        "groups 2 2",
        "with label 1 2 2",
        "with label 0 1 1",
        f"accuracy {share} {share}",
    ]
    assert [line.split()[0] for line in below[5:]] == ["sensitivity", "specificity", "AUC"]
    for line in (
        "bundle b, 2 images of other",
        "note the images are of groups",
        "note twice",
        "kind size agreement over groups flips p50 ms p90 ms ratio",
        "int8 9 B 1.000 [0.250, 1.000] 0 5.00 6.00 0.500 [0.400, 0.600] odd",
    ):
        assert line in lines


def test_a_report_without_groups_does_not_speak_of_them(here, capsys):
    make_report().write(here / "bench.json")
    assert not any("groups" in line or line.startswith("note") for line in said(capsys, "bench.json"))


def test_a_run_and_a_bundle_say_that_images_of_a_group_are_not_independent(here, capsys):
    write_run(here / "r")
    words = (
        "intervals take the images as independent; the {} are of {} (of one patient, or copies): the true ones are "
        "wider"
    )
    assert [line for line in said(capsys, "r") if "independent" in line] == [words.format("2 test images", "1 group")]
    write_run(here / "trained", metrics={"train": METRICS})
    assert words.format("6 train images", "3 groups") in said(capsys, "trained")
    write_bundle(here / "b")
    assert words.format("5 test images", "3 groups") in said(capsys, "b")
    (here / "b.testset").rename(here / "elsewhere")
    assert not any("independent" in line for line in said(capsys, "b"))


def test_images_that_are_groups_of_their_own_are_independent(here, capsys):
    split = make_split()
    alone = dataclasses.replace(
        split, items=tuple(dataclasses.replace(item, group=item.path) for item in split.items), grouping="none"
    )
    folder = write_run(here / "r")
    card = RunCard.read(folder / RUN_CARD)
    alone.write(folder / "split.json")
    dataclasses.replace(card, files={**card.files, "split.json": sha256_file(folder / "split.json")}).write(
        folder / RUN_CARD
    )
    assert not any("independent" in line for line in said(capsys, "r"))


def test_a_report_of_several_bundles_names_the_threshold_of_each(here, capsys):
    report = make_report()
    other = dataclasses.replace(report.bundles[0], name="other", threshold=0.25, temperature=2.0)
    dataclasses.replace(report, bundles=(*report.bundles, other)).write(here / "bench.json")
    lines = said(capsys, "bench.json")
    assert "bundle b, other, 2 test images" in lines
    assert [line for line in lines if line.startswith("decision")] == [
        "decision b: threshold 0.5, temperature 1",
        "decision other: threshold 0.25, temperature 2",
    ]


def test_a_cross_validation(here, capsys):
    write_cross_validation(here / "cv")
    lines = said(capsys, "cv")
    assert said(capsys, "cv/cv.json") == lines
    for line in (
        "cross-validation cv",
        "created 2026-01-01 00:00 UTC in 61 s",
        "network densenet-tiny, 2 folds",
        "classes normal (0), hemorrhage (1)",
        "grouping by patient",
        "images 8 of 4 groups, each scored by the network that did not know its group",
        "AUC mean of the folds' own 0.900; pooled compares different networks",
        "intervals the pooled ones count 4 groups, the folds' take the images as independent and are too narrow",
        "images label 1 threshold accuracy sensitivity specificity AUC loss",
        f"fold-2 4 2 0.25 {SHARES} 1.000 [0.386, 1.000] {METRICS.loss:.4f}",
        f"pooled 8 4 {SHARES} unknown (unknown) 0.5000",
    ):
        assert line in lines
    assert sum(line.startswith("fold-") and line.endswith(" good") for line in lines) == 2
    (here / "cv" / "fold-1" / "run.json").write_text("{}")
    assert run(["info", "cv"]) == 2
    assert "fold-1/run.json (changed)" in capsys.readouterr().err


def test_a_cross_validation_of_single_images_has_one_kind_of_interval(here, capsys):
    path = write_cross_validation(here / "cv") / CV_FILE
    found = CvReport.read(path)
    dataclasses.replace(found, pooled=dataclasses.replace(found.pooled, groups=found.pooled.count)).write(path)
    assert not any(line.startswith("intervals") for line in said(capsys, "cv"))


def test_a_model(here, capsys):
    lines = said(capsys, write_bundle(here / "b") / "int8.tflite")
    assert "bundle int8 of b" in lines
    assert "input pixels uint8 1×16×16×1 scale 0.01735207, zero point 115" in lines
    assert "signature serving_default" in lines
    assert "operators 3: 1 DEQUANTIZE, 1 MEAN, 1 LOGISTIC" in lines
    (here / "bare.tflite").write_bytes(mean_model(signature=False))
    lines = said(capsys, "bare.tflite")
    assert "bundle none beside it names this file" in lines
    assert "metadata: none" in lines
    assert "signature none" in lines


def test_the_default_is_the_newest_bundle_then_the_newest_run(here, capsys):
    assert run(["info"]) == 2
    assert "hemotk: info: no finished bundle under bundles/ or run under runs/; name a path." in capsys.readouterr().err
    write_run(here / "runs" / "old")
    write_run(here / "runs" / "new", created="2026-03-01T00:00:00+00:00")
    assert said(capsys)[0] == "run runs/new"
    write_bundle(here / "bundles" / "b")
    assert said(capsys)[0] == "bundle bundles/b"


def test_a_changed_file_is_shown_and_ends_with_2(here, capsys):
    write_run(here / "r")
    (here / "r" / "weights.npz").write_bytes(b"cut")
    (here / "r" / "split.json").unlink()
    assert run(["info", "r"]) == 2
    output = capsys.readouterr()
    assert "weights.npz  3 B    changed" in output.out
    assert "split.json   –      missing" in output.out
    assert output.err == (
        "hemotk: r: not every file is the one that was recorded: weights.npz (changed), split.json (missing); make it "
        "again, or copy it again from where it came from.\n"
    )


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("b", {"card", "testset"}),
        ("r", {"card", "shape", "parameters", "macs", "blocks"}),
        ("split.json", {"folder", "parts", "seed", "sha256"}),
        ("bench.json", {"variants", "verdicts", "passed"}),
        ("b.testset", {"facts", "preprocess"}),
        ("b/int8.tflite", {"facts", "bundle", "kind"}),
    ],
)
def test_json_goes_to_stdout_alone(here, capsys, name, keys):
    write_bundle(here / "b")
    write_run(here / "r")
    make_split().write(here / "split.json")
    make_report().write(here / "bench.json")
    assert run(["info", name, "--json"]) == 0
    output = capsys.readouterr()
    found = json.loads(output.out)
    assert keys | {"what", "path", "files"} <= set(found)
    assert all(file["state"] == "good" for file in found["files"])
    assert output.err == ""


def test_json_keeps_every_figure_of_a_run(here, capsys):
    write_run(here / "r")
    assert run(["info", "r", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["card"]["metrics"]["test"]["auc"]["low"] == METRICS.auc.low
    assert found["blocks"][1] == {"layers": 2, "entering": 16, "leaving": 32, "bottleneck": [32, 32], "growth": [8, 8]}


def test_what_is_unknown_is_one_sentence(here, capsys):
    (here / "words.txt").write_text("words")
    assert run(["info", "words.txt"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == (
        "hemotk: words.txt: is no run, bundle, split, test set, cross-validation, bench report or .tflite model; "
        "check the path.\n"
    )


def test_help_has_examples(capsys):
    assert run(["info", "--help"]) == 0
    output = capsys.readouterr().out
    assert "hemotk info bundles/first/model_int8.tflite" in output


def test_info_loads_no_training_library(here):
    write_run(here / "r")
    write_bundle(here / "b")
    code = (
        "import sys\nfrom hemotk.cli.main import run\n"
        "assert [run(['info', name]) for name in ('r', 'b', 'b/int8.tflite')] == [0, 0, 0]\n"
        "print(sorted({'tensorflow', 'tf_keras', 'scipy', 'sklearn', 'matplotlib', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout.splitlines()[-1] == "[]"


def test_columns_are_as_wide_as_their_widest_cell():
    assert list(columns([("a", "bb", "c"), ("aaa", "b"), ("", "b", "cc")], 2)) == [
        "  a    bb  c",
        "  aaa  b",
        "       b   cc",
    ]
    assert list(columns([])) == []
