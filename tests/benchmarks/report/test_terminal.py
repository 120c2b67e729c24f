import dataclasses
import io

import pytest
from rich.console import Console

from hemotk.artifacts import (
    HERE,
    BenchedBundle,
    BenchReport,
    Calibration,
    Estimate,
    Flip,
    ImageRef,
    Latency,
    LeftOutNode,
    Metrics,
    OperatorTime,
    Paired,
    Profile,
    RowSource,
    VariantResult,
    Verdict,
)
from hemotk.benchmarks.judge.conclusion import conclude, told_apart
from hemotk.benchmarks.report.terminal import show
from hemotk.errors import FieldError
from hemotk.stats.metrics import wilson


def row(kind, right=32, total=32, flips=(), **changes):
    share, area = wilson(right, total), Estimate(0.99, 0.9, 1.0)
    paired = Paired(wilson(total - len(flips), total), flips, len(flips), 0, 1.0, 0.1, 0.01, Estimate(0.0))
    latency = Latency(5, 6, (1,), ((110_000_000,),), 110_000_000.0, 123_400_000.0, 2.0, Estimate(0.987, 0.97, 1.01))
    found = VariantResult(
        bundle="first",
        source=HERE,
        kind=kind,
        file=f"{kind}.tflite",
        sha256="0" * 64,
        bytes=18_640_000,
        failure="",
        findings=(),
        scores=None,
        metrics=Metrics(total, total // 2, 0.5, share, share, share, area, 0.1, 0.1),
        paired=None if kind == "float32" else paired,
        latency=latency,
        peak_memory_bytes=1,
        base_memory_bytes=1,
    )
    return dataclasses.replace(found, **changes)


def report(*variants, verdicts=(), warnings=(), **changes):
    plain = BenchReport(
        created="2026-01-01T00:00:00+00:00",
        command="hemotk bench",
        bundles=(BenchedBundle("first", "first", "0" * 64, "0" * 64, 32, ("normal", "hemorrhage"), 0.4, 1.0),),
        sources=(RowSource(HERE, {"runtime": "ai_edge_litert", "runtime_version": "9.9"}),),
        folder="",
        images=tuple(ImageRef(str(index), index % 2) for index in range(32)),
        skipped=(),
        settings={},
        warnings=warnings,
        notes=(),
        variants=variants,
        verdicts=verdicts,
        passed=all(verdict.passed for verdict in verdicts),
        conclusion=conclude(variants),
        seconds=1.0,
    )
    return dataclasses.replace(plain, **changes)


def shown(subject):
    stream = io.StringIO()
    show(subject, Console(file=stream, width=80))
    return stream.getvalue()


def test_the_conclusion_says_what_so_many_images_can_show():
    assert conclude([row("float32"), row("int8")]) == (
        "What 32 images can show: 32 of 32 right (int8) is compatible with a true accuracy of [0.893, 1.000], "
        "and 0 of 32 flipped with an agreement with float of [0.893, 1.000] (95 % intervals). "
        "Of the 16 images with label 1 alone, 16 found is compatible with a sensitivity of [0.893, 1.000]. "
        "To show an agreement of at least 99 % takes 381 images without a flip."
    )


def test_the_conclusion_says_of_each_bundle_how_many_positives_it_found():
    def int8(bundle, found, error, by_chance):
        one = row("int8", bundle=bundle, calibration=Calibration(Estimate(0.1), Estimate(error), by_chance, ()))
        return dataclasses.replace(one, metrics=dataclasses.replace(one.metrics, sensitivity=wilson(found, 16)))

    first, second = int8("first", 16, 0.06, 0.05), int8("second", 1, 0.04, 0.055)
    assert conclude([row("float32"), first, row("float32", bundle="second"), second]).partition("intervals). ")[2] == (
        "Of the 16 images with label 1 alone, 16 found (first int8) is compatible with a sensitivity of [0.806, "
        "1.000]; 1 found (second int8) with one of [0.011, 0.283]. "
        "To show an agreement of at least 99 % takes 381 images without a flip. "
        "A calibration error of 0.060 (first int8) is more than what perfectly calibrated probabilities show by chance "
        "on so many images (up to 0.050); one of 0.040 (second int8) is no more than that (up to 0.055)."
    )


def test_how_many_images_it_takes_is_said_once_where_any_bundle_needs_it():
    enough = row("int8", 1000, 1000)
    assert "images without a flip" not in conclude([enough])
    assert conclude([enough, row("int8", bundle="second")]).count("takes 381 images without a flip") == 1


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ([row("float32", 40, 40)], "40 of 40 right (float32) is compatible with a true accuracy of [0.912, 1.000]"),
        ([row("float32"), row("int8", 30), row("int16x8")], "30 of 32 right (int8)"),
        ([row("float32"), row("int8", metrics=None)], "32 of 32 right (float32)"),
        ([row("float32", metrics=None)], "No variant gave usable scores"),
        ([row("float32", 1000, 1000)], "of [0.996, 1.000]"),
        ([row("float32", 0, 32)], "of [0.000, 0.107]"),
    ],
)
def test_the_conclusion_speaks_of_int8_where_it_can_and_rounds_outwards(variants, words):
    assert words in conclude(variants)


def test_the_table_has_a_row_per_variant_with_every_figure():
    lines = shown(report(row("float32"), row("int8", 31))).splitlines()
    cells = next(line.split() for line in lines if line.split()[:1] == ["int8"])
    assert cells == ["int8", "18.64", "0.969", "0.969", "0.969", "0.990", "1.000", "110.0", "123.4", "0.99"]
    assert lines[0] == "first: 32 test images, ai_edge_litert 9.9"
    assert any(
        line.startswith("int8 95 %: accuracy [0.843, 0.994]") and "ratio [0.970, 1.010]" in line for line in lines
    )


def test_the_table_fits_80_columns():
    table = shown(report(row("float32"), row("int16x8", 31))).split("float32 95 %")[0]
    assert max(map(len, table.splitlines())) <= 80


def test_flips_are_listed_with_both_scores_and_odd_names_as_they_are():
    flip = Flip("class1/[bold]7.png", 1, 0.6123, 0.3456)
    text = shown(report(row("float32"), row("int8", flips=(flip,))))
    assert "flip: class1/[bold]7.png (hemorrhage): float32 0.6123, int8 0.3456, threshold 0.4" in text


def test_failures_findings_and_warnings_are_spelled_out():
    failed = row("fp16", metrics=None, paired=None, latency=None, failure="the interpreter crashed: Aborted")
    text = shown(
        report(row("float32"), failed, row("int8", findings=("calls every image negative",)), warnings=("it was busy",))
    )
    assert "fp16: the interpreter crashed: Aborted." in text
    assert "fp16 95 %: nothing measured" in text
    assert next(line.split() for line in text.splitlines() if line.split()[:2] == ["fp16", "18.64"])[2:] == [
        "failed",
        *"–" * 7,
    ]
    assert "int8: calls every image negative." in text
    assert "Times may not repeat: it was busy." in text


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (True, "PASS: int8 decides as float32 does, within the limits; all 1 checks hold."),
        (False, "FAIL: 1 of 1 checks do not hold."),
    ],
)
def test_the_verdict_is_said(passed, words):
    verdict = Verdict(
        "latency ratio", "first", HERE, "int8", 1.5, 1.1, passed, "int8: latency ratio 1.5, at most 1.1 allowed"
    )
    text = shown(report(row("float32"), row("int8"), verdicts=(verdict,)))
    assert words in text
    assert (verdict.sentence in text) == (not passed)


def test_a_report_that_contradicts_its_verdicts_is_refused():
    verdict = Verdict("latency ratio", "first", HERE, "int8", 1.5, 1.1, False, "too slow")
    with pytest.raises(FieldError, match="what the verdicts say"):
        dataclasses.replace(report(row("float32"), verdicts=(verdict,)), passed=True)
    with pytest.raises(FieldError, match="begins with the float32 parent"):
        report(row("int8"))


def two_bundles():
    """A report on the bundles "first" and "second", the second also on a phone."""
    one = report(row("float32"))
    first, bundle = one.variants[0], one.bundles[0]
    second = [dataclasses.replace(row(kind), bundle="second") for kind in ("float32", "int8")]
    slower = dataclasses.replace(second[1].latency, ratio_to_first=Estimate(1.25, 1.2, 1.3))
    second[1] = dataclasses.replace(second[1], latency=slower, paired_first=second[1].paired)
    rows = (first, *second, dataclasses.replace(second[1], source="phone"))
    bundles = (bundle, dataclasses.replace(bundle, name="second"))
    return dataclasses.replace(one, variants=rows, bundles=bundles, sources=(*one.sources, RowSource("phone", {})))


def test_several_bundles_have_a_table_each_with_the_ratio_to_the_first():
    text = shown(two_bundles())
    assert text.startswith("first, second: 32 test images")
    assert [line.strip() for line in text.splitlines() if line.strip() in ("first", "second", "second on phone")] == [
        "first",
        "second",
        "second on phone",
    ]
    cells = [line.split() for line in text.splitlines() if line.split()[:1] == ["int8"]]
    assert [found[-3:] for found in cells] == [["110.0", "0.99", "1.25"]] * 2
    assert max(len(line) for line in text.partition("first float32 95 %")[0].splitlines()) <= 80
    assert "second int8 against float32 of first: 0 flipped" in text
    assert "second int8 on phone 95 %: accuracy [0.893, 1.000]" in text
    assert "ratio to first [1.200, 1.300]" in text


def test_a_profile_is_shown_in_short():
    operators = (OperatorTime("CONV_2D", 12, 3e6, 0.75), OperatorTime("ADD", 4, 1e6, 0.25))
    nodes = tuple(LeftOutNode(place, "", "MAXIMUM" if place else "QUANTIZE") for place in range(3))
    text = shown(report(row("float32", profile=Profile("a profiler", 20, operators, left_out=nodes))))
    assert "float32: where 4 ms go (a profiler)" in text
    assert "75.0%     3.000 ms    12 × CONV_2D" in text
    assert "float32: left out by the delegate: 2 × MAXIMUM, 1 × QUANTIZE" in text
    without = shown(report(row("float32", profile=Profile("", 0, why="it has none", why_left_out="nobody says"))))
    assert "float32 has no profile: it has none." in without
    assert "which nodes the delegate left out is not known: nobody says." in without


def test_only_the_first_of_many_flips_are_listed():
    flips = tuple(Flip(str(place), None, 0.6, 0.4) for place in range(25))
    text = shown(report(row("float32"), row("int8", flips=flips)))
    assert text.count("\nflip: ") == 21
    assert "flip: 5 more of int8; --json has them all" in text


def test_notes_are_said():
    assert "Note: the images have no labels." in shown(report(row("float32"), notes=("the images have no labels",)))


def test_a_calibration_error_is_said_to_be_chance_or_not():
    def said(error):
        found = Calibration(Estimate(0.1), Estimate(error), 0.05, ())
        return conclude([row("float32"), row("int8", calibration=found)])

    assert "A calibration error of 0.040 is no more than what perfectly calibrated probabilities show" in said(0.04)
    assert "A calibration error of 0.060 is more than what perfectly calibrated probabilities show" in said(0.06)
    assert "A calibration error of 0.050 is no more than" in said(0.05) and "(up to 0.050)." in said(0.05)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((0.0504, 0.0496), ("0.0504", "0.0496")),
        ((0.0496, 0.0504), ("0.0496", "0.0504")),
        ((0.05000004, 0.05), ("0.0500000", "0.0500000")),
        ((0.3, 0.05), ("0.300", "0.050")),
        ((0.05, 0.05), ("0.050", "0.050")),
    ],
)
def test_two_numbers_that_differ_are_printed_so_that_they_do(pair, words):
    found = told_apart(*pair)
    assert (found[0] == found[1]) == (pair[0] == pair[1])
    assert all(text.startswith(start) for text, start in zip(found, words, strict=True))
