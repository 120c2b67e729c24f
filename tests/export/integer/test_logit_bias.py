"""The logit's mean error on the calibration images is taken off; nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_densenet_run, make_split
from mean_models import mean_model
from random_networks import random_pixels

from hemotk.artifacts import BUNDLE_CARD, BundleCard
from hemotk.cli.main import run
from hemotk.errors import HemotkError
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.integer.logit_bias import FEWEST, logits_of, shift_logit
from hemotk.exporting.models import make_models
from hemotk.exporting.recipe import FITTED, Recipe
from hemotk.exporting.source import Source, open_run
from hemotk.models.shape import densenet
from hemotk.progress import silent

SIZE = 48


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("bias")
    split = make_split(folder / "images")
    return open_run(make_densenet_run(folder / "run", split, densenet((3, 3), growth=8), SIZE))


def made(
    source: Source, pixels: np.ndarray, *, correct: bool = True, cam: bool = False
) -> tuple[dict[str, bytes], dict[str, float]]:
    recipes = tuple(Recipe(kind, without=() if correct else ("logit-bias",)) for kind in ("int8", "int16x8"))  # type: ignore[arg-type]
    models = make_models(source, ExportConfig(recipes, cam=cam), pixels, silent)
    return dict(models.contents), dict(models.logit_bias)


@pytest.mark.parametrize("cam", [False, True])
def test_a_shift_moves_the_logit_alone_and_by_just_so_much(source: Source, cam: bool) -> None:
    pixels, spec = random_pixels(6, SIZE, seed=1), source.card.preprocess
    content = made(source, pixels, correct=False, cam=cam)[0]["float32"]
    before, after = logits_of(content, pixels, spec), logits_of(shift_logit(content, 0.25), pixels, spec)
    np.testing.assert_allclose(after - before, 0.25, atol=1e-5)


def test_the_mean_error_goes_and_the_others_stay(source: Source) -> None:
    pixels, spec = random_pixels(40, SIZE, seed=2), source.card.preprocess
    plain, none = made(source, pixels, correct=False)
    corrected, taken_off = made(source, pixels)
    wanted = logits_of(plain["float32"], pixels, spec)
    assert none == {} and corrected["float32"] == plain["float32"]
    for kind, bias in taken_off.items():
        before, after = (logits_of(models[kind], pixels, spec) - wanted for models in (plain, corrected))
        assert bias == pytest.approx(before.mean())
        assert abs(after.mean()) < abs(before.mean()) and np.square(after).mean() < np.square(before).mean()
    assert "int8" in taken_off


def test_what_few_images_say_is_not_believed(source: Source) -> None:
    pixels = random_pixels(FEWEST - 1, SIZE, seed=3)
    assert made(source, pixels) == made(source, pixels, correct=False)
    models = make_models(source, ExportConfig((Recipe("int8"),)), pixels, silent)
    assert models.recipes[0].without == FITTED


def test_a_network_that_tells_nothing_apart_is_refused(source: Source) -> None:
    same = np.repeat(random_pixels(1, SIZE, seed=3), FEWEST, axis=0)
    with pytest.raises(HemotkError, match=f"int8: the network gives all {FEWEST} calibration images the same logit"):
        make_models(source, ExportConfig((Recipe("int8"),)), same, silent)


def test_a_model_whose_logit_has_no_bias_is_refused() -> None:
    with pytest.raises(HemotkError, match="logit_bias: nothing adds a bias to the logit"):
        shift_logit(mean_model(), 1.0)


def test_the_bundle_says_what_was_taken_off(source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export_run(source.folder, tmp_path / "b", ExportConfig(calibration=12))
    found = BundleCard.read(tmp_path / "b" / BUNDLE_CARD).recipe
    assert found["variants"][0]["without"] == []
    bias = found["logit_bias"]["int8"]
    assert run(["info", str(tmp_path / "b")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"bias int8 {bias:+.4f} taken off the logit, its mean error on the calibration images" in said
