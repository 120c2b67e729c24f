"""A bench against an earlier one: what got worse is found, on the images of both, and nothing else is claimed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from drawn_reports import images, report, row

from hemotk.artifacts import BenchReport
from hemotk.artifacts.report import ImageRef, ImageScores
from hemotk.benchmarks.judge.baseline import LIMIT, against
from hemotk.benchmarks.report.baseline import baseline_lines
from hemotk.benchmarks.report.html import render as html
from hemotk.benchmarks.report.junit import render as junit
from hemotk.benchmarks.report.markdown import render as markdown
from hemotk.errors import HemotkError

SHA = "5" * 64
REFS = images(60)


def scored(refs: tuple[ImageRef, ...], right: np.ndarray) -> ImageScores:
    """Logits of ±2, on the right side where `right`."""
    labels = np.array([image.label for image in refs])
    logit = np.where(right == (labels == 1), 2.0, -2.0)
    probability = 1 / (1 + np.exp(-logit))
    return ImageScores(*(tuple(float(x) for x in values) for values in (logit, probability, probability)))


def bench(right: np.ndarray, refs: tuple[ImageRef, ...] = REFS, **changes: object) -> BenchReport:
    """float32 that is always right, and int8 that is right where `right`."""
    whole = row("float32", refs, scores=scored(refs, np.ones(len(refs), bool)))
    return report(whole, row("int8", refs, scores=scored(refs, right), **changes), refs=refs)


def but(*wrong: int, count: int = 60) -> np.ndarray:
    right = np.ones(count, bool)
    right[list(wrong)] = False
    return right


def told(found: BenchReport) -> dict[str, str]:
    return {verdict.kind: verdict.told for verdict in found.verdicts if verdict.limit == LIMIT}


@pytest.mark.parametrize(
    ("then", "now", "outcome", "says"),
    [
        (but(), but(), "holds", "0 right decisions lost and 0 gained of 60 images"),
        (but(), but(1, 2, 3), "cannot tell", "3 right decisions lost and 0 gained of 60 images (McNemar p 0.25 over"),
        (but(), but(*range(6)), "fails", "6 right decisions lost and 0 gained of 60 images (McNemar p 0.031"),
        (but(*range(6)), but(), "holds", "0 right decisions lost and 6 gained"),
        (but(0, 1, 2), but(3, 4, 5), "holds", "3 right decisions lost and 3 gained"),
    ],
)
def test_a_loss_beyond_chance_fails(then: np.ndarray, now: np.ndarray, outcome: str, says: str) -> None:
    found = against(bench(now), bench(then), SHA, "pass")
    assert told(found) == {"float32": "holds", "int8": outcome}
    sentence = next(verdict.sentence for verdict in found.verdicts if verdict.kind == "int8")
    assert sentence.startswith("int8 against the baseline: ") and says in sentence
    assert found.passed == (outcome != "fails")
    strict = against(bench(now), bench(then), SHA, "fail")
    assert strict.passed == (outcome == "holds")


def test_patients_count_and_not_their_slices() -> None:
    grouped = tuple(dataclasses.replace(image, group=place // 10) for place, image in enumerate(REFS))
    found = against(bench(but(*range(6)), grouped), bench(but(), grouped), SHA, "pass")
    assert told(found)["int8"] == "cannot tell"
    verdict = next(each for each in found.verdicts if each.kind == "int8")
    assert "over groups" in verdict.sentence and verdict.measured == 1.0


def test_only_images_of_both_with_the_same_label_are_compared() -> None:
    other = [dataclasses.replace(image, id=f"new/{image.id}") for image in REFS[:10]]
    other += [dataclasses.replace(image, label=1 - (image.label or 0)) for image in REFS[10:15]]
    then = bench(but(20, 21), tuple(reversed([*other, *REFS[15:]])))
    found = against(bench(but()), then, SHA, "pass")
    assert found.baseline is not None
    assert {each.images for each in found.baseline.rows} == {45}
    assert found.baseline.notes[:3] == (
        "5 images have another label now and were left out",
        "10 images were scored only now",
        "10 images were scored only then",
    )
    paired = found.baseline.rows[1].paired
    assert {flip.id for flip in paired.flips} == {REFS[60 - 1 - place].id for place in (20, 21)}


def test_sizes_and_times_are_shown_and_not_judged(tmp_path: Path) -> None:
    then = bench(but())
    slower = dataclasses.replace(then.variants[1], bytes=1_000_000, sha256="9" * 64)
    then = dataclasses.replace(then, variants=(then.variants[0], slower))
    found = against(bench(but(7)), then, SHA, "pass")
    said = list(baseline_lines(found))
    assert said[0] == f"Baseline of {then.created} (SHA-256 {SHA[:12]})"
    assert said[1].startswith("float32: the same file, median 70")
    assert "int8: 18.69 MB, then 1.00, median 10" in said[2] and said[2].endswith("1 of 60 decisions differ")
    assert "(not measured in turns)" in said[2]
    for text in (html(found), markdown(found), junit(found)):
        assert "against the baseline" in text
    assert "Baseline of" in html(found) and "Baseline of" in markdown(found)
    found.write(tmp_path / "bench.json")
    assert BenchReport.read(tmp_path / "bench.json") == found


def test_without_labels_a_change_cannot_be_told() -> None:
    refs = images(12, labelled=False)
    one = report(row("float32", refs), row("int8", refs), refs=refs)
    other = report(row("float32", refs), row("int8", refs, noise=4.0), refs=refs)
    assert told(against(one, one, SHA, "fail")) == {"float32": "holds", "int8": "holds"}
    assert told(against(other, one, SHA, "pass")) == {"float32": "holds", "int8": "cannot tell"}


def test_what_cannot_be_matched_is_said_or_refused() -> None:
    now, then = bench(but()), bench(but())
    fp16 = row("fp16", REFS)
    found = against(dataclasses.replace(now, variants=(*now.variants, fp16)), then, SHA, "pass")
    assert found.baseline is not None and "fp16 has no counterpart in the baseline" in found.baseline.notes
    nan = ImageScores((None,) * 60, (None,) * 60, (None,) * 60)
    broken = dataclasses.replace(then, variants=(then.variants[0], row("int8", REFS, scores=nan)))
    found = against(now, broken, SHA, "pass")
    assert found.baseline is not None and "int8: a score is NaN or infinity, now or then" in found.baseline.notes
    elsewhere = tuple(dataclasses.replace(image, id=f"x/{image.id}") for image in REFS)
    with pytest.raises(HemotkError, match="none of the images"):
        against(now, bench(but(), elsewhere), SHA, "pass")
    none = dataclasses.replace(now, variants=tuple(dataclasses.replace(each, scores=None) for each in now.variants))
    with pytest.raises(HemotkError, match="none of the rows"):
        against(now, none, SHA, "pass")


def test_a_report_without_a_baseline_is_written_as_before() -> None:
    assert "baseline" not in bench(but()).body()
    assert not list(baseline_lines(bench(but())))


def test_what_a_phone_measured_takes_no_part() -> None:
    phone = row("int8", REFS, source="phone")
    rows = (*bench(but()).variants, phone)
    found = against(report(*rows, refs=REFS), report(*rows, refs=REFS), SHA, "pass")
    assert [verdict.source for verdict in found.verdicts if verdict.limit == LIMIT] == ["here", "here"]
