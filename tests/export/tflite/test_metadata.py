import dataclasses
import json
import shutil
import subprocess
import tracemalloc
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st
from mean_models import LOGISTIC, MEAN, SIZE, Writer, mean_model

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import FieldError, HemotkError
from hemotk.exporting.tflite.about import ModelAbout
from hemotk.exporting.tflite.flatbuffer import read_model, write_model
from hemotk.exporting.tflite.metadata import add_metadata
from hemotk.stats.metrics import calibrated, decide
from hemotk.tflite.metadata_schema import read_files, read_metadata
from hemotk.tflite.runtime import find_runtime
from hemotk.tflite.scorer import Scorer

SPEC = PreprocessSpec(SIZE)
ABOUT = ModelAbout(
    name="first",
    version="2026-01-01",
    author="A. Author",
    license="Apache-2.0",
    arch="densenet201",
    kind="int8",
    labels=("normal", "hemorrhage"),
    preprocess=SPEC,
    threshold=0.35,
    temperature=1.6,
)
INT16 = (2.5 / 32767, 0)
MODELS = {
    "float32": mean_model(),
    "uint8": mean_model("uint8", SPEC.scale, SPEC.zero_point, out=("uint8", 1 / 256, 0)),
    "int16": mean_model("int16", *INT16, out=("int16", 1 / 32768, 0)),
}
FILES = {
    "labels.txt": b"normal\nhemorrhage\n",
    "probability_labels.txt": b"hemorrhage\n",
    "score_calibration.csv": b"1,0.625,0",
}
# What the public reader, tflite-support 0.4.4, says about add_metadata(MODELS[...], ABOUT): its JSON, unchanged.
GOLDEN = Path(__file__).parent / "golden_metadata"

every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def alike(one: object, other: object) -> bool:
    """Equal, but for the six decimals that the public reader prints."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < 2e-6
    return one == other


def graph_metadata(model: bytes) -> dict:
    (graph,) = read_metadata(model)["subgraph_metadata"]
    return graph


def tensor(model: bytes, name: str) -> dict:
    graph = graph_metadata(model)
    (found,) = (
        item for item in (*graph["input_tensor_metadata"], *graph["output_tensor_metadata"]) if item["name"] == name
    )
    return found


def options(model: bytes, name: str, kind: str) -> dict:
    (found,) = (unit["options"] for unit in tensor(model, name)["process_units"] if unit["options_type"] == kind)
    return found


def cam_model() -> bytes:
    writer = Writer()
    pixels, cam = writer.tensor("pixels", (1, SIZE, SIZE, 1)), writer.tensor("cam", (1, SIZE, SIZE, 1))
    over = writer.tensor("over", (2,), "int32", data=np.array([1, 2], np.int32))
    writer.operator(LOGISTIC, [pixels], cam)
    logit = writer.operator(MEAN, [cam, over], writer.tensor("logit", (1, 1)))
    probability = writer.operator(LOGISTIC, [logit], writer.tensor("probability", (1, 1)))
    writer.graph.inputs, writer.graph.outputs = [pixels], [cam, logit, probability]
    writer.signature({"pixels": pixels}, {"probability": probability, "cam": cam, "logit": logit})
    return writer.bytes()


@pytest.mark.parametrize("kind", ["float32", "uint8"])
def test_it_reads_as_the_public_reader_read_it(kind: str) -> None:
    golden = json.loads((GOLDEN / f"{kind}.json").read_text("utf-8"))
    assert alike(read_metadata(add_metadata(MODELS[kind], ABOUT)), golden)


@every_model
def test_the_public_reader_reads_it(model: bytes, tmp_path: Path) -> None:
    public = pytest.importorskip("tflite_support", exc_type=ImportError).metadata
    version = pytest.importorskip("tensorflow_lite_support.metadata.cc.python._pywrap_metadata_version")
    (tmp_path / "model.tflite").write_bytes(add_metadata(model, ABOUT))
    reader = public.MetadataDisplayer.with_model_file(str(tmp_path / "model.tflite"))
    said = json.loads(reader.get_metadata_json())
    assert alike(read_metadata(add_metadata(model, ABOUT)), said)
    assert said["min_parser_version"] == version.GetMinimumMetadataParserVersion(bytes(reader.get_metadata_buffer()))
    assert {name: reader.get_associated_file_buffer(name) for name in reader.get_packed_associated_file_list()} == FILES


def test_it_says_what_the_model_is_for() -> None:
    said = read_metadata(add_metadata(MODELS["float32"], ABOUT))
    assert (said["name"], said["version"], said["author"], said["license"]) == (
        "first",
        "2026-01-01",
        "A. Author",
        "Apache-2.0",
    )
    assert "densenet201, int8" in said["description"]
    assert "research, not for diagnosis" in said["description"]


@every_model
def test_the_scores_stay_the_same(model: bytes, tmp_path: Path) -> None:
    described = add_metadata(model, ABOUT)
    path = tmp_path / "model.tflite"
    path.write_bytes(described)
    scorers = [Scorer(source, SPEC) for source in (model, described, path)]
    for pixels in np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE)).astype(np.uint8):
        before, *after = (scorer.score(pixels) for scorer in scorers)
        assert after == [before, before]


@every_model
def test_everything_else_in_the_model_stays(model: bytes) -> None:
    before, after = read_model(with_entry(model)), read_model(add_metadata(with_entry(model), ABOUT))
    assert [entry.name for entry in after.metadata] == [b"min_runtime_version", b"TFLITE_METADATA"]
    assert after.metadata[0].buffer == before.metadata[0].buffer
    assert len(after.buffers) == len(before.buffers) + 1
    for old, new in zip(before.buffers, after.buffers, strict=False):
        assert np.array_equal(old.data, new.data)
    after.metadata, after.buffers = before.metadata, before.buffers
    assert plain(after) == plain(before)


def with_entry(content: bytes) -> bytes:
    """The model with a metadata entry of another kind."""
    model = read_model(content)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(b"1.14.0", np.uint8)
    model.buffers.append(buffer)
    model.metadata = [schema.MetadataT(b"min_runtime_version", len(model.buffers) - 1)]
    return write_model(model)


def plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in vars(value).items()} if hasattr(value, "__dict__") else value


@every_model
def test_arrays_lie_at_multiples_of_16_bytes(model: bytes) -> None:
    content = add_metadata(with_entry(model), ABOUT)
    packed = schema.Model.GetRootAs(content)
    places = [
        packed.Buffers(index)._tab.Vector(packed.Buffers(index)._tab.Offset(4))
        for index in range(packed.BuffersLength())
        if not packed.Buffers(index).DataIsNone()
    ]
    assert len(places) == 3
    assert [place % 16 for place in places] == [0, 0, 0]


def test_a_big_model_takes_less_than_four_times_its_size() -> None:
    writer = Writer()
    for index in range(20):
        writer.tensor(f"weights{index}", (100_000,), data=np.full(100_000, index, np.float32))
    model = read_model(MODELS["float32"])
    model.buffers += writer.model.buffers[1:]
    content = write_model(model)
    tracemalloc.start()
    try:
        add_metadata(content, ABOUT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(content)


@every_model
def test_the_same_model_gives_the_same_bytes_however_often(model: bytes) -> None:
    once = add_metadata(model, ABOUT)
    assert add_metadata(model, ABOUT) == once
    assert add_metadata(once, ABOUT) == once


def test_new_metadata_replaces_the_old() -> None:
    other = dataclasses.replace(ABOUT, name="second", labels=("no", "yes"), temperature=2.0)
    again = add_metadata(add_metadata(MODELS["float32"], ABOUT), other)
    assert again == add_metadata(MODELS["float32"], other)
    assert read_metadata(again)["name"] == "second"
    assert read_files(again) == {
        "labels.txt": b"no\nyes\n",
        "probability_labels.txt": b"yes\n",
        "score_calibration.csv": b"1,0.5,0",
    }


@pytest.mark.parametrize("index", [0, 1])
def test_an_entry_without_a_buffer_of_its_own_gets_one(index: int) -> None:
    model = read_model(MODELS["float32"])
    model.buffers.insert(1, schema.BufferT())
    for item in model.subgraphs[0].tensors:
        item.buffer += item.buffer > 0
    model.metadata = [schema.MetadataT(b"TFLITE_METADATA", index)]
    content = add_metadata(write_model(model), ABOUT)
    assert read_metadata(content)["name"] == "first"
    assert read_model(content).buffers[0].data is None


def test_the_files_come_out_with_unzip(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(add_metadata(MODELS["uint8"], ABOUT))
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    done = subprocess.run(["unzip", path, "-d", tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES


def test_the_zip_is_stored_readable_and_without_the_time_of_day(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(add_metadata(MODELS["float32"], ABOUT))
    assert read_files(path.read_bytes()) == FILES
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    for entry in entries:
        assert entry.compress_type == zipfile.ZIP_STORED
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o644
        assert path.read_bytes()[entry.header_offset :].startswith(b"PK\3\4")
    assert all(one.header_offset < other.header_offset for one, other in pairwise(entries))


def test_bytes_that_look_like_the_end_of_a_zip_do_no_harm() -> None:
    model = read_model(MODELS["float32"])
    model.description = b"PK\5\6" + bytes(30)
    assert read_files(add_metadata(write_model(model), ABOUT)) == FILES


@every_model
def test_every_file_is_named_in_the_metadata(model: bytes) -> None:
    content = add_metadata(model, ABOUT)
    named = [file["name"] for file in read_metadata(content)["associated_files"]]
    for item in graph_metadata(content)["output_tensor_metadata"]:
        named += [file["name"] for file in item.get("associated_files", [])]
    assert set(named) == set(FILES)


def test_each_axis_has_as_many_labels_as_values() -> None:
    for model in MODELS.values():
        content = add_metadata(model, ABOUT)
        for item in graph_metadata(content)["output_tensor_metadata"]:
            (labels,) = (file["name"] for file in item["associated_files"] if file["type"] == "TENSOR_AXIS_LABELS")
            assert read_files(content)[labels].decode().splitlines() == ["hemorrhage"]


def test_tensors_come_in_the_order_of_the_subgraph() -> None:
    for model, names in [(MODELS["float32"], ["probability", "logit"]), (cam_model(), ["cam", "logit", "probability"])]:
        graph = graph_metadata(add_metadata(model, ABOUT))
        assert [item["name"] for item in graph["input_tensor_metadata"]] == ["pixels"]
        assert [item["name"] for item in graph["output_tensor_metadata"]] == names


@every_model
def test_normalizing_and_quantizing_as_it_says_gives_what_the_model_takes(model: bytes) -> None:
    content = add_metadata(model, ABOUT)
    (detail,) = find_runtime().interpreter(model_content=content).get_input_details()
    scale, zero_point = detail["quantization"] if detail["quantization"][0] else (None, 0)

    def stored(network: np.ndarray) -> np.ndarray:
        return network if scale is None else np.rint(network / scale) + zero_point

    said = options(content, "pixels", "NormalizationOptions")
    taken = stored(SPEC.scale * (np.arange(256) - SPEC.zero_point))
    assert stored((np.arange(256) - said["mean"][0]) / said["std"][0]) == pytest.approx(taken, abs=1e-6)
    if detail["dtype"] == np.uint8:
        assert np.array_equal(taken, np.arange(256))
    stats = tensor(content, "pixels")["stats"]
    assert (stats["min"][0], stats["max"][0]) == pytest.approx((taken[0], taken[255]), abs=1e-6)


def test_a_byte_input_says_that_it_takes_bytes_and_others_that_they_do_not() -> None:
    said = {kind: tensor(add_metadata(model, ABOUT), "pixels")["description"] for kind, model in MODELS.items()}
    assert "holds p as it is" in said["uint8"]
    assert "holds h = (p - 115) / 57.63." in said["float32"]
    assert f"holds round(h / {np.float32(INT16[0]):.9g}) + 0" in said["int16"]
    other = mean_model("uint8", SPEC.scale, SPEC.zero_point + 1)
    assert "round(h /" in tensor(add_metadata(other, ABOUT), "pixels")["description"]


def test_the_picture_is_gray_and_of_the_size() -> None:
    content = tensor(add_metadata(MODELS["uint8"], ABOUT), "pixels")["content"]
    assert content["content_properties_type"] == "ImageProperties"
    assert content["content_properties"]["color_space"] == "GRAYSCALE"
    assert content["content_properties"]["default_size"] == {"width": SIZE, "height": SIZE}


@given(
    logit=st.floats(-60, 60),
    temperature=st.floats(0.25, 8),
    threshold=st.floats(0.01, 0.99),
)
def test_calibrating_as_it_says_decides_as_hemotk_does(logit: float, temperature: float, threshold: float) -> None:
    about = dataclasses.replace(ABOUT, temperature=temperature, threshold=threshold)
    content = add_metadata(MODELS["float32"], about)
    assert options(content, "logit", "ScoreCalibrationOptions") == {}  # IDENTITY is the default
    (file,) = (
        file["name"]
        for file in tensor(content, "logit")["associated_files"]
        if file["type"] == "TENSOR_AXIS_SCORE_CALIBRATION"
    )
    (line,) = read_files(content)[file].decode().split("\n")
    scale, slope, offset = map(float, line.split(","))
    score = scale / (1 + np.exp(-(slope * logit + offset)))
    assert score == pytest.approx(float(calibrated(logit, temperature)), abs=1e-12)
    said = options(content, "logit", "ScoreThresholdingOptions")["global_score_threshold"]
    assert said == pytest.approx(threshold, abs=1e-7)
    if abs(score - threshold) > 1e-7:
        assert (score >= said) == decide(logit, threshold, temperature)


def test_the_probability_has_no_calibration_of_its_own() -> None:
    assert "process_units" not in tensor(add_metadata(MODELS["uint8"], ABOUT), "probability")


@pytest.mark.parametrize(("kind", "most"), [("float32", 1.0), ("uint8", 255.0), ("int16", 32767.0)])
def test_the_range_of_the_probability_is_what_the_tensor_stores(kind: str, most: float) -> None:
    stats = tensor(add_metadata(MODELS[kind], ABOUT), "probability")["stats"]
    assert stats == {"max": [most], "min": [0.0]}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"", "does not begin like a .tflite"),
        (b"PK\3\4" + bytes(40), "does not begin like a .tflite"),
        (mean_model(signature=False), "has no signature"),
        (mean_model(shape=(1, 8, 8, 1)), r"'pixels' \[1, 8, 8, 1\] instead of 'pixels' \[1, 16, 16, 1\]"),
        (mean_model(names=("logit", "score")), "outputs are score, logit instead of logit, probability"),
    ],
)
def test_a_model_of_another_contract_is_refused(model: bytes, reason: str) -> None:
    with pytest.raises(HemotkError, match=reason):
        add_metadata(model, ABOUT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("author", ""),
        ("license", ""),
        ("intended_use", ""),
        ("labels", ("normal", "")),
        ("labels", ("normal\nhealthy", "hemorrhage")),
        ("threshold", 1.0),
        ("temperature", 0.2),
        ("temperature", float("nan")),
    ],
)
def test_what_a_model_cannot_be_is_refused(field: str, value: Any) -> None:
    with pytest.raises(FieldError, match=f"field '{field}' must be"):
        dataclasses.replace(ABOUT, **{field: value})
