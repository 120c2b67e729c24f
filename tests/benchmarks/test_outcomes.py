"""Limits that hold, fail or cannot be told, from the statistics to every output."""

import dataclasses
import io
import itertools
import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from converted_bundles import QUICK
from drawn_reports import images, report, row
from measured_rows import NO_LIMITS
from measured_rows import row as measured
from rich.console import Console

from hemotk.artifacts import BenchReport, Drops, Estimate, GroupMetrics, ImageRef, Latency, Verdict
from hemotk.benchmarks.bench import bench
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.judge.accuracy import RowJudge
from hemotk.benchmarks.judge.gate import BUSY, Doubt, judge
from hemotk.benchmarks.judge.limits import BenchLimits, setting_of
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.report import html, junit, markdown
from hemotk.benchmarks.report.terminal import show
from hemotk.cli.main import run
from hemotk.errors import FieldError, HemotkError
from hemotk.stats.metrics import wilson
from hemotk.stats.paired import mcnemar, mcnemar_by_group, median_of_rounds, share_drop
from hemotk.tflite.scorer import Scores


def with_limit(name: str, value: float) -> BenchLimits:
    """That limit and no other."""
    changes: dict[str, Any] = {name: value}
    return dataclasses.replace(NO_LIMITS, **changes)


def outcome(limit, *rows, limits, **doubt):
    """What came of `limit` on the last row: the outcome, whether it passed, the sentence after the row's name."""
    found = [item for item in judge(rows, limits, Doubt(**doubt)) if item.limit == limit and item.kind == rows[-1].kind]
    return found[-1].outcome, found[-1].passed, found[-1].sentence.partition(": ")[2]


def dropped(high, low=0.0, value=0.0, **counts):
    """An int8 row that lost `value` of its accuracy against a parent at 0.9, with an interval."""
    share = Estimate(value, low, high)
    drops = Drops(share, share, share, **{"groups": None, "with_positive": 6, "with_negative": 24, **counts})
    found = measured("int8", 0.9 - value)
    return dataclasses.replace(found, paired=dataclasses.replace(found.paired, drops=drops))


PARENT = measured("float32", 0.9)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (dropped(0.05), "holds"),
        (dropped(0.0501), "cannot tell"),
        (dropped(0.2, 0.0, 0.06), "fails"),
        (dropped(0.2, -0.1, 0.04), "cannot tell"),
    ],
)
@pytest.mark.parametrize("figure", ["accuracy", "sensitivity", "specificity"])
def test_a_drop_fails_by_its_value_and_holds_by_its_whole_interval(variant, expected, figure):
    limits = with_limit(f"{figure}_drop", 0.05)
    assert outcome(f"{figure} drop", PARENT, variant, limits=limits)[0] == expected


@pytest.mark.parametrize(
    ("figure", "counts", "words"),
    [
        ("accuracy", {}, "over 30 images"),
        ("sensitivity", {}, "over 6 images with label 1"),
        ("specificity", {"with_negative": 1}, "over 1 image with label 0"),
        ("accuracy", {"groups": 12}, "over 12 groups of images"),
        ("sensitivity", {"groups": 12}, "over 6 groups of images with label 1"),
        ("accuracy", {"groups": 1}, "over 1 group of images"),
    ],
)
def test_what_cannot_be_told_says_how_few_there_are(figure, counts, words):
    limits = with_limit(f"{figure}_drop", 0.05)
    found = outcome(f"{figure} drop", PARENT, dropped(0.24, -0.1, **counts), limits=limits)
    assert found[2] == f"{figure} drop 0, at most 0.05 allowed; cannot tell: {words} it may be -0.1 to 0.24"


def test_what_cannot_be_told_passes_unless_asked_to_fail():
    limits = dataclasses.replace(NO_LIMITS, accuracy_drop=0.05)
    assert outcome("accuracy drop", PARENT, dropped(0.2), limits=limits)[:2] == ("cannot tell", True)
    assert outcome("accuracy drop", PARENT, dropped(0.2), limits=limits, undecided="fail")[:2] == ("cannot tell", False)
    assert outcome("accuracy drop", PARENT, dropped(0.05), limits=limits, undecided="fail")[:2] == ("holds", True)
    lost = dropped(0.2, 0.0, 0.1)
    assert outcome("accuracy drop", PARENT, lost, limits=limits, undecided="pass")[:2] == ("fails", False)


def timed(value, low, high):
    return measured(
        "int8", 0.9, ratio=value, latency=Latency(1, 1, (1,), ((1,), (1,)), 1, 1, 1, Estimate(value, low, high))
    )


@pytest.mark.parametrize(
    ("times", "busy", "expected"),
    [
        ((1.3, 1.2, 1.4), (), "fails"),
        ((1.3, 1.05, 1.4), (), "cannot tell"),
        ((1.05, 1.0, 1.15), (), "cannot tell"),
        ((1.05, 1.0, 1.1), (), "holds"),
        ((1.3, 1.2, 1.4), ("here",), "cannot tell"),
        ((1.3, 1.2, 1.4), ("phone",), "fails"),
        ((1.05, 1.0, 1.1), ("here",), "cannot tell"),
        ((0.15, 0.14, 0.16), ("here",), "holds"),
        ((30.0, 29.0, 31.0), ("here",), "fails"),
    ],
)
def test_a_time_fails_only_by_its_whole_interval_and_a_busy_machine_widens_it(times, busy, expected):
    limits = dataclasses.replace(NO_LIMITS, latency_ratio=1.1)
    assert outcome("latency ratio", PARENT, timed(*times), limits=limits, busy=busy)[0] == expected


def test_a_busy_machine_is_named_with_what_the_ratio_may_be():
    limits = dataclasses.replace(NO_LIMITS, latency_ratio=1.1)
    said = outcome("latency ratio", PARENT, timed(1.3, 1.2, 1.4), limits=limits, busy=("here",))[2]
    low, high = 1.2 / BUSY, 1.4 * BUSY
    assert said.endswith(f"cannot tell: over 2 rounds on a busy machine it may be {low:.3g} to {high:.3g}")


def test_a_median_in_milliseconds_is_held_by_its_interval_and_not_of_float32():
    rounds = ((9_000_000,) * 3, (10_000_000,) * 3, (11_000_000,) * 3)
    slow = dataclasses.replace(timed(1.0, 1.0, 1.0).latency, rounds_ns=rounds)
    for most, expected in ((8.9, "fails"), (10.5, "cannot tell"), (11.1, "holds")):
        limits = dataclasses.replace(NO_LIMITS, latency_ms=most)
        assert outcome("median in ms", PARENT, measured("int8", latency=slow), limits=limits)[0] == expected
    found = median_of_rounds(rounds)
    assert (found.value, found.low, found.high) == (10_000_000, 9_000_000, 11_000_000)
    rows = [dataclasses.replace(PARENT, latency=slow), measured("int16x8", latency=slow)]
    assert {item.limit for item in judge(rows, dataclasses.replace(NO_LIMITS, latency_ms=1.0))} == {"usable"}
    untimed = outcome(
        "median in ms", PARENT, measured("int8", ratio=None), limits=dataclasses.replace(NO_LIMITS, latency_ms=1)
    )
    assert untimed[0] == "fails" and "not measured" in untimed[2]


@pytest.mark.parametrize(("value", "expected"), [(0.97, "holds"), (0.95, "cannot tell"), (0.89, "fails")])
@pytest.mark.parametrize("figure", ["auc", "sensitivity"])
def test_a_least_value_must_be_reached_by_the_lower_end_as_well_over_groups(figure, value, expected):
    plain, found = Estimate(1.0, 1.0, 1.0), Estimate(value, value - 0.06, 1.0)
    shares = {"accuracy": plain, "sensitivity": plain, "specificity": plain, "auc": plain, figure: found}
    variant = measured("int8", auc=1.0, grouped=GroupMetrics(9, **shares, with_positive=5, with_negative=9))
    limits = with_limit(f"min_{figure}", 0.9)
    limit = {"auc": "AUC", "sensitivity": "sensitivity"}[figure]
    found = outcome(limit, PARENT, variant, limits=limits)
    assert found[0] == expected
    assert ("cannot tell: over " in found[2]) == (expected == "cannot tell")
    if expected == "cannot tell":
        assert ("9 groups of images it" if figure == "auc" else "5 groups of images with label 1 it") in found[2]


def test_a_least_sensitivity_is_asked_of_float32_too_and_left_out_without_positives():
    limits = dataclasses.replace(NO_LIMITS, min_sensitivity=0.95)
    failing = [f"{v.kind} {v.limit}" for v in judge([PARENT, measured("int8", 0.9)], limits) if not v.passed]
    assert failing == ["float32 sensitivity", "int8 sensitivity"]
    assert {v.limit for v in judge([measured("float32", positives=0)], limits)} == {"usable"}


def judged(before, after, labels, groups=None):
    """Rows of float32 and int8 that call the images as given, from `RowJudge`."""
    refs = [ImageRef(str(i), int(label), None if groups is None else int(groups[i])) for i, label in enumerate(labels)]
    judge_ = RowJudge(refs, 0.5, 1.0)
    ours, theirs = (
        judge_.judged([Scores(0.02 if called else -0.02, 0.5) for called in row]) for row in (after, before)
    )
    plain = {"scores": ours.scores(), "latency": None}
    parent = measured("float32", **{**plain, "metrics": judge_.metrics(theirs), "grouped": judge_.grouped(theirs)})
    paired = judge_.paired(ours, theirs)
    return parent, measured(
        "int8", **{**plain, "metrics": judge_.metrics(ours), "grouped": judge_.grouped(ours), "paired": paired}
    )


def worse_int8():
    """Decisions of 1,240 images, 140 with hemorrhage: int8 loses 19 and gains 7, all of them normal."""
    labels = np.arange(1240) < 140
    before = labels.copy()
    before[140 : 140 + 183] = True
    after = before.copy()
    after[140:147] = False
    after[1000:1019] = True
    return before, after, labels


def test_a_loss_of_19_and_a_gain_of_7_decisions_fails_though_accuracy_fell_by_less_than_a_hundredth():
    before, after, labels = worse_int8()
    parent, int8 = judged(before, after, labels)
    assert int8.paired.mcnemar == pytest.approx(0.029, abs=0.001)
    assert int8.paired.drops.accuracy.value == pytest.approx(12 / 1240)
    found = {v.limit: v.outcome for v in judge([parent, int8], BenchLimits(latency_ratio=None)) if v.kind == "int8"}
    assert found["McNemar p"] == "fails" and found["specificity drop"] == "fails"
    assert found["accuracy drop"] == "cannot tell" and found["score drift"] == "holds"


def test_decisions_that_one_patient_lost_are_one_witness_of_a_loss():
    before, after, labels = worse_int8()
    groups = np.arange(1240)
    groups[1000:1019] = 1000
    parent, int8 = judged(before, after, labels, groups)
    assert int8.paired.grouped_mcnemar > 0.5 > int8.paired.mcnemar
    limits = dataclasses.replace(NO_LIMITS, min_mcnemar_p=0.05)
    assert outcome("McNemar p", parent, int8, limits=limits)[0] == "holds"


def test_a_gain_is_no_reason_to_fail_however_sure_it_is():
    before, after, labels = worse_int8()
    parent, int8 = judged(after, before, labels)
    limits = dataclasses.replace(NO_LIMITS, min_mcnemar_p=0.05)
    found = outcome("McNemar p", parent, int8, limits=limits)
    assert found[0] == "holds" and "no net loss (7 lost, 19 gained)" in found[2]


def test_unlabelled_images_hold_the_disagreement_by_its_interval():
    for count, expected in ((30, "cannot tell"), (400, "holds")):
        variant = measured("int8", None)
        paired = dataclasses.replace(variant.paired, agreement=wilson(count, count))
        rows = measured("float32", None), dataclasses.replace(variant, paired=paired)
        assert outcome("disagreement with float", *rows, limits=BenchLimits())[0] == expected


@pytest.mark.parametrize("sums", [(3, -1, 1), (2, 2, -1, -1, 1), (5,), (1, -1), (4, 0, 2, 1, 1, 1)])
def test_the_p_value_over_groups_counts_every_turn_of_whole_groups(sums):
    change = np.concatenate([np.full(abs(total), np.sign(total)) for total in sums] + [np.zeros(4)])
    groups = np.concatenate([np.full(abs(total), place) for place, total in enumerate(sums)] + [np.arange(4)])
    turns = [abs(np.dot(signs, sums)) for signs in itertools.product((1, -1), repeat=len(sums))]
    assert mcnemar_by_group(change, groups) == pytest.approx(np.mean(np.array(turns) >= abs(sum(sums))))


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (19, 7), (7, 19), (5, 5), (40, 2)])
def test_over_groups_of_one_image_it_is_mcnemars(lost, gained):
    change = np.repeat([1, -1, 0], [lost, gained, 9])
    assert mcnemar_by_group(change, np.arange(len(change))) == pytest.approx(mcnemar(lost, gained))


def test_a_drop_without_a_changed_decision_is_as_wide_as_so_many_allow():
    same = np.ones(40, bool)
    alone, few = share_drop(same, same, None), share_drop(same, same, np.arange(40) // 10)
    for found, count in ((alone, 40), (few, 4)):
        assert (found.value, found.low, found.high) == (0, -wilson(0, count).high, wilson(0, count).high)
    assert share_drop(same[:0], same[:0], None, "none there").why == "none there"


def test_the_interval_of_a_drop_is_that_of_whole_groups_drawn_again():
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(60), random.integers(1, 9, 60))
    lost = random.random(60)[groups] < 0.2
    parent, variant = np.ones(len(groups), bool), ~(lost & (random.random(len(groups)) < 0.9))
    draws, members = [], [np.flatnonzero(groups == group) for group in range(60)]
    for _ in range(2000):
        rows = np.concatenate([members[group] for group in random.integers(0, 60, 60)])
        draws.append((parent[rows].astype(int) - variant[rows]).mean())
    found = share_drop(parent, variant, groups)
    assert found.value == pytest.approx((~variant).mean())
    assert found.high == pytest.approx(
        max(np.quantile(draws, 0.975), found.value + wilson(0, 60).high * (1 - found.value)), abs=0.02
    )
    assert found.low == pytest.approx(np.quantile(draws, 0.025), abs=0.03)
    assert found.high - found.low > share_drop(parent, variant, None).high - share_drop(parent, variant, None).low


# --- outputs

UNTOLD = Verdict(
    "accuracy drop",
    "first",
    "here",
    "int8",
    0.0,
    0.01,
    True,
    "int8: accuracy drop 0; cannot tell: so few",
    "cannot tell",
)
CAUTION = "int8: this classifier cannot be told from chance on these images: AUC 0.396 [0.300, 0.500]"


def doubtful(*verdicts, **changes):
    refs = images()
    return report(row("float32", refs), row("int8", refs), refs=refs, verdicts=verdicts, **changes)


def texts(subject):
    stream = io.StringIO()
    show(subject, Console(file=stream, width=200))
    return {
        "terminal": stream.getvalue(),
        "html": html.render(subject),
        "markdown": markdown.render(subject).replace("\\", ""),
    }


def test_every_output_has_the_word_for_what_cannot_be_told():
    held = dataclasses.replace(UNTOLD, outcome="holds")
    for text in texts(doubtful(UNTOLD, held)).values():
        assert "PASS, as far as this bench can tell: int8 decides as float32 does, within the limits" in text
        assert "1 of 2 checks hold, 1 cannot be decided." in text and UNTOLD.sentence in text
    strict = dataclasses.replace(UNTOLD, passed=False)
    for text in texts(doubtful(strict, held)).values():
        assert "FAIL, as was asked for: 1 of 2 checks cannot be decided." in text
    failed = dataclasses.replace(strict, outcome="fails")
    for text in texts(doubtful(UNTOLD, failed)).values():
        assert "FAIL: 1 of 2 checks do not hold, 1 cannot be decided." in text
    assert 'class="verdict undecided"' in html.render(doubtful(UNTOLD))
    assert "verdict failed" in html.render(doubtful(strict))


def test_a_junit_case_that_cannot_be_told_is_skipped_or_fails_where_asked():
    root = ElementTree.fromstring(junit.render(doubtful(UNTOLD)))
    assert root.find(".//skipped").get("message") == UNTOLD.sentence and root.find(".//failure") is None
    assert root.find("testsuite").get("skipped") == "1" and root.get("failures") == "0"
    strict = ElementTree.fromstring(junit.render(doubtful(dataclasses.replace(UNTOLD, passed=False))))
    assert strict.find(".//skipped") is None and strict.find(".//failure").text == UNTOLD.sentence
    assert strict.find("testsuite").get("skipped") == "0" and strict.get("failures") == "1"


def test_a_caution_stands_in_every_output_beside_a_pass():
    held = dataclasses.replace(UNTOLD, outcome="holds")
    subject = doubtful(held, cautions=(CAUTION,))
    for text in texts(subject).values():
        assert "PASS: int8 decides as float32 does" in text and CAUTION in text
    assert ElementTree.fromstring(junit.render(subject)).find("testsuite/system-err").text == f"{CAUTION}."
    assert (
        'class="bad caution"' in html.render(subject)
        and "caution" not in html.render(doubtful(held)).partition("</style>")[2]
    )
    assert json.loads(subject.to_json())["cautions"] == [CAUTION]


def test_outcomes_are_kept_and_reports_from_before_them_are_read(tmp_path):
    subject = doubtful(UNTOLD, cautions=(CAUTION,))
    subject.write(tmp_path / "bench.json")
    assert BenchReport.read(tmp_path / "bench.json") == subject
    body = json.loads((tmp_path / "bench.json").read_text())
    assert body["verdicts"][0]["outcome"] == "cannot tell"
    del body["cautions"], body["verdicts"][0]["outcome"]
    for variant in body["variants"]:
        del variant["slice_level"], variant["strata"]
        for paired in filter(None, (variant["paired"], variant["paired_first"])):
            del paired["drops"], paired["grouped_mcnemar"]
    (tmp_path / "before.json").write_text(json.dumps(body))
    before = BenchReport.read(tmp_path / "before.json")
    assert before.verdicts[0].outcome is None and before.verdicts[0].told == "holds" and before.cautions == ()
    assert before.variants[1].paired.drops is None
    with pytest.raises(FieldError, match="field 'outcome'"):
        dataclasses.replace(UNTOLD, outcome="fails")


# --- the command


def test_too_few_images_pass_with_a_word_and_fail_where_asked(pristine, tmp_path, capsys):
    given = ["bench", str(pristine), "--no-timing"]
    assert run([*given, "--json", str(tmp_path / "bench.json")]) == 0
    assert "PASS, as far as this bench can tell: int8 decides as float32 does" in capsys.readouterr().out
    found = BenchReport.read(tmp_path / "bench.json")
    assert {item.limit: item.told for item in found.verdicts if item.kind == "int8"} == {
        "usable": "holds",
        "accuracy drop": "cannot tell",
        "logit shift": "holds",
        "sensitivity drop": "cannot tell",
        "specificity drop": "cannot tell",
        "McNemar p": "holds",
        "score drift": "holds",
    }
    assert run([*given, "--undecided", "fail"]) == 1
    said = capsys.readouterr().err
    assert (
        "cannot tell: over 12 images" in said
        and "; bench more patients, or on a quiet machine, or change the limits." in said
    )
    wide = [word for name in ("accuracy", "sensitivity", "specificity") for word in (f"--max-{name}-drop", "0.5")]
    assert run([*given, "--undecided", "fail", *wide]) == 0


def test_without_timing_nothing_is_timed_and_the_note_says_so(pristine, tmp_path):
    assert run(["bench", str(pristine), "--no-timing", "--json", str(tmp_path / "bench.json")]) == 0
    found = BenchReport.read(tmp_path / "bench.json")
    assert all(variant.latency is None and variant.scores is not None for variant in found.variants)
    assert "nothing was timed, as was asked for: no limit on time was held" in found.notes
    assert found.warnings == () and found.settings["timing"] is False
    html.render(found)


@pytest.mark.parametrize("limit", ["--max-latency-ratio", "--max-latency-ms"])
def test_a_limit_on_time_without_times_is_refused(pristine, capsys, limit):
    assert run(["bench", str(pristine), "--no-timing", limit, "2"]) == 2
    assert f"{limit} 2: needs times, which --no-timing leaves out" in capsys.readouterr().err


def test_limits_on_time_are_checked_in_the_library_too():
    with pytest.raises(HemotkError, match="latency_ms"):
        BenchConfig(timing=False, limits=BenchLimits(latency_ms=1.0))
    assert BenchConfig(timing=False).held.latency_ratio is None
    assert setting_of("min_mcnemar_p") == "min_mcnemar_p" and setting_of("latency_ms") == "max_latency_ms"


def test_help_names_outcomes_and_exit_codes(capsys):
    assert run(["bench", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "A limit holds, fails, or cannot be told.",
        "The exit code is 0 if no limit fails, and 1 if one does.",
        "--undecided [pass|fail]",
        "--no-timing",
        "--max-latency-ms",
        "--min-sensitivity",
        "[default: 0.1; 0<=x<=1]",
    ):
        assert words in said


@pytest.mark.parametrize("warned", [(), ("other processes used 2 of 2 cores meanwhile",)])
def test_the_bench_s_own_warnings_make_this_machine_busy(pristine, monkeypatch, warned):
    seen: list[Doubt] = []
    monkeypatch.setattr("hemotk.benchmarks.measure.machine.warnings", lambda *_: warned)

    def judged(rows: object, limits: object, doubt: Doubt) -> tuple[()]:
        seen.append(doubt)
        return ()

    monkeypatch.setattr("hemotk.benchmarks.judge.results.gate.judge", judged)
    found = bench(Subject((pristine,)), dataclasses.replace(QUICK, undecided="fail"))
    assert found.warnings == warned
    assert seen == [Doubt(frozenset(["here"] if warned else []), "fail")]
