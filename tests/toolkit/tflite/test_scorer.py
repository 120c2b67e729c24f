"""The models here are written tensor by tensor: the logit is the mean of the input, so every score is known exactly."""

import os
import subprocess
import sys
import types

import numpy as np
import pytest
from mean_models import SIZE, mean_model
from scipy.special import expit

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.quiet import without_remarks
from hemotk.tflite import runtime
from hemotk.tflite.scorer import Scorer

SPEC = PreprocessSpec(size=SIZE)


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(0, 256, (SIZE, SIZE)).astype(np.uint8)


@pytest.fixture
def network_mean(pixels):
    return float(np.mean(SPEC.scale * (pixels.astype(float) - SPEC.zero_point)))


@pytest.mark.parametrize("signature", [True, False])
def test_float_input_gets_the_network_value_of_each_byte(pixels, network_mean, signature):
    found = Scorer(mean_model(signature=signature), SPEC).score(pixels)
    assert found.logit == pytest.approx(network_mean, abs=1e-5)
    assert found.probability == pytest.approx(expit(network_mean), abs=1e-5)


def test_uint8_input_gets_the_pixel_bytes_themselves(pixels, network_mean):
    model = mean_model("uint8", SPEC.scale, SPEC.zero_point)
    assert Scorer(model, SPEC).score(pixels).logit == pytest.approx(network_mean, abs=1e-5)


@pytest.mark.parametrize(("dtype", "scale", "zero_point"), [("int8", 0.02, -12), ("int16", 1e-4, 0), ("int8", 0.01, 5)])
def test_signed_inputs_are_quantized_rounded_and_clipped(pixels, dtype, scale, zero_point):
    limits = np.iinfo(dtype)
    network = SPEC.scale * (pixels.astype(float) - SPEC.zero_point)
    stored = np.clip(np.rint(network / scale) + zero_point, limits.min, limits.max)
    found = Scorer(mean_model(dtype, scale, zero_point), SPEC).score(pixels)
    assert found.logit == pytest.approx(np.mean(scale * (stored - zero_point)), abs=1e-5)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"), [("uint8", 0.03, 120), ("int8", 0.03, -7), ("int16", 1e-3, 0)]
)
def test_quantized_outputs_are_dequantized(pixels, network_mean, dtype, scale, zero_point):
    float32 = "float32"
    if (
        dtype == "int16"
    ):  # there is no float32 → int16 QUANTIZE for every shape in every runtime; the reading is the same
        pytest.importorskip("ai_edge_litert")
    found = Scorer(mean_model(float32, out=(dtype, scale, zero_point)), SPEC).score(pixels)
    assert found.logit == pytest.approx(round(network_mean / scale) * scale, abs=1e-6)


def test_a_path_and_threads_give_the_same_scores(tmp_path, pixels):
    path = tmp_path / "mean.tflite"
    path.write_bytes(mean_model())
    assert Scorer(path, SPEC, threads=2).score(pixels) == Scorer(mean_model(), SPEC).score(pixels)


def test_feed_invoke_read_are_score_in_steps(pixels):
    scorer = Scorer(mean_model(), SPEC)
    scorer.feed(pixels)
    scorer.invoke()
    assert scorer.read() == scorer.score(pixels)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (b"", "it is empty"),
        (b"not a model at all, just text", "not a valid"),
        (mean_model()[: len(mean_model()) // 2], "not a valid"),
        (mean_model(shape=(1, 8, 8, 1)), r"\[\[1, 8, 8, 1\]\] instead of one of \[1, 16, 16, 1\]"),
        (mean_model(shape=(1, SIZE, SIZE, 3), axes=(1, 2, 3)), "instead of one of"),
        (mean_model(shape=(2, SIZE, SIZE, 1), axes=(0, 1, 2)), "instead of one of"),
        (mean_model("uint8", 0.0173, 115), "scale 0.0173 and zero point 115 where the pixel contract"),
        (mean_model("uint8", SPEC.scale, 114), "zero point 114 where the pixel contract"),
        (mean_model("int32"), "an input of type int32"),
        (mean_model("int8"), "no usable quantization scale for the input"),
        (mean_model(names=("score", "probability")), r"no output 'logit' \(it has probability, score\)"),
        (mean_model(axes=(1,)), r"output 'logit' of shape \[1, 1, 16, 1\] instead of one number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_models_are_one_sentence(tmp_path, model, words):
    path = tmp_path / "broken.tflite"
    path.write_bytes(model)
    with pytest.raises(HemotkError, match=words) as caught:
        Scorer(path, SPEC)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(HemotkError, match=r"gone\.tflite: no such file"):
        Scorer(tmp_path / "gone.tflite", SPEC)


@pytest.mark.parametrize("image", [np.zeros((SIZE, SIZE), np.float32), np.zeros((SIZE, SIZE + 1), np.uint8)])
def test_images_of_another_size_or_type_are_refused(image):
    with pytest.raises(HemotkError, match="takes uint8 images of 16×16"):
        Scorer(mean_model(), SPEC).score(image)


def test_every_truncation_is_refused_and_none_crashes(tmp_path):
    program = """
import sys
from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.tflite.scorer import Scorer
data = sys.stdin.buffer.read()
for end in range(0, len(data), 7):
    try:
        Scorer(data[:end], PreprocessSpec(size=16))
    except HemotkError:
        continue
    sys.exit(f"accepted {end} of {len(data)} bytes")
"""
    done = subprocess.run([sys.executable, "-c", program], input=mean_model(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_the_runtime_found_names_itself():
    found = runtime.find_runtime()
    assert found.name in runtime.RUNTIMES
    assert str(found) == f"{found.name} {found.version}"
    assert found.version[0].isdigit()


def test_an_unknown_runtime_is_refused_by_name():
    with pytest.raises(HemotkError, match=r"runtime tensorflow.*ai_edge_litert, tflite_runtime"):
        runtime.find_runtime("tensorflow")


def fake_runtimes(monkeypatch, installed):
    def fake_import(name):
        package = name.partition(".")[0]
        if package not in installed:
            raise ImportError(f"No module named '{package}'")
        return types.SimpleNamespace(__version__="9.9", Interpreter=f"{package} interpreter")

    monkeypatch.setattr(runtime.importlib, "import_module", fake_import)


@pytest.mark.parametrize(
    ("installed", "preferred", "found"),
    [
        (runtime.RUNTIMES, None, "ai_edge_litert"),
        (runtime.RUNTIMES, "tflite_runtime", "tflite_runtime"),
        (("tflite_runtime",), None, "tflite_runtime"),
    ],
)
def test_the_order_of_lookup(monkeypatch, installed, preferred, found):
    fake_runtimes(monkeypatch, installed)
    assert runtime.find_runtime(preferred) == runtime.Runtime(found, "9.9", f"{found} interpreter")


@pytest.mark.parametrize(("preferred", "package"), [(None, "ai-edge-litert"), ("tflite_runtime", "tflite-runtime")])
def test_without_a_runtime_the_remedy_is_the_pip_command(monkeypatch, preferred, package):
    fake_runtimes(monkeypatch, ())
    with pytest.raises(HemotkError, match=f"run `pip install {package}`"):
        runtime.find_runtime(preferred)


def test_importing_the_module_loads_no_interpreter():
    program = (
        "import sys, hemotk.tflite.scorer; sys.exit('ai_edge_litert' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_interpreters_remarks_are_held_back_and_its_complaints_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    with without_remarks():
        os.write(2, b"INFO: Created a delegate.\nERROR: something broke\n")
    os.write(2, b"INFO: afterwards\n")
    assert capfd.readouterr().err == "ERROR: something broke\nINFO: afterwards\n"


@pytest.mark.parametrize(
    ("text", "library", "options"),
    [
        ("libedgetpu.so.1", "libedgetpu.so.1", {}),
        ("/opt/npu.so:device=usb:0,speed=fast", "/opt/npu.so", {"device": "usb:0", "speed": "fast"}),
        ("C:\\npu\\d.dll:a=", "C:\\npu\\d.dll", {"a": ""}),
        ("C:\\d.dll", "C:\\d.dll", {}),
        ("d.so:cache=/tmp/x:y=z", "d.so", {"cache": "/tmp/x:y=z"}),
    ],
)
def test_a_delegate_is_a_library_and_its_options(text, library, options):
    assert runtime.Delegate.parse(text) == runtime.Delegate(library, options)


@pytest.mark.parametrize("text", ["", "a=b", ":a=b", "d.so:a=b,c", "d.so:a=b,=c"])
def test_other_words_are_no_delegate(text):
    with pytest.raises(HemotkError, match=r"write it as PATH or PATH:key=value"):
        runtime.Delegate.parse(text)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the interpreter's own __del__
def test_a_delegate_that_is_missing_or_none_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "text.so").write_text("no library")
    for name in ("gone.so", "text.so"):
        with pytest.raises(HemotkError, match=rf"delegate .*{name}: cannot be loaded by .*; check the path"):
            runtime.Delegate(str(tmp_path / name), {}).load(runtime.find_runtime())
    with pytest.raises(HemotkError, match=r"cannot be loaded by .*tflite_plugin_create_delegate"):
        runtime.Delegate("libc.so.6", {}).load(runtime.find_runtime())
    with pytest.raises(HemotkError, match="takes no delegates"):
        runtime.Delegate("d.so", {}).load(runtime.Runtime("old", "0", None))
