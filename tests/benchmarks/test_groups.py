"""Groups of images from the folder or split to every report, and what their intervals are."""

import dataclasses
import functools
import io
import json
from typing import Any

import numpy as np
import pytest
from drawn_reports import THRESHOLD, images, report, row
from PIL import Image
from rich.console import Console

from hemotk.artifacts import BenchReport, ImageRef
from hemotk.benchmarks.judge.accuracy import RowJudge
from hemotk.benchmarks.judge.conclusion import conclude
from hemotk.benchmarks.judge.results import results
from hemotk.benchmarks.measure.pictures import find_pictures
from hemotk.benchmarks.measure.rows import Row
from hemotk.benchmarks.measure.scoring import Tools, score_split
from hemotk.benchmarks.report import html, markdown
from hemotk.benchmarks.report.figures import GROUPED
from hemotk.benchmarks.report.terminal import show
from hemotk.render.numbers import interval
from hemotk.stats.grouped import GROUPS, evaluate_groups, share
from hemotk.stats.groups import group_numbers, groups_of
from hemotk.stats.metrics import auc, wilson
from hemotk.stats.paired import BOOTSTRAP_GROUPS, auc_difference
from hemotk.store.bundle import open_with_testset
from hemotk.tflite.scorer import Scores

CLASSES = ("normal", "hemorrhage")


@functools.cache
def grouped_report():
    """24 images of 6 patients, 2 without and 1 with nothing but hemorrhage; float32, a noisy int8, a second bundle."""
    whole = {1: 0, 2: 0, 3: 1}
    groups = [place // 4 + 1 for place in range(24)]
    refs = tuple(
        dataclasses.replace(ref, group=group, label=whole.get(group, ref.label))
        for ref, group in zip(images(), groups, strict=True)
    )
    other = [row(kind, refs, bundle="old", seed=3, noise=noise) for kind, noise in (("float32", 0.0), ("int8", 0.5))]
    rows = [row("float32", refs), row("int8", refs, noise=2.0), *other]
    judge = RowJudge(refs, THRESHOLD, 1.0)
    judged = [judge.judged([Scores(x, y) for x, y in zip(r.scores.logit, r.scores.output, strict=True)]) for r in rows]
    rows = [dataclasses.replace(r, grouped=judge.grouped(found)) for r, found in zip(rows, judged, strict=True)]
    rows[3] = dataclasses.replace(rows[3], paired_first=judge.paired(judged[3], judged[0]))
    return report(*rows, refs=refs)


def printed(subject):
    console = Console(width=400, record=True, file=io.StringIO())
    show(subject, console)
    return console.export_text()


def test_groups_are_numbers_in_the_order_of_their_first_image():
    assert group_numbers(["b", "a", "b", "c"]) == [1, 2, 1, 3]
    assert group_numbers(["b", None, "b"]) == [None] * 3
    assert group_numbers([]) == []


@pytest.mark.parametrize("groups", [[1, 2, 3], [1, 1, None], [None, None, None], []])
def test_images_that_are_alone_or_of_nobody_known_have_no_groups(groups):
    assert groups_of([ImageRef(str(place), 0, group) for place, group in enumerate(groups)]) is None


def test_patients_of_a_table_are_groups_without_their_names(tmp_path):
    for place in range(4):
        Image.new("L", (20, 20), place).save(tmp_path / f"{place}.png")
    (tmp_path / "labels.csv").write_text("id,hemorrhage,patient\n0,1,SMITH\n1,0,JONES\n2,0,SMITH\n3,1,BROWN\n")
    found = find_pictures(tmp_path, CLASSES).images
    assert [(image.label, image.group) for image in found] == [(1, 1), (0, 2), (0, 1), (1, 3)]
    assert groups_of(found).tolist() == [1, 2, 1, 3]
    (tmp_path / "labels.csv").write_text("id,hemorrhage\n0,1\n1,0\n2,0\n3,1\n")
    assert {image.group for image in find_pictures(tmp_path, CLASSES).images} == {None}


def test_patients_of_dicom_files_are_groups_and_a_file_without_one_is_its_own(tmp_path):
    pytest.importorskip("pydicom")
    from dicom_files import write_slice

    for name, patient in (("a", "P1"), ("b", "P2"), ("c", "P1")):
        write_slice(tmp_path / "normal" / f"{name}.dcm", np.zeros((20, 20)), PatientID=patient)
    assert [image.group for image in find_pictures(tmp_path, CLASSES).images] == [1, 2, 1]
    assert [image.group for image in find_pictures(tmp_path / "normal", CLASSES).images] == [1, 2, 1]
    Image.new("L", (20, 20)).save(tmp_path / "normal" / "d.png")
    (tmp_path / "normal" / "broken.dcm").write_bytes(b"")
    assert [image.group for image in find_pictures(tmp_path, CLASSES).images] == [1, 2, 3, 1, 4]


def test_a_judge_of_groups_gives_the_figures_of_both_kinds():
    random = np.random.default_rng(0)
    labels, groups = random.integers(0, 2, 40), np.repeat(np.arange(10), 4)
    judge = RowJudge([ImageRef(str(i), int(labels[i]), int(groups[i])) for i in range(40)], 0.4, 2.0)
    plain = RowJudge([ImageRef(str(i), int(labels[i])) for i in range(40)], 0.4, 2.0)
    ours, theirs = (judge.judged([Scores(x, 0.5) for x in random.normal(labels, 1)]) for _ in range(2))
    found = judge.grouped(ours)
    assert found == evaluate_groups(labels, ours.called, ours.logit, groups)
    assert found.accuracy.value == pytest.approx(judge.metrics(ours).accuracy.value)
    paired = judge.paired(ours, theirs)
    assert paired.grouped_auc_difference == auc_difference(labels, ours.logit, theirs.logit, groups)
    same = ours.called == theirs.called
    assert paired.grouped_agreement == share(same, groups) and paired.grouped_agreement.method == GROUPS
    assert paired.grouped_agreement.value == pytest.approx(paired.agreement.value)
    assert paired.drops.groups == 10 and paired.grouped_mcnemar != paired.mcnemar
    assert (paired.drops.with_positive, paired.drops.with_negative) == (found.with_positive, found.with_negative)
    without = {"grouped_auc_difference": None, "grouped_agreement": None, "grouped_mcnemar": None}
    alone = plain.paired(ours, theirs)
    assert dataclasses.replace(paired, **without, drops=alone.drops, logit_shift=alone.logit_shift) == alone
    assert paired.logit_shift.value == alone.logit_shift.value and paired.logit_shift.high != alone.logit_shift.high
    assert alone.drops.groups is None and alone.drops.with_positive == labels.sum()
    assert plain.grouped(ours) is None
    unlabelled = RowJudge([ImageRef(str(i), None, int(groups[i])) for i in range(40)], 0.4, 2.0)
    assert unlabelled.grouped(ours) is None and unlabelled.paired(ours, theirs).grouped_auc_difference is None
    assert unlabelled.paired(ours, theirs).grouped_agreement == paired.grouped_agreement
    assert judge.grouped(judge.judged([Scores(float("nan"), 0.5)] * 40)) is None


def test_the_difference_over_groups_has_the_width_of_a_cluster_bootstrap_written_out():
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(160), 4)
    labels = groups % 2
    shared = random.normal(0, 1, (160, 2))[groups]
    parent, variant = (labels + random.normal(0, 0.5, 640) + shared[:, k] for k in (0, 1))
    members = np.arange(640).reshape(160, 4)
    values = []
    for _ in range(800):
        drawn = [*random.choice(np.arange(1, 160, 2), 80), *random.choice(np.arange(0, 160, 2), 80)]
        rows = members[drawn].ravel()
        values.append(auc(labels[rows], variant[rows]) - auc(labels[rows], parent[rows]))
    low, high = np.quantile(values, [0.025, 0.975])
    found, images_only = (auc_difference(labels, variant, parent, chosen) for chosen in (groups, None))
    assert found.method == BOOTSTRAP_GROUPS and found.value == pytest.approx(images_only.value)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert found.high - found.low > 1.3 * (images_only.high - images_only.low)


def test_two_perfect_rankings_leave_room_for_what_no_group_showed():
    groups, labels = np.repeat(np.arange(20), 5), np.repeat([0, 1], 50)
    found = auc_difference(labels, np.arange(100), np.arange(100, 200), groups)
    limit = wilson(0, 10).high
    assert (found.value, found.low, found.high) == (0.0, pytest.approx(-limit), pytest.approx(limit))


def test_groups_of_one_image_are_the_images():
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 30)
    first, second = random.normal(labels, 1, (2, 30))
    plain = auc_difference(labels, first, second)
    alone = auc_difference(labels, first, second, np.arange(30))
    assert dataclasses.replace(alone, method=plain.method) == plain


def test_draws_without_one_class_do_not_count():
    found = auc_difference([1, 0, 1], [0.9, 0.1, 0.2], [0.8, 0.3, 0.1], ["a", "a", "b"])
    assert np.isfinite([found.value, found.low, found.high]).all()
    assert auc_difference([1, 1], [0.9, 0.1], [0.8, 0.3], ["a", "a"]).value is None


def test_images_of_a_test_split_are_of_its_groups(pristine):
    class Knowing:
        def load(self, *_):
            return None

        def score(self, _):
            return Scores(0.0, 0.5)

    bundle = open_with_testset(pristine)
    named = [dataclasses.replace(item, group=f"p{place // 5}") for place, item in enumerate(bundle.items)]
    rows = [Row(dataclasses.replace(bundle, items=tuple(named)), bundle.card.variants[0])]
    runner: Any = Knowing()
    scored = score_split(rows, Tools(lambda _: runner, lambda *_: None, lambda *_: None))
    assert [image.group for image in scored.images] == [place // 5 + 1 for place in range(len(named))]
    (found,) = results(rows, scored.images)
    assert found.grouped.groups == 3
    rows[0].scores = [Scores(float("nan"), 0.5)] * len(named)
    assert results(rows, scored.images)[0].grouped is None


@pytest.mark.parametrize("render", [html.render, markdown.render])
def test_documents_show_the_intervals_over_groups(render):
    subject = grouped_report()
    text = render(subject)
    assert text.count(GROUPED) == 1 and "AUC difference to float32 of first" in text
    assert "agreement with its float32" in text and "agreement with float32 of first" in text
    for variant in subject.variants:
        for found in (variant.grouped.sensitivity, variant.grouped.auc):
            assert f"[{found.low:.3f}, {found.high:.3f}]" in text.replace("\\", "")
    paired = subject.variants[1].paired
    for found in (paired.grouped_agreement, paired.grouped_auc_difference):
        assert found.value is not None and f"[{found.low:.3f}, {found.high:.3f}]" in text.replace("\\", "")
    assert text.count("(4 with hemorrhage, 5 with normal)") == len(subject.variants)
    before = [dataclasses.replace(variant.grouped, with_positive=None) for variant in subject.variants]
    uncounted = (dataclasses.replace(v, grouped=found) for v, found in zip(subject.variants, before, strict=True))
    assert " with hemorrhage" not in render(dataclasses.replace(subject, variants=tuple(uncounted)))
    plain = tuple(dataclasses.replace(variant, grouped=None) for variant in subject.variants)
    assert GROUPED not in render(dataclasses.replace(subject, variants=plain))


def test_the_terminal_and_the_conclusion_say_them_too():
    subject = grouped_report()
    text = printed(subject)
    found, paired = subject.variants[1].grouped, subject.variants[1].paired
    assert (
        "first int8 95 % over 6 groups of images (4 with hemorrhage, 5 with normal): "
        f"accuracy {interval(found.accuracy)}" in text
    )
    over = paired.grouped_auc_difference
    assert f", over groups {interval(over, signed=True)})" in text
    same = paired.grouped_agreement
    assert f", AUC {interval(found.auc)}, agreement {interval(same)}" in " ".join(text.split())
    concluded = conclude(subject.variants[:2])
    assert "] (over 6 groups)" in concluded and "] (over 4 groups with label 1)." in concluded
    assert interval(found.accuracy) in concluded


def test_the_conclusion_counts_groups_in_every_sentence():
    subject = grouped_report()
    int8 = subject.variants[1]
    apart = [interval(found) for found in (int8.paired.grouped_agreement, int8.paired.agreement)]
    assert apart[0] != apart[1]
    concluded = conclude(subject.variants[:2])
    assert f" flipped with an agreement with float of {apart[0]} (over 6 groups) (95 % intervals)." in concluded
    assert "images without a flip" not in concluded
    assert "show by chance on so many independent images (up to" in concluded
    unlabelled = [dataclasses.replace(r, metrics=None, grouped=None, calibration=None) for r in subject.variants[:2]]
    assert f"(int8) is compatible with an agreement with float of {apart[0]} (over groups) (95 %" in conclude(
        unlabelled
    )


def test_a_report_keeps_them_and_one_from_before_is_read(tmp_path):
    subject = grouped_report()
    subject.write(tmp_path / "bench.json")
    assert BenchReport.read(tmp_path / "bench.json") == subject
    body = json.loads((tmp_path / "bench.json").read_text())
    for variant in body["variants"]:
        del variant["grouped"]["with_positive"], variant["grouped"]["with_negative"]
    (tmp_path / "uncounted.json").write_text(json.dumps(body))
    uncounted = BenchReport.read(tmp_path / "uncounted.json")
    assert uncounted.variants[0].grouped.groups == 6 and uncounted.variants[0].grouped.with_positive is None
    assert "(over 6 groups)." in conclude(uncounted.variants[:2])
    assert "over 6 groups of images: accuracy" in printed(uncounted)
    for image in body["images"]:
        del image["group"]
    for variant in body["variants"]:
        del variant["grouped"]
        for paired in filter(None, (variant["paired"], variant["paired_first"])):
            del paired["grouped_auc_difference"], paired["grouped_agreement"]
    (tmp_path / "before.json").write_text(json.dumps(body))
    before = BenchReport.read(tmp_path / "before.json")
    assert before.variants[0].grouped is None and before.images[0].group is None
