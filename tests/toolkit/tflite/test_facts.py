import types

import numpy as np
import pytest
from mean_models import SIZE, mean_model

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.tflite.facts import ModelTensor, is_model, read_facts
from hemotk.tflite.runtime import Runtime, find_runtime

SPEC = PreprocessSpec(size=SIZE)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return path

    return write


def test_a_quantized_model_in_its_own_words(write):
    path = write(mean_model("uint8", SPEC.scale, SPEC.zero_point, out=("uint8", 0.03, 120)))
    facts = read_facts(path)
    scale = float(np.float32(SPEC.scale))
    assert facts.inputs == (ModelTensor("pixels", "uint8", (1, SIZE, SIZE, 1), scale, 115),)
    assert {tensor.name for tensor in facts.outputs} == {"logit", "probability"}
    assert {(tensor.dtype, tensor.zero_point) for tensor in facts.outputs} == {("uint8", 120)}
    assert facts.operators == {"QUANTIZE": 2, "DEQUANTIZE": 1, "MEAN": 1, "LOGISTIC": 1}
    assert next(iter(facts.operators)) == "QUANTIZE"
    assert facts.signatures == ("serving_default",)
    assert facts.tensors == 7
    assert facts.runtime == str(find_runtime())


def test_without_a_signature_the_tensors_names_count(write):
    facts = read_facts(write(mean_model(signature=False)))
    assert facts.signatures == ()
    assert [tensor.name for tensor in facts.inputs] == ["pixels"]
    assert [tensor.name for tensor in facts.outputs] == ["probability", "logit"]


def test_an_interpreter_that_lists_no_operators_is_no_error(write):
    found = find_runtime()

    def interpreter(**options):
        inner = found.interpreter(**options)
        names = ("get_signature_list", "get_signature_runner", "get_tensor_details")
        return types.SimpleNamespace(**{name: getattr(inner, name) for name in names})

    path = write(mean_model())
    facts = read_facts(path, Runtime("other", "1", interpreter))
    assert facts.operators is None
    assert facts.tensors == read_facts(path).tensors == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin like one"),
        (b"\x89PNG and so on", "does not begin like one"),
        (mean_model()[: len(mean_model()) // 2], "not a valid"),
    ],
)
def test_what_is_no_model_is_one_sentence(write, content, words):
    path = write(content)
    with pytest.raises(HemotkError, match=rf"is no whole \.tflite model \(.*{words}.*; export it again") as caught:
        read_facts(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(HemotkError, match=r"gone\.tflite: no such file"):
        read_facts(tmp_path / "gone.tflite")
    with pytest.raises(HemotkError, match="cannot be read"):
        read_facts(tmp_path)


def test_a_model_is_known_by_its_name_or_its_first_bytes(tmp_path):
    other = tmp_path / "model.bin"
    other.write_bytes(mean_model())
    assert is_model(other)
    assert is_model(tmp_path / "gone.TFLITE")
    other.write_bytes(b"TFL3 in the wrong place")
    assert not is_model(other)
    assert not is_model(tmp_path)
    assert not is_model(tmp_path / "gone.png")
