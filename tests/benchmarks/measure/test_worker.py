import dataclasses
import io
import json
import math
import subprocess
import sys

import pytest
from converted_bundles import SPEC, draw_images

from hemotk.benchmarks.measure import worker
from hemotk.tflite.scorer import Scorer


def request(bundle, model="float32", **changes):
    return {
        "do": "load",
        "model": str(bundle / f"{model}.tflite"),
        "images": str(bundle.with_name(bundle.name + ".testset") / "images.npy"),
        "preprocess": dataclasses.asdict(SPEC),
        "threads": 1,
        "runtime": None,
        "delegate": None,
        "cpus": [],
        **changes,
    }


@pytest.fixture
def loaded(pristine):
    subject = worker.Worker()
    assert "error" not in subject.answer(request(pristine))
    return subject


def test_loading_says_how_long_opening_and_the_first_inference_took(pristine):
    answer = worker.Worker().answer(request(pristine))
    assert answer["load_ns"] > 0
    assert answer["first_ns"] > 0
    assert answer["base_bytes"] > 1_000_000


def test_scores_are_those_of_the_scorer_itself(loaded, models):
    scorer = Scorer(models["float32"], SPEC)
    for row, image in enumerate(draw_images()):
        assert loaded.answer({"do": "score", "row": row}) == dataclasses.asdict(scorer.score(image))


def test_timing_gives_as_many_samples_as_asked_for_and_goes_through_the_images_in_turn(loaded, monkeypatch):
    rows, read = [], worker.read_image

    def watched(images, row):
        rows.append(row)
        return read(images, row)

    monkeypatch.setattr(worker, "read_image", watched)
    answer = loaded.answer({"do": "time", "rows": 3, "runs": 4})
    assert len(answer["samples_ns"]) == 4
    assert min(answer["samples_ns"]) > 0
    assert answer["peak_bytes"] > 1_000_000
    loaded.answer({"do": "time", "rows": 3, "runs": 1})
    assert rows == [0, 1, 2, 0, 1, 1, 2]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the interpreter's own __del__
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "/nowhere/gone.tflite"}, "no such file"),
        ({"images": "/nowhere/images.npy"}, "has no image 0"),
        ({"runtime": "tensorflow"}, "is not known"),
        ({"delegate": "a=b"}, "write it as PATH"),
        ({"delegate": "libc.so.6"}, "delegate libc.so.6: cannot be loaded"),
    ],
)
def test_what_cannot_be_loaded_is_answered_with_a_sentence(pristine, changes, words):
    assert words in worker.Worker().answer(request(pristine, **changes))["error"]


def test_asking_before_loading_is_answered_with_a_sentence():
    assert "before a model was loaded" in worker.Worker().answer({"do": "score", "row": 0})["error"]


def test_one_line_comes_back_for_each_that_goes_in_and_nan_travels(make_bundle):
    made = make_bundle(float32="nan")
    lines = [request(made), {"do": "score", "row": 1}, {"do": "score", "row": 99}]
    answers = io.StringIO()
    worker.serve(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)), answers)
    first, second, third = map(json.loads, answers.getvalue().splitlines())
    assert first["first_ns"] > 0
    assert math.isnan(second["logit"])
    assert "has no image 99" in third["error"]


def test_peak_memory_counts_what_was_held():
    program = """
from hemotk.benchmarks.measure.worker import peak_memory
before = peak_memory()
block = bytearray(80_000_000)
print(peak_memory() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert 75_000_000 < int(done.stdout) < 90_000_000


def test_a_worker_imports_neither_tensorflow_nor_what_the_parent_prints_with():
    program = """
import sys, hemotk.benchmarks.measure.worker
print([name for name in ("tensorflow", "tf_keras", "litert_quantizer", "rich", "click") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
