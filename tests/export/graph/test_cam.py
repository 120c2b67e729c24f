"""The class-activation map as a third output of every variant."""

from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_densenet_run, make_run, make_split
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import IMAGENET, logit_error, network_input, random_graph, random_pixels, shapes, tiny_shape
from test_bundle import cnn_arrays

from hemotk.artifacts import BundleCard, PreprocessSpec, TensorSpec
from hemotk.errors import HemotkError
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.densenet import exact, plain
from hemotk.exporting.graph.cam_head import cam_head
from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.recipe import QuantizedKind, Recipe
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.models.shape import CnnShape, DenseNetShape
from hemotk.store.publish import beside_bundle
from hemotk.tflite.metadata_schema import read_metadata
from hemotk.tflite.scorer import Scorer

SIZE = 48
KINDS: tuple[QuantizedKind, ...] = ("fp16", "dynamic", "int8", "int16x8")
CAM = ExportConfig(tuple(Recipe(kind) for kind in KINDS), calibration=12, cam=True)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cam")
    run = make_densenet_run(folder / "run", make_split(folder / "images"), tiny_shape(), SIZE)
    export_run(run, folder / "bundle", CAM)
    return folder / "bundle"


@settings(max_examples=25, deadline=None)
@given(shape=shapes().filter(lambda shape: not shape.hidden), seed=st.integers(0, 2**32 - 1), size=st.integers(32, 45))
def test_the_mean_of_the_map_is_the_logit_of_the_network_without_it(shape: DenseNetShape, seed: int, size: int) -> None:
    graph, h = random_graph(shape, seed), network_input(random_pixels(2, size, seed % 7))
    assert logit_error(graph, cam_head(graph), h) <= 1e-9
    outputs = evaluate(exact(cam_head(graph)), h)
    assert outputs.cam is not None
    np.testing.assert_allclose(outputs.cam.mean((1, 2)), outputs.logit, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("changes", [{}, IMAGENET])
def test_the_map_of_the_tflite_is_that_of_the_reference(changes: dict) -> None:
    graph = exact(cam_head(random_graph(tiny_shape(**changes), seed=5)))
    scorer, pixels = Scorer(convert_graph(graph, SIZE), PreprocessSpec(SIZE)), random_pixels(3, SIZE)
    expected = evaluate(graph, network_input(pixels)).cam
    assert expected is not None
    for image, cam in zip(pixels, expected[..., 0], strict=True):
        scorer.score(image)
        np.testing.assert_allclose(scorer.cam(), cam, atol=1e-4)


def test_the_card_lists_it_for_every_variant(bundle: Path) -> None:
    card = BundleCard.read(bundle / "bundle.json")
    assert card.recipe["rewrites"] == [
        "fold_batchnorm", "gray_stem", "pool_first", "positive_scales", "floor_stem", "stem_windows",
        "cam_head", "preactivation",
    ]  # fmt: skip
    for variant in card.variants:
        outputs = {output.name: output for output in variant.outputs}
        assert set(outputs) == {"cam", "logit", "probability"}
        assert outputs["cam"].shape == (1, 6, 6, 1)
        assert outputs["cam"].dtype == outputs["logit"].dtype
    int8 = {output.name: output for output in card.variants[3].outputs}
    assert {output.dtype for output in int8.values()} == {"float32"}


def test_the_mean_of_the_finished_map_is_the_logit_but_for_rounding(bundle: Path) -> None:
    card = BundleCard.read(bundle / "bundle.json")
    images = np.load(beside_bundle(bundle) / "images.npy")
    for variant in card.variants:
        scorer = Scorer(bundle / variant.file, card.preprocess)
        logit_spec = next(output for output in variant.outputs if output.name == "logit")
        low, high = ends(logit_spec)
        for image in images:
            logit = scorer.score(image).logit
            # One step: half for rounding to it, half for the fixed point that int8 means are computed in.
            assert abs(np.clip(scorer.cam().mean(), low, high) - logit) <= logit_spec.scale + 1e-5, variant.kind


def ends(spec: TensorSpec) -> tuple[float, float]:
    """The least and the greatest value that the tensor can hold."""
    if not spec.scale:
        return -np.inf, np.inf
    limits = np.iinfo(spec.dtype)
    return spec.scale * (limits.min - spec.zero_point), spec.scale * (limits.max - spec.zero_point)


def test_an_int8_map_is_close_to_the_float_one(bundle: Path) -> None:
    card = BundleCard.read(bundle / "bundle.json")
    parent, int8 = (Scorer(bundle / f"model_{kind}.tflite", card.preprocess) for kind in ("float32", "int8"))
    exact_maps: list[np.ndarray] = []
    rounded: list[np.ndarray] = []
    for image in np.load(beside_bundle(bundle) / "images.npy"):
        for scorer, maps in ((parent, exact_maps), (int8, rounded)):
            scorer.score(image)
            maps.append(scorer.cam())
    error = np.array(rounded) - np.array(exact_maps)
    assert np.mean(error**2) < np.var(exact_maps) / 10**1.5


def test_golden_outputs_and_metadata_have_it(bundle: Path) -> None:
    card, golden = BundleCard.read(bundle / "bundle.json"), np.load(bundle / "golden.npz")
    for variant in card.variants:
        scorer = Scorer(bundle / variant.file, card.preprocess)
        for image, cam in zip(golden["pixels"], golden[f"{variant.kind}_cam"], strict=True):
            scorer.score(image)
            np.testing.assert_array_equal(scorer.cam(), cam)
        (graph,) = read_metadata((bundle / variant.file).read_bytes())["subgraph_metadata"]
        assert {tensor["name"] for tensor in graph["output_tensor_metadata"]} == {"cam", "logit", "probability"}


def test_without_it_there_is_none() -> None:
    scorer = Scorer(convert_graph(exact(random_graph(tiny_shape(), 0)), SIZE), PreprocessSpec(SIZE))
    assert not scorer.has_cam
    with pytest.raises(HemotkError, match=r"no output 'cam'.*`hemotk export --cam`"):
        scorer.cam()


def test_hidden_layers_have_no_map() -> None:
    with pytest.raises(HemotkError, match="hidden layers behind its global average"):
        cam_head(plain(random_graph(tiny_shape(hidden=(4,)), 0)))


def test_the_cnn_has_no_map(tmp_path: Path) -> None:
    shape = CnnShape((4, 5), 6, SIZE)
    run = make_run(tmp_path / "run", make_split(tmp_path / "images"), shape, cnn_arrays(shape), SIZE)
    with pytest.raises(HemotkError, match=r"cam: only a DenseNet .*; export without cam\."):
        export_run(run, tmp_path / "out" / "bundle", CAM)
    assert not (tmp_path / "out").exists()
