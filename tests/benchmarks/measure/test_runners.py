import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from converted_bundles import QUICK, SPEC, draw_images

from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.measure import runners
from hemotk.benchmarks.measure.runners import Runner, RunnerFailed, check_delegate
from hemotk.errors import HemotkError
from hemotk.tflite.scorer import Scorer

# An external delegate that takes no node; its options say when it is to fail.
DELEGATE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
typedef struct Delegate {
  void* data;
  int (*prepare)(void*, struct Delegate*);
  void *copy_from, *copy_to, *release;
  int64_t flags;
  void* builder;
} Delegate;
static int status = 0;
static int prepare(void* context, Delegate* delegate) { return status; }
static Delegate delegate = {0, prepare};
Delegate* tflite_plugin_create_delegate(char** keys, char** values, size_t count, void (*report)(const char*)) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(keys[i], "fail")) continue;
    if (!strcmp(values[i], "create")) { report("no such device"); return 0; }
    if (!strcmp(values[i], "crash")) abort();
    if (!strcmp(values[i], "prepare")) status = 1;
  }
  return &delegate;
}
void tflite_plugin_destroy_delegate(Delegate* delegate) {}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler here to make a delegate with")
    folder = tmp_path_factory.mktemp("delegate")
    (folder / "delegate.c").write_text(DELEGATE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", "delegate.so", "delegate.c"], cwd=folder, check=True)
    return folder / "delegate.so"


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


def test_another_file_of_images_may_take_the_place_of_the_loaded_one(pristine, models, tmp_path):
    scorer, images = Scorer(models["int8"], SPEC), draw_images()
    with Runner(QUICK) as runner:
        for number, part in enumerate((images[:5], images[5:6], images[6:])):
            np.save(tmp_path / "chunk.npy", part)
            if not number:
                runner.load(pristine / "int8.tflite", tmp_path / "chunk.npy", SPEC)
            assert [runner.score(row) for row in range(len(part))] == [scorer.score(image) for image in part]


def test_a_model_that_cannot_be_opened_fails_with_its_sentence(pristine, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes((pristine / "float32.tflite").read_bytes()[:500])
    with Runner(QUICK) as runner, pytest.raises(RunnerFailed, match=r"broken\.tflite: cannot be used as a model"):
        runner.load(broken, images_of(pristine), SPEC)


def test_nothing_is_imported_from_the_current_folder(pristine, tmp_path, monkeypatch):
    for name in ("json", "numpy", "hemotk"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    with Runner(QUICK) as runner:
        load(runner, pristine, "int8")
        assert runner.score(0).logit < 0


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


def test_an_external_delegate_is_loaded_with_its_options(library, pristine, models):
    config = dataclasses.replace(QUICK, delegate=f"{library}:speed=high,fail=never")
    check_delegate(config)
    with Runner(config) as runner:
        load(runner, pristine)
        assert runner.score(1) == Scorer(models["float32"], SPEC).score(draw_images()[1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("create", r"cannot be loaded by .*no such device\); check the path and its options\.$"),
        ("crash", r"cannot be loaded \(the interpreter crashed: Aborted\); check the path and its options\.$"),
    ],
)
def test_a_broken_delegate_is_refused_with_a_sentence(library, options, words):
    with pytest.raises(HemotkError, match=f"^delegate {library}.*: {words}"):
        check_delegate(dataclasses.replace(QUICK, delegate=f"{library}:fail={options}"))


def test_a_missing_delegate_is_refused_and_none_is_no_question(tmp_path):
    check_delegate(QUICK)
    with pytest.raises(HemotkError, match=r"gone\.so: cannot be loaded by .*No such file"):
        check_delegate(dataclasses.replace(QUICK, delegate=str(tmp_path / "gone.so")))


def test_a_delegate_that_refuses_the_model_fails_its_row(library, pristine):
    config = dataclasses.replace(QUICK, delegate=f"{library}:fail=prepare")
    check_delegate(config)
    with Runner(config) as runner, pytest.raises(RunnerFailed, match="cannot be used as a model"):
        load(runner, pristine)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who ends first")
def test_a_worker_ends_before_others_where_memory_runs_out(pristine):
    with Runner(QUICK) as runner:
        load(runner, pristine)
        assert Path(f"/proc/{runner._process.pid}/oom_score_adj").read_text() == "1000\n"


def test_closing_leaves_no_process_behind(pristine):
    with Runner(QUICK) as runner:
        load(runner, pristine)
        process = runner._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_what_the_interpreter_prints_does_not_disturb_the_protocol():
    program = "import os; from hemotk.benchmarks.measure import worker; worker.main(); os.write(1, b'noise')"
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"noise")
