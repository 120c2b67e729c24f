"""Spoiled models: cut short, with bytes flipped, overwritten or moved. The bench outlives them all."""

from dataclasses import replace

import numpy as np
import pytest
from converted_bundles import QUICK, draw_images, write_bundle
from float_and_int8_models import SPEC, float_model, int8_model

from hemotk.artifacts import ImageRef
from hemotk.benchmarks.bench import bench
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.judge.accuracy import RowJudge
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.measure.runners import Runner, RunnerFailed
from hemotk.benchmarks.measure.subject import Subject
from hemotk.tflite.scorer import Scorer

COUNT = 1000
IMAGES = 4
PATIENT = BenchConfig(patience=10.0)


def mutate(content, random):
    """One of the ways a file is spoiled on its way."""
    spoiled = bytearray(content)
    where = int(random.integers(len(spoiled)))
    match random.integers(5):
        case 0:
            return bytes(spoiled[:where])
        case 1:
            spoiled[where] ^= 1 << int(random.integers(8))
        case 2:
            for place in random.integers(len(spoiled), size=random.integers(2, 20)):
                spoiled[place] = random.integers(256)
        case 3:
            spoiled[where : where + 4] = random.bytes(4)
        case 4:
            other = int(random.integers(len(spoiled)))
            spoiled[where : where + 16] = spoiled[other : other + 16]
    return bytes(spoiled)


class Fate:
    """What became of the models: scores, the sentence that refused it, or the sentence that ended its process."""

    def __init__(self, images):
        self.images = images
        self.scored, self.refused, self.ended = {}, {}, {}
        self.runner = Runner(PATIENT)

    def meet(self, content, model):
        """Load and score it, in the process of the last one if that is still there."""
        model.write_bytes(content)
        try:
            self.runner.load(model, self.images, SPEC)
            self.scored[content] = [self.runner.score(row) for row in range(IMAGES)]
        except RunnerFailed as error:
            if "cannot be used as a model" in str(error):
                self.refused[content] = str(error)
                return
            self.ended[content] = str(error)
            self.runner.close()
            self.runner = Runner(PATIENT)


@pytest.fixture(scope="module")
def fate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutations")
    np.save(folder / "images.npy", draw_images()[:IMAGES])
    found, random = Fate(folder / "images.npy"), np.random.default_rng(20)
    parents = (float_model(), int8_model())
    seen: set[bytes] = set()
    while len(seen) < COUNT:
        content = mutate(parents[len(seen) % 2], random)
        if content not in {*seen, *parents}:
            seen.add(content)
            found.meet(content, folder / "model.tflite")
    yield found
    found.runner.close()


def test_every_spoiled_model_is_scored_or_ends_in_a_sentence(fate):
    assert len(fate.scored) + len(fate.refused) + len(fate.ended) == COUNT
    for sentence in (*fate.refused.values(), *fate.ended.values()):
        assert "\n" not in sentence
        assert "Traceback" not in sentence
    for sentence in fate.ended.values():
        assert sentence.startswith(("the interpreter crashed", "no answer within"))
    # Both ends were met, or this would show nothing; whether one crashes depends on the interpreter's version.
    assert min(len(fate.scored), len(fate.refused)) > COUNT // 50


def test_what_still_runs_is_judged_by_its_scores(fate):
    judge = RowJudge([ImageRef(str(row), row % 2) for row in range(IMAGES)], 0.5, 1.0)
    scorer = Scorer(float_model(), SPEC)
    parent = judge.judged([scorer.score(image) for image in draw_images()[:IMAGES]])
    verdicts = set()
    for scores in list(fate.scored.values())[::4]:
        found = judge.judged(scores)
        metrics, findings, paired = judge.metrics(found), judge.findings(found), judge.paired(found, parent)
        assert (metrics is not None) == (paired is not None) == found.finite
        assert found.finite or "NaN or infinity" in findings[0]
        verdicts.add(findings or ("right" if metrics.accuracy.value == 1.0 else "wrong",))
    # Some bytes matter, some do not.
    assert {("right",), ("calls every image positive",)} <= verdicts


def test_a_bench_lists_each_of_them_and_goes_on(fate, tmp_path):
    worst = fate.ended or fate.refused
    chosen = [next(iter(found)) for found in (fate.scored, fate.refused, worst)]
    kinds = ("fp16", "dynamic", "int8")
    models = {"float32": float_model(), **dict(zip(kinds, chosen, strict=True)), "int16x8": int8_model()}
    folder = write_bundle(tmp_path / "spoiled", models, draw_images(), [row % 2 for row in range(len(draw_images()))])
    report = bench(Subject((folder,)), replace(QUICK, limits=BenchLimits(latency_ratio=None)))
    scored, refused, worst = (report.variant(kind) for kind in kinds)
    assert scored.scores is not None
    assert "cannot be used as a model" in refused.failure
    assert worst.failure or worst.scores is not None  # in a process of its own it may come through
    for sound in ("float32", "int16x8"):
        row = report.variant(sound)
        assert (row.failure, row.findings, row.metrics.accuracy.value) == ("", (), 1.0)
        assert row.latency is not None
    assert "dynamic" in {verdict.kind for verdict in report.verdicts if not verdict.passed}
