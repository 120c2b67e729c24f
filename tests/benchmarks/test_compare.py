"""Several bundles in one bench, and a folder of pictures in place of the test split."""

import csv
import dataclasses
import os
import shutil
import subprocess
import sys

import pytest
from converted_bundles import COUNT, QUICK, SPEC, draw_images, edit_card, edit_testset, write_bundle
from PIL import Image

from hemotk.artifacts import TESTSET_SUFFIX, BenchReport, TestSetCard
from hemotk.benchmarks.bench import bench
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.measure import pictures as folder_module
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.report.scores import COLUMNS, ScoresFile
from hemotk.data.phantom.draw import PhantomConfig, write_phantoms
from hemotk.errors import HemotkError
from hemotk.tflite.scorer import Scorer

# The int8 file of the other bundle is not of its float network, and far from its scores.
EASY = dataclasses.replace(QUICK, limits=BenchLimits(latency_ratio=None, score_drift=None, logit_shift=None))


@pytest.fixture(scope="session")
def other(tmp_path_factory, models, labels):
    """A bundle on the same images, whose float network calls everything negative."""
    found = {"float32": models["shifted"], "int8": models["int8"]}
    folder = write_bundle(tmp_path_factory.mktemp("other") / "other", found, draw_images(), labels)
    edit_card(folder, threshold=0.4)
    return folder


@pytest.fixture(scope="session")
def report(pristine, other):
    return bench(Subject((pristine, other)), EASY)


def test_the_rows_of_each_bundle_begin_with_its_float_parent(report):
    assert [(row.bundle, row.kind) for row in report.variants] == [
        ("tiny", "float32"),
        ("tiny", "int8"),
        ("other", "float32"),
        ("other", "int8"),
    ]
    assert [(bundle.name, bundle.threshold) for bundle in report.bundles] == [("tiny", 0.5), ("other", 0.4)]


def test_every_row_is_held_against_its_own_float_parent_and_the_first_one(report):
    own, first = report.variant("int8", "other").paired, report.variant("int8", "other").paired_first
    assert (len(own.flips), own.lost, own.gained) == (COUNT // 2, 0, COUNT // 2)
    assert (len(first.flips), first.agreement.value) == (0, 1.0)
    parent = report.variant("float32", "other")
    assert parent.paired is None
    assert (parent.paired_first.lost, parent.paired_first.gained) == (COUNT // 2, 0)
    assert all(row.paired_first is None for row in report.variants if row.bundle == "tiny")


def test_every_time_has_its_ratio_to_both(report):
    medians = {(row.bundle, row.kind): row.latency.p50_ns for row in report.variants}
    latency = report.variant("int8", "other").latency
    assert latency.ratio.value == pytest.approx(medians["other", "int8"] / medians["other", "float32"])
    assert latency.ratio_to_first.value == pytest.approx(medians["other", "int8"] / medians["tiny", "float32"])
    assert report.variant("float32", "other").latency.ratio.value == 1.0
    assert report.variant("int8").latency.ratio_to_first is None


def test_verdicts_and_conclusion_name_the_bundle(report):
    assert report.passed
    assert "tiny int8: runs, and its scores are usable" in [verdict.sentence for verdict in report.verdicts]
    assert "12 of 12 right (tiny int8)" in report.conclusion
    assert "12 of 12 right (other int8)" in report.conclusion


def test_the_report_of_several_reads_back(report, tmp_path):
    report.write(tmp_path / "bench.json")
    assert BenchReport.read(tmp_path / "bench.json").to_json() == report.to_json()


def test_bundles_of_one_name_are_called_by_their_folders(pristine, tmp_path):
    for source in (pristine, pristine.with_name(pristine.name + TESTSET_SUFFIX)):
        shutil.copytree(source, tmp_path / "old" / source.name)
    again = tmp_path / "old" / pristine.name
    found = bench(Subject((pristine, again)), EASY)
    assert [bundle.name for bundle in found.bundles] == [pristine.as_posix(), again.as_posix()]
    with pytest.raises(HemotkError, match="tiny: is given 2 times; name each bundle once"):
        Subject((pristine, pristine.parent / "." / "tiny"))


def test_test_splits_of_other_images_cannot_be_compared(pristine, make_bundle):
    made = make_bundle(float32="float32", labels=[0, 1, 0, 1])
    with pytest.raises(HemotkError, match=r"made: its test split shares 4 of 4 images with that of .*tiny \(12 images"):
        bench(Subject((pristine, made)), EASY)
    items = TestSetCard.read(made.with_name("made.testset") / "testset.json").items
    edit_testset(made, items=tuple(dataclasses.replace(item, id=f"x{item.id}") for item in items))
    with pytest.raises(HemotkError, match=r"shares 0 of 4 images.* with images\."):
        bench(Subject((pristine, made)), EASY)


def test_images_of_the_same_names_but_other_pixels_cannot_be_compared(pristine, other, tmp_path):
    shutil.copytree(other, tmp_path / "other")
    shutil.copytree(other.with_name("other.testset"), tmp_path / "other.testset")
    edit_testset(tmp_path / "other", images=255 - draw_images())
    with pytest.raises(HemotkError, match="has other pixels under the same names"):
        bench(Subject((pristine, tmp_path / "other")), EASY)


# --- folders


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The test images as files in class subfolders, five at a time."""
    monkeypatch.setattr(folder_module, "CHUNK", 5)
    for row, pixels in enumerate(draw_images()):
        path = tmp_path / "pictures" / ("hemorrhage" if row % 2 else "normal") / f"{row:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "pictures"


def flat(pictures):
    """The same pictures without subfolders."""
    for path in list(pictures.glob("*/*.png")):
        path.rename(pictures / path.name)
    return pictures


def test_a_folder_is_scored_like_the_test_split(pristine, pictures, models):
    found = bench(Subject((pristine,), images=pictures), EASY)
    order = [*range(1, COUNT, 2), *range(0, COUNT, 2)]
    assert [image.label for image in found.images] == [row % 2 for row in order]
    scorer = Scorer(models["int8"], SPEC)
    expected = [scorer.score(draw_images()[row]).logit for row in order]
    assert found.variant("int8").scores.logit == tuple(expected)
    assert found.variant("int8").metrics.accuracy.value == 1.0
    assert (found.folder, found.skipped, found.passed) == (pictures.as_posix(), (), True)
    assert len(found.variant("int8").latency.rounds_ns) >= 1


def test_a_folder_without_labels_has_agreement_only(pristine, pictures):
    found = bench(Subject((pristine,), images=flat(pictures)), EASY)
    row = found.variant("int8")
    assert (row.metrics, row.calibration, row.paired.mcnemar) == (None, None, None)
    assert row.paired.agreement.value == 1.0
    assert found.passed
    assert "the images have no labels: only the agreement with float was measured" in found.notes
    assert found.conclusion.startswith("What 12 images without labels can show: 0 of 12 flipped (int8)")
    assert "Without labels they show nothing about accuracy." in found.conclusion


def test_flips_count_without_labels(make_bundle, pictures):
    made = make_bundle(float32="float32", int8="shifted")
    found = bench(Subject((made,), images=flat(pictures)), dataclasses.replace(EASY, limits=BenchLimits(0.0, None, 0)))
    assert [verdict.limit for verdict in found.verdicts if not verdict.passed] == [
        "usable",
        "disagreement with float",
        "flips",
        "score drift",
        "logit shift",
    ]
    flips = [(flip.id, flip.label) for flip in found.variant("int8").paired.flips]
    assert flips[:2] == [("01.png", None), ("03.png", None)]


def test_a_folder_needs_no_test_split(pristine, pictures, tmp_path):
    shutil.copytree(pristine, tmp_path / "alone")
    assert bench(Subject((tmp_path / "alone",), images=pictures), EASY).passed


def test_unreadable_pictures_are_left_out_and_named(pristine, pictures):
    (pictures / "normal" / "00.png").write_bytes(b"no picture")
    found = bench(Subject((pristine,), images=pictures), EASY)
    assert len(found.images) == COUNT - 1
    assert [sentence.partition(":")[0] for sentence in found.skipped] == [str(pictures / "normal" / "00.png")]
    assert "1 of 12 pictures could not be read and were left out" in found.notes
    for path in pictures.glob("*/*.png"):
        path.write_bytes(b"no picture")
    with pytest.raises(HemotkError, match="none of its pictures can be read; the first says: "):
        bench(Subject((pristine,), images=pictures), EASY)


def test_a_variant_that_fails_in_a_folder_fails_its_row_and_no_other(make_bundle, models, pictures):
    made = make_bundle(float32="float32", fp16=models["int8"][:700], int8="int8")
    found = bench(Subject((made,), images=pictures), EASY)
    assert "cannot be used as a model" in found.variant("fp16").failure
    assert found.variant("int8").metrics.accuracy.value == 1.0


def test_progress_of_a_folder_reaches_its_end(pristine, pictures):
    seen = []
    subject = Subject((pristine,), images=pictures)
    bench(subject, EASY, lambda what, done, total, note="": seen.append((what, done / total)))
    steps = [done for what, done in seen if what == "scoring"]
    assert steps == pytest.approx([5 / 12, 10 / 12, 1.0])


# --- scores


def test_every_score_is_a_line_of_the_table(pristine, other, tmp_path):
    with ScoresFile(tmp_path / "s.csv") as table:
        found = bench(Subject((pristine, other)), EASY, keep=table.add)
    with (tmp_path / "s.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) == 4 * COUNT
    for row in found.variants:
        ours = [line for line in lines if (line["bundle"], line["variant"]) == (row.bundle, row.kind)]
        assert [line["image"] for line in ours] == [image.id for image in found.images]
        assert [int(line["label"]) for line in ours] == [image.label for image in found.images]
        assert tuple(float(line["logit"]) for line in ours) == row.scores.logit
        assert tuple(float(line["probability"]) for line in ours) == row.scores.probability
        threshold = found.bundle_of(row).threshold
        assert [int(line["called"]) for line in ours] == [p >= threshold for p in row.scores.probability]


def test_scores_are_written_as_they_come_and_named_when_all_are_there(pristine, pictures, tmp_path):
    target, sizes = tmp_path / "s.csv", []
    with ScoresFile(target) as table:

        def keep(*scores):
            table.add(*scores)
            sizes.append(len((tmp_path / "s.csv.partial").read_text().splitlines()))
            assert not target.exists()

        bench(Subject((pristine,), images=flat(pictures)), EASY, keep=keep)
    assert sizes == [6, 11, 16, 21, 23, 25]
    assert len(target.read_text().splitlines()) == 25
    assert target.read_text().splitlines()[1].startswith("00.png,,tiny,here,float32,")


def test_a_bench_that_breaks_before_the_first_score_leaves_nothing(tmp_path):
    with pytest.raises(HemotkError, match="broken"), ScoresFile(tmp_path / "s.csv"):
        raise HemotkError("broken")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_table_is_kept_unless_told_otherwise(tmp_path):
    (tmp_path / "s.csv").write_text("mine")
    with pytest.raises(HemotkError, match="add overwrite"):
        ScoresFile(tmp_path / "s.csv")
    with ScoresFile(tmp_path / "s.csv", overwrite=True):
        assert (tmp_path / "s.csv").read_text() == "mine"
    assert (tmp_path / "s.csv").read_text().startswith("image,label")


def test_scores_that_are_no_numbers_are_written_as_such(make_bundle, tmp_path):
    with ScoresFile(tmp_path / "s.csv") as table:
        bench(Subject((make_bundle(float32="float32", int8="nan"),)), EASY, keep=table.add)
    last = (tmp_path / "s.csv").read_text().splitlines()[-1].split(",")
    assert last[COLUMNS.index("logit")] == "nan"
    assert last[COLUMNS.index("called")] == "0"


def test_a_table_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HemotkError, match="cannot be written"):
        ScoresFile(tmp_path / "file" / "s.csv")
    (tmp_path / "s.csv.partial").mkdir()
    with pytest.raises(HemotkError, match="already exists"):
        ScoresFile(tmp_path / "s.csv")
    with pytest.raises(HemotkError, match="cannot be written"):
        ScoresFile(tmp_path / "s.csv", overwrite=True)


@pytest.mark.slow
def test_ten_thousand_pictures_take_no_more_memory_than_a_few(pristine, tmp_path):
    write_phantoms(tmp_path / "few", PhantomConfig(count=20))
    for path in (tmp_path / "few").glob("*/*.png"):
        folder = tmp_path / "many" / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for copy in range(500):
            os.link(path, folder / f"{path.stem}_{copy}.png")
    program = f"""
from hemotk.benchmarks.measure.worker import peak_memory
from hemotk.cli.main import run
assert run(["bench", {str(pristine)!r}, "--images", {str(tmp_path / "many")!r}, "--min-runs", "3", "--min-seconds", "0",
    "--json", {str(tmp_path / "bench.json")!r}, "--scores", {str(tmp_path / "s.csv")!r}, "--max-accuracy-drop", "1",
    "--max-sensitivity-drop", "1", "--max-latency-ratio", "1000"]) == 0
print(peak_memory())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert int(done.stdout.split()[-1]) < 400e6
    found = BenchReport.read(tmp_path / "bench.json")
    assert len(found.images) == 10_000
    assert all(row.peak_memory_bytes < 400e6 for row in found.variants)
    assert done.stderr.count("scoring") > 1
