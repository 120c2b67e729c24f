import pytest

from hemotk.artifacts import HERE, Estimate, Flip, Latency, Metrics, Paired, VariantResult
from hemotk.benchmarks.accuracy import CONSTANT
from hemotk.benchmarks.gate import Limits, judge
from hemotk.errors import HemotkError


def row(kind, accuracy=1.0, ratio=1.0, flips=0, *, failure="", findings=()):
    share = Estimate(accuracy)
    metrics = None if accuracy is None else Metrics(30, 15, 0.5, share, share, share, share, 0.1, 0.1)
    flipped = tuple(Flip(str(index), 1, 0.6, 0.4) for index in range(flips or 0))
    paired = None if flips is None else Paired(share, flipped, flips, 0, 1.0, 0.0, 0.0, Estimate(0.0))
    latency = None if ratio is None else Latency(1, 1, (1,), ((1,),), 1.0, 1.0, 1.0, Estimate(ratio))
    measured = {"metrics": metrics, "paired": paired, "latency": latency}
    return VariantResult("b", HERE, kind, f"{kind}.tflite", "0", 1, failure, findings, **measured)


PARENT = row("float32", 0.9)
DEFAULT = Limits()

# name: (variants after the parent, limits, the checks that fail)
CASES = {
    "as good as the parent": ([row("int8", 0.9)], DEFAULT, []),
    "better and faster": ([row("int8", 1.0, 0.5)], DEFAULT, []),
    "one image of thirty worse": ([row("int8", 0.9 - 1 / 30)], DEFAULT, ["int8 accuracy drop"]),
    "exactly at the limit": ([row("int8", 0.9 - 3 / 30)], Limits(accuracy_drop=0.1), []),
    "just over the limit": ([row("int8", 0.9 - 3 / 30)], Limits(accuracy_drop=0.0999), ["int8 accuracy drop"]),
    "a little slower": ([row("int8", 0.9, 1.1)], DEFAULT, []),
    "too slow": ([row("int8", 0.9, 1.11)], DEFAULT, ["int8 latency ratio"]),
    "every variant is held": (
        [row("fp16", 0.8), row("dynamic", 0.9, 1.5), row("int8", 0.9)],
        DEFAULT,
        ["fp16 accuracy drop", "dynamic latency ratio"],
    ),
    "int16x8 may be slow": ([row("int16x8", 0.9, 30.0)], DEFAULT, []),
    "int16x8 may not be worse": ([row("int16x8", 0.5, 30.0)], DEFAULT, ["int16x8 accuracy drop"]),
    "flips are no limit unless asked": ([row("int8", 0.9, flips=5)], DEFAULT, []),
    "flips within": ([row("int8", 0.9, flips=2)], Limits(flips=2), []),
    "flips beyond": ([row("int8", 0.9, flips=1)], Limits(flips=0), ["int8 flips"]),
    "flips unknown": ([row("int8", 0.9, flips=None)], Limits(flips=9), ["int8 flips"]),
    "time unknown": ([row("int8", 0.9, None)], DEFAULT, ["int8 latency ratio"]),
    "ratio unknown": ([row("int8", 0.9, ratio=None)], Limits(latency_ratio=None), []),
    "crashed": ([row("int8", None, None, None, failure="it crashed")], DEFAULT, ["int8 usable"]),
    "crashed after a perfect score": ([row("int8", 0.9, failure="it crashed")], DEFAULT, ["int8 usable"]),
    "not a number": ([row("int8", None, findings=("gives NaN",))], DEFAULT, ["int8 usable"]),
    "constant": ([row("int8", 0.9, findings=(CONSTANT,))], DEFAULT, ["int8 usable"]),
    "one class is a matter of accuracy": ([row("int8", 0.9, findings=("calls every image positive",))], DEFAULT, []),
    "nothing but the parent": ([], DEFAULT, []),
    "no limits": ([row("int8", 0.1, 9.0, 20)], Limits(None, None, None), []),
}


@pytest.mark.parametrize(("variants", "limits", "failing"), CASES.values(), ids=CASES)
def test_the_table_of_cases(variants, limits, failing):
    verdicts = judge([PARENT, *variants], limits)
    assert [f"{verdict.kind} {verdict.limit}" for verdict in verdicts if not verdict.passed] == failing


def test_an_unusable_parent_fails_itself_and_what_needs_it():
    verdicts = judge([row("float32", None, None, None, failure="it crashed"), row("int8", 0.9, None)], DEFAULT)
    failing = [f"{verdict.kind} {verdict.limit}" for verdict in verdicts if not verdict.passed]
    assert failing == ["float32 usable", "int8 accuracy drop", "int8 latency ratio"]


def test_sentences_name_variant_figure_and_limit():
    verdicts = judge([PARENT, row("int8", 0.8, 1.25)], DEFAULT)
    assert [verdict.sentence for verdict in verdicts] == [
        "float32: runs, and its scores are usable",
        "int8: runs, and its scores are usable",
        "int8: accuracy drop 0.1, at most 0.01 allowed",
        "int8: latency ratio 1.25, at most 1.1 allowed",
    ]


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"accuracy_drop": -0.1}, "--max-accuracy-drop"),
        ({"accuracy_drop": 1.5}, "--max-accuracy-drop"),
        ({"latency_ratio": 0.0}, "--max-latency-ratio"),
        ({"latency_ratio": float("nan")}, "--max-latency-ratio"),
        ({"flips": -1}, "--max-flips"),
    ],
)
def test_limits_out_of_range_are_refused(wrong, option):
    with pytest.raises(HemotkError, match=option):
        Limits(**wrong)
