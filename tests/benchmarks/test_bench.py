import dataclasses
import json
import os
from pathlib import Path

import pytest
from converted_bundles import COUNT, QUICK, SPEC, draw_images, edit_card
from scipy.special import expit

from hemotk.artifacts import BenchReport
from hemotk.benchmarks.bench import bench
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.measure.runners import Runner
from hemotk.benchmarks.measure.subject import Subject
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.tflite.scorer import Scorer

# Times of microseconds say nothing; what they are held to is tested with the gate.
EASY = dataclasses.replace(QUICK, limits=BenchLimits(latency_ratio=None))


@pytest.fixture(scope="session")
def report(pristine):
    return bench(Subject((pristine,)), EASY)


def test_every_score_of_every_variant_is_in_the_report(report, models, labels):
    assert [(image.id, image.label) for image in report.images] == [
        (f"class{label}/{row}.png", label) for row, label in enumerate(labels)
    ]
    for kind in ("float32", "int8"):
        scorer = Scorer(models[kind], SPEC)
        expected = [scorer.score(image) for image in draw_images()]
        scores = report.variant(kind).scores
        assert scores.logit == tuple(item.logit for item in expected)
        assert scores.output == tuple(item.probability for item in expected)
        assert scores.probability == pytest.approx([expit(item.logit) for item in expected])


def test_the_network_sees_the_squares_and_so_does_its_int8_form(report):
    assert report.passed
    assert [result.metrics.accuracy.value for result in report.variants] == [1.0, 1.0]
    paired = report.variant("int8").paired
    assert (paired.agreement.value, paired.flips) == (1.0, ())
    assert 0 < paired.max_drift < 0.05
    assert report.variant("float32").paired is None


def test_every_raw_sample_is_in_the_report_with_what_was_measured_beside(report):
    for result in report.variants:
        samples = [sample for samples in result.latency.rounds_ns for sample in samples]
        assert len(samples) >= QUICK.min_runs
        assert min(samples) > 0
        assert result.latency.load_ns > 0
        assert result.latency.first_ns > 0
        assert result.peak_memory_bytes > result.base_memory_bytes > 1_000_000
    assert report.variant("float32").latency.ratio.value == 1.0
    assert report.variant("int8").latency.ratio.value > 0


def test_the_report_says_what_it_was_made_of_and_on(report, pristine):
    assert report.bundles[0].sha256 == sha256_file(pristine / "bundle.json")
    assert report.environment["runtime"] in ("ai_edge_litert", "tflite_runtime")
    assert {"processor", "cores", "system", "versions", "before", "after"} <= set(report.environment)
    assert report.settings["min_runs"] == QUICK.min_runs
    assert report.settings["limits"]["accuracy_drop"] == 0.01


def test_the_report_reads_back_as_it_was_written(report, tmp_path):
    report.write(tmp_path / "bench.json")
    found = BenchReport.read(tmp_path / "bench.json")
    assert found.to_json() == report.to_json()
    assert found.variant("int8").scores == report.variant("int8").scores


@pytest.mark.parametrize("threshold", [0.3, 0.999])
def test_decisions_are_made_at_the_threshold_and_temperature_of_the_card(bundle, threshold):
    edit_card(bundle, threshold=threshold, temperature=2.0)
    found = bench(Subject((bundle,)), EASY)
    result = found.variant("float32")
    assert result.scores.probability == pytest.approx([expit(logit / 2) for logit in result.scores.logit])
    pairs = zip(result.scores.probability, found.images, strict=True)
    right = sum((probability >= threshold) == image.label for probability, image in pairs)
    assert result.metrics.accuracy.value == right / COUNT


def test_flips_are_listed_and_fail_the_gate(make_bundle):
    report = bench(Subject((make_bundle(float32="float32", int8="shifted"),)), EASY)
    result = report.variant("int8")
    assert result.findings == ("calls every image negative where its float parent calls both classes",)
    assert [flip.id for flip in result.paired.flips] == [f"class1/{row}.png" for row in range(1, COUNT, 2)]
    assert (result.paired.lost, result.paired.gained) == (6, 0)
    drift = max(abs(flip.parent - flip.variant) for flip in result.paired.flips)
    assert not report.passed
    assert [verdict.sentence for verdict in report.verdicts if not verdict.passed] == [
        "int8: calls every image negative where its float parent calls both classes",
        "int8: accuracy drop 0.5, at most 0.01 allowed",
        "int8: sensitivity drop 1, at most 0.01 allowed",
        "int8: McNemar p 0.0312, at least 0.05 needed (6 lost, 0 gained)",
        f"int8: score drift {drift:.3g}, at most 0.1 allowed",
        "int8: logit shift 2.21, at most 0.02 allowed",
    ]


def test_a_model_cut_short_fails_its_row_and_no_other(make_bundle, models):
    report = bench(Subject((make_bundle(float32="float32", fp16=models["int8"][:700], int8="int8"),)), EASY)
    broken, sound = report.variant("fp16"), report.variant("int8")
    assert "fp16.tflite: cannot be used as a model" in broken.failure
    assert (broken.scores, broken.metrics, broken.paired, broken.latency) == (None,) * 4
    assert not sound.failure
    assert sound.metrics.accuracy.value == 1.0
    assert [verdict.kind for verdict in report.verdicts if not verdict.passed] == ["fp16"]


@pytest.mark.parametrize(
    ("model", "finding"),
    [("nan", "gives NaN or infinity for 12 of 12 images"), ("constant", "gives every image the same score")],
)
def test_nan_and_constants_are_called_by_name_and_fail(make_bundle, model, finding):
    report = bench(Subject((make_bundle(float32="float32", int8=model),)), EASY)
    assert report.variant("int8").findings == (finding,)
    assert report.variant("int8").latency is not None
    assert [verdict.sentence for verdict in report.verdicts if not verdict.passed] == [f"int8: {finding}"]
    assert BenchReport.from_dict(json.loads(report.to_json()), Path("bench.json")).to_json() == report.to_json()


@pytest.mark.parametrize(("call", "dies_at"), [("load", 1), ("score", 4), ("time", 1), ("time", 2)])
def test_a_worker_that_dies_at_any_moment_fails_its_row_and_no_other(pristine, monkeypatch, call, dies_at):
    calls, original = [], getattr(Runner, call)

    def dying(self, *args):
        calls.append(self)
        if self is calls[0] and calls.count(self) == dies_at:
            self._process.kill()
            self._process.wait()
        return original(self, *args)

    monkeypatch.setattr(Runner, call, dying)
    report = bench(Subject((pristine,)), EASY)
    parent, variant = report.variants
    assert "the interpreter crashed: Killed" in parent.failure
    assert not variant.failure
    assert variant.metrics.accuracy.value == 1.0
    assert (variant.paired is None) == (call != "time")
    assert not report.passed


def test_one_class_has_accuracy_and_says_why_the_auc_is_missing(make_bundle):
    report = bench(Subject((make_bundle(float32="float32", int8="int8", labels=[1, 1, 1]),)), EASY)
    metrics = report.variant("int8").metrics
    assert metrics.accuracy.value == 1 / 3
    assert metrics.auc.value is None
    assert "no image with label 0" in metrics.auc.why
    assert report.variant("int8").paired.auc_difference.value is None
    assert report.passed


@pytest.mark.parametrize("name", ["int8.tflite", "labels.txt", "../tiny.testset/images.npy"])
def test_nothing_is_loaded_when_a_checksum_is_wrong(bundle, monkeypatch, name):
    path = bundle / name
    path.write_bytes(path.read_bytes() + b"\0")
    monkeypatch.setattr(Runner, "load", lambda *args: pytest.fail("a model was loaded"))
    with pytest.raises(HemotkError, match="is not the recorded"):
        bench(Subject((bundle,)), EASY)


def test_a_processor_that_is_not_there_is_refused(pristine):
    with pytest.raises(HemotkError, match="no processor 4095 to use here"):
        bench(Subject((pristine,)), dataclasses.replace(EASY, cpus=(4095,)))


def test_workers_are_pinned_where_asked(pristine, monkeypatch):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system cannot pin processes")
    cpu, seen, original = min(os.sched_getaffinity(0)), [], Runner.score

    def looking(self, row):
        seen.append(os.sched_getaffinity(self._process.pid))
        return original(self, row)

    monkeypatch.setattr(Runner, "score", looking)
    bench(Subject((pristine,)), dataclasses.replace(EASY, cpus=(cpu,)))
    assert all(found == {cpu} for found in seen)
    assert len(seen) == 2 * COUNT


def test_progress_names_what_is_done(pristine):
    seen = []
    bench(Subject((pristine,)), EASY, lambda what, done, total, note="": seen.append((what, done / total)))
    assert list(dict.fromkeys(what for what, _ in seen)) == ["scoring float32", "scoring int8", "timing"]
    for what in ("scoring float32", "scoring int8", "timing"):
        steps = [done for name, done in seen if name == what]
        assert steps == sorted(steps)
        assert steps[-1] == 1.0
