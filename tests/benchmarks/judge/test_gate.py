import dataclasses

import pytest
from measured_rows import NO_LIMITS, row

from hemotk.artifacts import Estimate, ImageScores
from hemotk.benchmarks.judge.accuracy import BOTH_BY_PARENT, CONSTANT, NO_SIGMOID
from hemotk.benchmarks.judge.gate import judge, left_out
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.errors import HemotkError


def unlabelled(kind, **changes):
    return row(kind, None, **changes)


PARENT = row("float32", 0.9)
DEFAULT = BenchLimits()
NO_NUMBER = ImageScores((None,), (None,), (0.5,))
WORSE = ["int8 accuracy drop", "int8 sensitivity drop", "int8 specificity drop"]
UNPAIRED = ["int8 McNemar p", "int8 score drift", "int8 logit shift"]

# name: (variants after the parent, limits, the checks that fail)
CASES = {
    "as good as the parent": ([row("int8", 0.9)], DEFAULT, []),
    "better and faster": ([row("int8", 1.0, 0.5)], DEFAULT, []),
    "one image of thirty worse": (
        [row("int8", 0.9 - 1 / 30)],
        DEFAULT,
        WORSE,
    ),
    "exactly at the limit": (
        [row("int8", 0.9 - 3 / 30)],
        BenchLimits(0.1, sensitivity_drop=None, specificity_drop=None),
        [],
    ),
    "just over the limit": (
        [row("int8", 0.9 - 3 / 30)],
        BenchLimits(0.0999, sensitivity_drop=None, specificity_drop=None),
        ["int8 accuracy drop"],
    ),
    "a little slower": ([row("int8", 0.9, 1.1)], DEFAULT, []),
    "too slow": ([row("int8", 0.9, 1.11)], DEFAULT, ["int8 latency ratio"]),
    "every variant is held": (
        [row("fp16", 0.8), row("dynamic", 0.9, 1.5), row("int8", 0.9)],
        DEFAULT,
        ["fp16 accuracy drop", "fp16 sensitivity drop", "fp16 specificity drop", "dynamic latency ratio"],
    ),
    "int16x8 may be slow": ([row("int16x8", 0.9, 30.0)], DEFAULT, []),
    "int16x8 may not be worse": (
        [row("int16x8", 0.5, 30.0)],
        DEFAULT,
        ["int16x8 accuracy drop", "int16x8 sensitivity drop", "int16x8 specificity drop"],
    ),
    "flips are no limit unless asked": ([row("int8", 0.9, flips=5)], DEFAULT, []),
    "flips within": ([row("int8", 0.9, flips=2)], BenchLimits(flips=2), []),
    "flips beyond": ([row("int8", 0.9, flips=1)], BenchLimits(flips=0), ["int8 flips"]),
    "flips unknown": ([row("int8", 0.9, flips=None)], dataclasses.replace(NO_LIMITS, flips=9), ["int8 flips"]),
    "unpaired": ([row("int8", 0.9, flips=None)], DEFAULT, UNPAIRED),
    "time unknown": ([row("int8", 0.9, None)], DEFAULT, ["int8 latency ratio"]),
    "ratio unknown": ([row("int8", 0.9, ratio=None)], BenchLimits(latency_ratio=None), []),
    "crashed": ([row("int8", None, None, None, failure="it crashed")], DEFAULT, ["int8 usable"]),
    "crashed after a perfect score": ([row("int8", 0.9, failure="it crashed")], DEFAULT, ["int8 usable"]),
    "not a number": (
        [row("int8", None, scores=NO_NUMBER, findings=("gives NaN",))],
        DEFAULT,
        ["int8 usable"],
    ),
    "constant": ([row("int8", 0.9, findings=(CONSTANT,))], DEFAULT, ["int8 usable"]),
    "one class is a matter of accuracy": ([row("int8", 0.9, findings=("calls every image positive",))], DEFAULT, []),
    "one class where the parent calls both": (
        [row("int8", 0.9, findings=(f"calls every image positive {BOTH_BY_PARENT}",))],
        DEFAULT,
        ["int8 usable"],
    ),
    "one class, and worse": (
        [row("int8", 0.5, findings=(f"calls every image negative {BOTH_BY_PARENT}",))],
        DEFAULT,
        ["int8 usable", *WORSE],
    ),
    "a stuck probability": ([row("int8", 0.9, findings=(f"{NO_SIGMOID}: 0.5",))], DEFAULT, ["int8 usable"]),
    "nothing but the parent": ([], DEFAULT, []),
    "no scores": ([row("int8", 0.9, scores=None)], DEFAULT, ["int8 usable"]),
    "no limits": ([row("int8", 0.1, 9.0, 20)], NO_LIMITS, []),
    "a hemorrhage lost and a normal image gained": (
        [row("int8", 0.9, sensitivity=0.8)],
        DEFAULT,
        ["int8 sensitivity drop"],
    ),
    "sensitivity within": ([row("int8", 0.9, sensitivity=0.8)], BenchLimits(sensitivity_drop=0.1), []),
    "more sensitive": ([row("int8", 0.9, sensitivity=1.0)], DEFAULT, []),
    "the drift of a wrong constant": ([row("int8", 0.9, drift=0.167)], DEFAULT, ["int8 score drift"]),
    "the drift of the right one": ([row("int8", 0.9, drift=0.044)], DEFAULT, []),
    "any drift, if asked": ([row("int8", 0.9, drift=0.5)], BenchLimits(score_drift=1.0), []),
    "drift within": ([row("int8", 0.9, drift=0.05)], BenchLimits(score_drift=0.05), []),
    "drift beyond": ([row("int8", 0.9, drift=0.06)], BenchLimits(score_drift=0.05), ["int8 score drift"]),
    "drift unknown": (
        [row("int8", 0.9, flips=None)],
        dataclasses.replace(NO_LIMITS, score_drift=1.0),
        ["int8 score drift"],
    ),
    "no shift": ([row("int8", 0.9, shift=Estimate(0.001, 0.0, 0.01))], DEFAULT, []),
    "a shift that may be by chance": ([row("int8", 0.9, shift=Estimate(0.015, 0.0, 0.03))], DEFAULT, []),
    "a shift": ([row("int8", 0.9, shift=Estimate(0.03, 0.025, 0.035))], DEFAULT, ["int8 logit shift"]),
    "any shift, if asked": ([row("int8", 0.9, shift=Estimate(0.9, 0.8, 1.0))], BenchLimits(logit_shift=1.0), []),
    "float logits without a spread": ([row("int8", 0.9, shift=Estimate(None, why="no spread"))], DEFAULT, []),
    "AUC enough": ([row("int8", 0.9, auc=0.95)], BenchLimits(min_auc=0.95), []),
    "AUC too small": ([row("int8", 0.9, auc=0.94)], BenchLimits(min_auc=0.95), ["int8 AUC"]),
    "AUC unknown": ([row("int8", 0.9, auc=None)], BenchLimits(min_auc=0.5), ["int8 AUC"]),
    "small enough": ([row("int8", 0.9)], BenchLimits(size=5.0), []),
    "too large": ([row("int8", 0.9)], BenchLimits(size=4.99), ["int8 size in MB"]),
}

# The same where the float parent stands in the list as well.
WHOLE = {
    "the parent's AUC is held, too": ([row("float32", auc=0.9)], BenchLimits(min_auc=0.95), ["float32 AUC"]),
    "the parent's size is not": ([row("float32")], BenchLimits(size=1.0), []),
    "no labels": ([unlabelled("float32"), unlabelled("int8")], BenchLimits(min_auc=0.9), []),
    "no labels, too many flips": (
        [unlabelled("float32"), unlabelled("int8", flips=3)],
        BenchLimits(None, flips=2),
        ["int8 flips"],
    ),
    "no labels, every decision flipped": (
        [unlabelled("float32"), unlabelled("int8", flips=30)],
        DEFAULT,
        ["int8 disagreement with float"],
    ),
    "no labels, flips within": ([unlabelled("float32"), unlabelled("int8", flips=3)], BenchLimits(0.1), []),
    "no labels, nothing to compare with": (
        [unlabelled("float32"), unlabelled("int8", flips=None)],
        DEFAULT,
        ["int8 disagreement with float", "int8 score drift", "int8 logit shift"],
    ),
    "no labels, one class only": (
        [unlabelled("float32"), unlabelled("int8", findings=(f"calls every image negative {BOTH_BY_PARENT}",))],
        DEFAULT,
        ["int8 usable"],
    ),
    "no labels, no scores": ([unlabelled("float32"), unlabelled("int8", scores=None)], DEFAULT, ["int8 usable"]),
    "no hemorrhages": (
        [row("float32", positives=0), row("int8", positives=0, sensitivity=0.0)],
        BenchLimits(sensitivity_drop=0.0),
        [],
    ),
    "every bundle against its own parent": (
        [row("float32", 1.0), row("int8", 1.0), row("float32", 0.5, bundle="c"), row("int8", 0.5, bundle="c")],
        DEFAULT,
        [],
    ),
    "a worse variant of the second bundle": (
        [row("float32", 0.5), row("int8", 0.5), row("float32", 1.0, bundle="c"), row("int8", 0.9, bundle="c")],
        DEFAULT,
        WORSE,
    ),
    "a device with its own parent": (
        [row("float32"), row("int8"), row("float32", source="phone"), row("int8", 1.0, 1.2, source="phone")],
        DEFAULT,
        ["int8 latency ratio"],
    ),
    "a device without parent has no ratio": ([row("float32"), row("int8", 1.0, None, source="phone")], DEFAULT, []),
    "a device's scores against the parent here": (
        [row("float32"), row("int8", 0.8, None, source="phone")],
        DEFAULT,
        WORSE,
    ),
}


@pytest.mark.parametrize(("variants", "limits", "failing"), CASES.values(), ids=CASES)
def test_the_table_of_cases(variants, limits, failing):
    verdicts = judge([PARENT, *variants], limits)
    assert [f"{verdict.kind} {verdict.limit}" for verdict in verdicts if not verdict.passed] == failing


@pytest.mark.parametrize(("rows", "limits", "failing"), WHOLE.values(), ids=WHOLE)
def test_the_table_of_cases_with_parents(rows, limits, failing):
    verdicts = judge(rows, limits)
    assert [f"{verdict.kind} {verdict.limit}" for verdict in verdicts if not verdict.passed] == failing


def test_an_unusable_parent_fails_itself_and_what_needs_it():
    verdicts = judge([row("float32", None, None, None, failure="it crashed"), row("int8", 0.9, None)], DEFAULT)
    failing = [f"{verdict.kind} {verdict.limit}" for verdict in verdicts if not verdict.passed]
    assert failing == ["float32 usable", *WORSE, "int8 latency ratio"]


def test_sentences_name_variant_figure_and_limit():
    verdicts = judge([PARENT, row("int8", 0.8, 1.25)], DEFAULT)
    assert [verdict.sentence for verdict in verdicts] == [
        "float32: runs, and its scores are usable",
        "int8: runs, and its scores are usable",
        "int8: accuracy drop 0.1, at most 0.01 allowed",
        "int8: sensitivity drop 0.1, at most 0.01 allowed",
        "int8: specificity drop 0.1, at most 0.01 allowed",
        "int8: McNemar p 1: no net loss (0 lost, 0 gained)",
        "int8: score drift 0, at most 0.1 allowed",
        "int8: latency ratio 1.25, at most 1.1 allowed",
    ]


def test_without_labels_the_sentence_names_the_disagreement():
    verdicts = judge([unlabelled("float32"), unlabelled("int8", flips=15)], DEFAULT)
    assert verdicts[2].sentence == "int8: disagreement with float 0.5, at most 0.01 allowed"


@pytest.mark.parametrize(
    ("variant", "limits", "sentence"),
    [
        (row("int8", auc=0.94962), BenchLimits(min_auc=0.95), "int8: AUC 0.9496, at least 0.95 needed"),
        (row("int8", auc=0.9499996), BenchLimits(min_auc=0.95), "int8: AUC 0.9499996, at least 0.95 needed"),
        (row("int8", auc=0.95), BenchLimits(min_auc=0.9500001), "int8: AUC 0.95, at least 0.9500001 needed"),
        (row("int8", 0.9 - 5 / 499), BenchLimits(), "int8: accuracy drop 0.01002, at most 0.01 allowed"),
        (row("int8", ratio=1.1004), BenchLimits(), "int8: latency ratio 1.1004, at most 1.1 allowed"),
        (
            row("int8", ratio=1.1049),
            BenchLimits(latency_ratio=1.104),
            "int8: latency ratio 1.105, at most 1.104 allowed",
        ),
        (row("int8", bytes=1_234_568), BenchLimits(size=1.234567), "int8: size in MB 1.235, at most 1.234567 allowed"),
    ],
)
def test_a_failing_figure_never_reads_as_one_that_holds(variant, limits, sentence):
    assert sentence in [verdict.sentence for verdict in judge([PARENT, variant], limits) if not verdict.passed]


def test_a_figure_that_holds_never_reads_as_a_failing_one():
    rows = [PARENT, row("int8", 0.9 - 3 / 30, 1.1046, auc=0.94956)]
    verdicts = judge(rows, dataclasses.replace(NO_LIMITS, accuracy_drop=0.1, latency_ratio=1.1047, min_auc=0.94955))
    assert [verdict.sentence for verdict in verdicts if verdict.kind == "int8" and verdict.passed][1:] == [
        "int8: AUC 0.95, at least 0.94955 needed",
        "int8: accuracy drop 0.1, at most 0.1 allowed",
        "int8: latency ratio 1.1, at most 1.1047 allowed",
    ]
    held = judge([PARENT, row("int8", auc=0.9503)], BenchLimits(min_auc=0.95025))
    assert "int8: AUC 0.9503, at least 0.95025 needed" in [verdict.sentence for verdict in held]


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"accuracy_drop": -0.1}, "max_accuracy_drop"),
        ({"accuracy_drop": 1.5}, "max_accuracy_drop"),
        ({"latency_ratio": 0.0}, "max_latency_ratio"),
        ({"latency_ratio": float("nan")}, "max_latency_ratio"),
        ({"latency_ratio": float("inf")}, "max_latency_ratio: must be a finite number above 0"),
        ({"size": float("inf")}, "max_size: must be a finite number above 0"),
        ({"flips": -1}, "max_flips"),
        ({"sensitivity_drop": 1.01}, "max_sensitivity_drop"),
        ({"score_drift": float("nan")}, "max_score_drift"),
        ({"min_auc": 90.0}, "min_auc"),
        ({"size": 0.0}, "max_size"),
    ],
)
def test_limits_out_of_range_are_refused(wrong, option):
    with pytest.raises(HemotkError, match=option):
        BenchLimits(**wrong)


def test_rows_are_named_with_bundle_and_device_where_there_are_several():
    rows = [row("float32"), row("int8", 0.5, source="phone"), row("float32", bundle="c")]
    assert {verdict.sentence.partition(":")[0] for verdict in judge(rows, DEFAULT)} == {
        "b float32",
        "b int8 on phone",
        "c float32",
    }


@pytest.mark.parametrize(
    ("rows", "limits", "words"),
    [
        ([row("float32"), row("int8")], DEFAULT, ()),
        ([row("float32")], DEFAULT, ("no float parent to compare with: no limit was held",)),
        (
            [row("float32")],
            BenchLimits(min_auc=0.9),
            ("no float parent to compare with: no limit but that on AUC was held",),
        ),
        ([unlabelled("float32")], BenchLimits(min_auc=0.9), ("no float parent to compare with: no limit was held",)),
        ([row("float32")], NO_LIMITS, ()),
        (
            [row("float32")],
            BenchLimits(min_sensitivity=0.9),
            ("no float parent to compare with: no limit but that on sens",),
        ),
        ([unlabelled("float32"), unlabelled("int8")], DEFAULT, ("the images have no labels: the limit on accuracy",)),
        (
            [unlabelled("float32"), unlabelled("int8")],
            BenchLimits(None),
            ("the images have no labels: no limit on sens",),
        ),
        ([unlabelled("float32"), unlabelled("int8")], dataclasses.replace(NO_LIMITS, flips=3), ()),
        (
            [row("float32", positives=30), row("int8", positives=30)],
            DEFAULT,
            ("no image has label 0: no limit on spec",),
        ),
        ([row("float32", positives=0), row("int8", positives=0)], DEFAULT, ("no image has label 1",)),
        ([row("float32"), row("int8", source="phone")], DEFAULT, ("no float32 was run on phone",)),
        ([row("float32"), row("int8", source="phone")], BenchLimits(latency_ratio=None), ()),
    ],
)
def test_limits_that_are_not_held_are_named(rows, limits, words):
    found = left_out(rows, limits)
    assert len(found) == len(words)
    assert all(sentence.startswith(start) for sentence, start in zip(found, words, strict=True))
