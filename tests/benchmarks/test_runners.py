import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from tiny_bundle import QUICK, SPEC, draw_images

from hemotk.benchmarks import runners
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.runners import Runner, RunnerFailed
from hemotk.runtime import Scorer


def images_of(bundle):
    return bundle.with_name(bundle.name + ".testset") / "images.npy"


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Put a program of one's own in the place of the worker."""

    def use(program):
        (tmp_path / "stub_worker.py").write_text(program)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(runners, "WORKER", "stub_worker")

    return use


def load(runner, bundle, model="float32"):
    return runner.load(bundle / f"{model}.tflite", images_of(bundle), SPEC)


@pytest.mark.parametrize("model", ["float32", "int8"])
def test_a_process_of_its_own_gives_the_same_scores(pristine, models, model):
    scorer = Scorer(models[model], SPEC)
    with Runner(QUICK) as runner:
        assert load(runner, pristine, model).first_ns > 0
        assert [runner.score(row) for row in range(3)] == [scorer.score(image) for image in draw_images()[:3]]
        assert len(runner.time(3, 5)) == 5
        assert runner.peak_bytes > 10_000_000


def test_files_of_images_are_scored_one_after_another(pristine, models, tmp_path):
    scorer, images = Scorer(models["int8"], SPEC), draw_images()
    with Runner(QUICK) as runner:
        load(runner, pristine, "int8")
        for part in (images[:5], images[5:6], images[:0]):
            np.save(tmp_path / "chunk.npy", part)
            assert runner.score_all(tmp_path / "chunk.npy") == [scorer.score(image) for image in part]


def test_a_model_that_cannot_be_opened_fails_with_its_sentence(pristine, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes((pristine / "float32.tflite").read_bytes()[:500])
    with Runner(QUICK) as runner, pytest.raises(RunnerFailed, match=r"broken\.tflite: cannot be used as a model"):
        runner.load(broken, images_of(pristine), SPEC)


def test_a_crash_is_called_one_with_its_signal(stub, pristine):
    stub("import os, signal, sys; sys.stdin.readline(); os.kill(os.getpid(), signal.SIGSEGV)")
    with Runner(QUICK) as runner, pytest.raises(RunnerFailed, match="interpreter crashed: Segmentation fault"):
        load(runner, pristine)


def test_a_crash_before_the_first_question_is_no_broken_pipe(stub, pristine):
    stub("import os; os.abort()")
    with Runner(QUICK) as runner:
        runner._process.wait()
        for _ in range(2):
            with pytest.raises(RunnerFailed, match="interpreter crashed: Aborted"):
                load(runner, pristine)


def test_the_last_words_of_a_process_are_passed_on(stub, pristine):
    stub("import sys; sys.stdin.readline(); print('out of luck\\n\\nINFO: hello', file=sys.stderr); sys.exit(1)")
    with Runner(QUICK) as runner, pytest.raises(RunnerFailed, match=r"ended with code 1 \(out of luck\)"):
        load(runner, pristine)


def test_a_model_that_hangs_is_given_up(stub, pristine):
    stub("import signal; signal.pause()")
    with Runner(BenchConfig(patience=0.2)) as runner:
        with pytest.raises(RunnerFailed, match=r"no answer within 0\.2 s"):
            load(runner, pristine)
        assert runner._process.wait() == -signal.SIGKILL


def test_closing_leaves_no_process_behind(pristine):
    with Runner(QUICK) as runner:
        load(runner, pristine)
        process = runner._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_what_the_interpreter_prints_does_not_disturb_the_protocol():
    program = "import os; from hemotk.benchmarks import worker; worker.main(); os.write(1, b'noise')"
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"noise")
