"""The head of int8 in float32: what belongs to it, and what comes of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_densenet_run, make_split
from random_networks import random_pixels

from hemotk.exporting.config import ExportConfig
from hemotk.exporting.integer.float_head import head_operations
from hemotk.exporting.integer.logit_bias import logits_of
from hemotk.exporting.models import make_models
from hemotk.exporting.recipe import STEPS, Recipe
from hemotk.exporting.source import Source, open_run
from hemotk.exporting.tflite.flatbuffer import operators, specs
from hemotk.exporting.variants import Models
from hemotk.models.shape import DenseNetShape, densenet
from hemotk.progress import silent

SIZE = 48
PIXELS = random_pixels(40, SIZE, seed=2)


def source_of(folder: Path, shape: DenseNetShape) -> Source:
    return open_run(make_densenet_run(folder / "run", make_split(folder / "images"), shape, SIZE))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return source_of(tmp_path_factory.mktemp("head"), densenet((3, 3), growth=8))


def made(source: Source, *, cam: bool = False, **recipe: object) -> Models:
    config = ExportConfig((Recipe("int8", **recipe),), cam=cam)  # type: ignore[arg-type]
    return make_models(source, config, PIXELS, silent)


def test_it_goes_back_to_the_global_average(source: Source) -> None:
    content = made(source).contents["float32"]
    assert [name.partition("/")[0] for name in head_operations(content)] == ["head_mean", "logit", "probability"]


def test_with_a_map_it_goes_back_to_the_map(source: Source) -> None:
    content = made(source, cam=True).contents["float32"]
    assert {name.partition("/")[0] for name in head_operations(content)} == {"cam", "logit", "probability"}


def test_hidden_layers_belong_to_it(tmp_path: Path) -> None:
    content = made(source_of(tmp_path, replace(densenet((2, 2), growth=8), hidden=(5,)))).contents["float32"]
    assert "hidden1" in {name.partition("/")[0] for name in head_operations(content)}


@pytest.mark.parametrize("cam", [False, True])
def test_bytes_go_in_and_float_comes_out_and_nothing_else_is_converted(source: Source, cam: bool) -> None:
    content = made(source, cam=cam).contents["int8"]
    pixels, outputs = specs(content)
    assert pixels.dtype == "uint8"
    assert {output.dtype for output in outputs.values()} == {"float32"}
    names = [operator.name for operator in operators(content)]
    assert (names.count("DEQUANTIZE"), names.count("QUANTIZE")) == (1, 1)


def test_bytes_come_out_where_they_are_asked_for(source: Source) -> None:
    models = made(source, outputs="uint8")
    assert {output.dtype for output in specs(models.contents["int8"])[1].values()} == {"uint8"}
    assert models.recipes[0].keep_float == ()


def test_the_logit_is_nearer_to_the_float_network(source: Source) -> None:
    spec = source.card.preprocess
    bytes_out, float_out = (made(source, outputs=kind, without=STEPS).contents for kind in ("uint8", "float32"))
    wanted = logits_of(bytes_out["float32"], PIXELS, spec)
    coarse, fine = (logits_of(each["int8"], PIXELS, spec) for each in (bytes_out, float_out))
    assert np.square(fine - wanted).mean() < np.square(coarse - wanted).mean()
    assert len(np.unique(fine)) > len(np.unique(coarse))
