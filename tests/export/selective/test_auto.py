import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_densenet_run, make_run, make_split
from random_networks import graph_of, random_pixels, trained_like

from hemotk.artifacts import BundleCard, PreprocessSpec
from hemotk.errors import CheckFailed, FieldError
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph.ir import Graph
from hemotk.exporting.integer.calibrate import channel_ranges
from hemotk.exporting.integer.float_head import head_operations
from hemotk.exporting.integer.graph import INT8_STEPS, integer_graph
from hemotk.exporting.integer.quantize import logit_range, pixel_ranges
from hemotk.exporting.other import open_other
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.selective.auto import select_layers
from hemotk.exporting.selective.layers import graph_layers
from hemotk.exporting.selective.sensitivity import Selection, Tolerance
from hemotk.exporting.source import Source, open_run
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.exporting.tflite.flatbuffer import operators, specs
from hemotk.exporting.variants import Candidate
from hemotk.exporting.verify import check_form, check_placement
from hemotk.models.shape import CnnShape, DenseNetShape, LayerShape
from hemotk.progress import silent
from hemotk.tflite.placement import placement
from hemotk.tflite.runtime import find_runtime
from hemotk.tflite.scorer import Scorer

SIZE = 48
SPEC = PreprocessSpec(SIZE)
BLOCKS = ((LayerShape(12, 6), LayerShape(10, 8)), (LayerShape(14, 6), LayerShape(16, 8)))
SHAPE = DenseNetShape(12, BLOCKS, (12,), hidden=(8,))
LAYERS = ["stem", "conv2_block1", "conv2_block2", "pool2", "conv3_block1", "conv3_block2", "head"]
BAD = "conv3_block1"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return plain(graph_of(SHAPE, trained_like(SHAPE, 2, SIZE)))


@pytest.fixture(scope="module")
def parent(graph: Graph) -> bytes:
    return convert_graph(graph, SIZE)


@pytest.fixture(scope="module")
def int8(graph: Graph) -> Candidate:
    made = integer_graph(graph, channel_ranges(graph, random_pixels(48, SIZE), SPEC), INT8_STEPS)
    ranges = {**made.ranges, "logit": logit_range(made.ranges["logit"], 0.0, 0.1)}
    return Candidate(convert_graph(made.graph, SIZE), Recipe("int8"), SPEC, ranges)


@pytest.fixture(scope="module")
def spoilt(int8: Candidate) -> Candidate:
    """One layer's bottleneck gets a range 200 times too wide, so that int8 leaves next to nothing of it."""
    low, high = int8.ranges[f"{BAD}_reduce"]
    wide = {**int8.ranges, f"{BAD}_reduce": (200 * low, 200 * high)}
    return Candidate(int8.content, int8.recipe, int8.spec, wide)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("auto")
    return open_run(make_densenet_run(folder / "run", make_split(folder / "images"), SHAPE, SIZE, seed=2))


def selected(source: Source, graph: Graph, parent: bytes, int8: Candidate, drift: float) -> Selection:
    return select_layers(source, graph_layers(graph), parent, int8, tolerance=Tolerance(1.0, drift), tell=silent)


def test_every_operation_that_computes_belongs_to_one_layer(graph: Graph, int8: Candidate) -> None:
    by_layer = graph_layers(graph).operations
    assert list(by_layer) == LAYERS
    grouped = [operation for operations in by_layer.values() for operation in operations]
    made = [operator.outputs[0].partition("/")[0] for operator in operators(int8.content)]
    left = {name for name in made if name not in grouped and not name.endswith("_concat")}
    assert left - set(pixel_ranges(SPEC)) == {"logit", "probability"}
    assert len(set(grouped)) == len(grouped)


@pytest.mark.parametrize("layers", [[layer] for layer in LAYERS] + [LAYERS])
def test_kept_layers_are_float_inside_and_bytes_outside(layers: list[str], graph: Graph, int8: Candidate) -> None:
    content = int8.keeping(graph_layers(graph).of(layers)).quantized()
    check_form("int8", content, SPEC)
    runtime = find_runtime("ai_edge_litert")
    check_placement("int8", placement(content, runtime), runtime.name)
    assert "DEQUANTIZE" in {operator.name for operator in operators(content)}
    pixels, outputs = specs(content)
    assert {pixels.dtype, *(output.dtype for output in outputs.values())} == {"uint8"}


def test_neighbours_hand_over_float(graph: Graph, int8: Candidate) -> None:
    alone = graph_layers(graph).of(["conv2_block1"])
    assert alone == ("conv2_block1_act", "conv2_block1_reduce", "conv2_block1_expand")
    found = graph_layers(graph).of(["head", "conv2_block1", "conv3_block2", "conv2_block2"])
    assert {name for name in found if name.endswith("_concat")} == {"conv2_block1_concat", "conv3_block2_concat"}
    everything = operators(int8.keeping(graph_layers(graph).of(LAYERS)).quantized())
    assert [operator.name for operator in everything].count("DEQUANTIZE") == 1  # behind the input


def test_a_map_that_comes_out_is_bytes_too(graph: Graph) -> None:
    mapped = replace(graph, head=replace(graph.head, hidden=(), cam=True))
    assert graph_layers(mapped).operations["head"] == ("head_act",)


def test_the_spoilt_layer_is_found_and_kept(source: Source, graph: Graph, parent: bytes, spoilt: Candidate) -> None:
    found = selected(source, graph, parent, spoilt, 0.1)
    assert found.ranking[0].layer == BAD
    assert found.kept == (BAD,)
    assert found.plain.score_drift > 0.5 > found.reached.score_drift
    assert sorted(each.layer for each in found.ranking) == sorted(LAYERS)


def test_what_was_reached_is_what_the_kept_variant_does(
    source: Source, graph: Graph, parent: bytes, spoilt: Candidate
) -> None:
    found = selected(source, graph, parent, spoilt, 0.1)
    pixels = source.pixels(source.split.part("validation"))
    variants = (parent, spoilt.keeping(graph_layers(graph).of(found.kept)).quantized())
    first, second = ([Scorer(content, SPEC).score(image).logit for image in pixels] for content in variants)
    assert found.reached.error == pytest.approx(np.mean(np.subtract(first, second) ** 2))


def test_only_validation_images_are_read(source: Source, graph: Graph, parent: bytes, int8: Candidate) -> None:
    hidden = [path for path in Path(source.root).iterdir() if not path.name.startswith("validation_")]
    assert hidden
    for path in hidden:
        path.rename(path.with_suffix(".away"))
    try:
        assert selected(source, graph, parent, int8, 1.0).kept == ()
    finally:
        for path in hidden:
            path.with_suffix(".away").rename(path)


def test_byte_outputs_cannot_be_exact(source: Source, graph: Graph, parent: bytes, int8: Candidate) -> None:
    with pytest.raises(CheckFailed, match="even with every layer in float32"):
        selected(source, graph, parent, int8, 0.0)


def exported(source: Source, out: Path, tolerance: Tolerance) -> BundleCard:
    return export_run(source.folder, out, ExportConfig(calibration=12, auto=tolerance))


def test_a_bundle_says_what_was_kept(source: Source, tmp_path: Path) -> None:
    plain_int8 = exported(source, tmp_path / "plain", Tolerance(1.0, 1.0))
    assert plain_int8.recipe["auto"] == {"accuracy_drop": 1.0, "score_drift": 1.0, "kept": [], "ranking": []}
    assert "sensitivity.png" not in plain_int8.files
    drift = Selection.read(tmp_path / "plain" / "sensitivity.json").plain.score_drift

    card = exported(source, tmp_path / "kept", Tolerance(1.0, 0.8 * drift))
    found = Selection.read(tmp_path / "kept" / "sensitivity.json")
    assert {"sensitivity.json", "sensitivity.png"} <= set(card.files)
    assert card.recipe["auto"]["kept"] == list(found.kept) != []
    assert card.recipe["auto"]["ranking"] == [each.layer for each in found.ranking]
    (variant,) = card.recipe["variants"]
    assert f"{found.kept[0]}_act" in variant["keep_float"] or found.kept[0] == "stem"
    written = (tmp_path / "kept" / "model_int8.tflite").read_bytes()
    assert "DEQUANTIZE" in {operator.name for operator in operators(written)}
    worst = json.loads((tmp_path / "kept" / "checks.json").read_text())[1]["agreement"]["worst"]
    assert worst == pytest.approx(found.reached.score_drift)
    assert worst <= 0.8 * drift


def test_what_cannot_be_reached_publishes_nothing(source: Source, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="auto"):
        exported(source, tmp_path / "out", Tolerance(1.0, 0.0))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("cnn")
    shape = CnnShape((4, 5), 6, SIZE)
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(0, 0.1, size).astype(np.float32) for name, size in shape.arrays().items()}
    return open_run(make_run(folder / "run", make_split(folder / "images"), shape, arrays, SIZE))


def test_every_operation_of_a_file_between_pixels_and_head_belongs_to_one_layer(cnn: Source) -> None:
    other = open_other(cnn, ExportConfig(calibration=4), random_pixels(4, SIZE), silent)
    grouped = [name for made in other.layers.operations.values() for name in made]
    made = [name for operator in operators(other.integer) for name in operator.outputs]
    assert grouped + list(head_operations(other.integer)) == made
    assert all(
        sum(name in grouped for name in operator.outputs if operator.name in ("CONV_2D", "FULLY_CONNECTED")) <= 1
        for operator in operators(other.integer)
    )
    assert other.layers.names == ("conv1", "conv2", "hidden")


def test_layers_of_any_network_are_kept_until_the_limit_holds(cnn: Source, tmp_path: Path) -> None:
    drift = 1e-6
    export_run(cnn.folder, tmp_path / "out", ExportConfig(calibration=4, auto=Tolerance(1.0, drift)))
    content = (tmp_path / "out" / "model_int8.tflite").read_bytes()
    pixels = cnn.pixels(cnn.split.part("validation"))
    spec = cnn.card.preprocess
    exact, found = (
        np.array([Scorer(file, spec).score(image).probability for image in pixels])
        for file in ((tmp_path / "out" / "model_float32.tflite").read_bytes(), content)
    )
    assert np.abs(exact - found).max() <= drift
    kept = json.loads((tmp_path / "out" / "sensitivity.json").read_text())["kept"]
    assert kept


def test_auto_without_int8() -> None:
    with pytest.raises(FieldError, match="auto"):
        ExportConfig((Recipe("fp16"),), auto=Tolerance())
