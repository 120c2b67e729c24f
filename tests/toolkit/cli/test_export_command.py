import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from exportable_runs import make_run, make_split
from PIL import Image
from random_networks import random_arrays, tiny_shape

from hemotk.artifacts import BUNDLE_CARD, BundleCard
from hemotk.cli.main import cli, run

SIZE = 48


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    split = make_split(folder / "images")
    make_run(folder / "runs" / "first", split, tiny_shape(), random_arrays(tiny_shape(), 0, (1.0,)), SIZE)
    return folder


def test_the_newest_run_is_exported_under_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    result = CliRunner().invoke(cli, ["export", "--quantize", "none"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "model_float32.tflite" in result.output
    card = BundleCard.read(home / "bundles" / "first" / "bundle.json")
    assert [variant.kind for variant in card.variants] == ["float32"]


def test_several_kinds_at_once(home: Path, tmp_path: Path) -> None:
    options = ["--quantize", "fp16", "--quantize", "dynamic", "--quantize", "fp16", "--out", str(tmp_path / "b")]
    assert run(["export", str(home / "runs" / "first"), *options]) == 0
    card = BundleCard.read(tmp_path / "b" / "bundle.json")
    assert [variant.kind for variant in card.variants] == ["float32", "fp16", "dynamic"]


def test_an_existing_bundle_is_refused_at_once(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "b").mkdir()
    assert run(["export", str(home / "runs" / "first"), "--out", str(tmp_path / "b")]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_no_run_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export"]) == 2
    assert "hemotk train" in capsys.readouterr().err


def test_the_images_are_elsewhere(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (home / "images").rename(home / "moved")
    try:
        command = ["export", str(home / "runs" / "first"), "--quantize", "none", "--out", str(tmp_path / "b")]
        assert run(command) == 2
        assert "--data" in capsys.readouterr().err
        assert not (tmp_path / "b").exists()
        assert run([*command, "--data", str(home / "moved")]) == 0
    finally:
        (home / "moved").rename(home / "images")


def test_an_unknown_kind(capsys: pytest.CaptureFixture) -> None:
    assert run(["export", "--quantize", "int4"]) == 2
    assert "int4" in capsys.readouterr().err


def test_author_and_licence_are_in_the_models_and_info_shows_them(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    options = ["--author", "A. Author", "--license", "CC0-1.0", "--quantize", "none", "--out", str(tmp_path / "b")]
    assert run(["export", str(home / "runs" / "first"), *options]) == 0
    capsys.readouterr()
    assert run(["info", str(tmp_path / "b" / "model_float32.tflite")]) == 0
    said = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert {"name first", "author A. Author", "licence CC0-1.0", "labels normal, hemorrhage"} <= said
    assert {"normalization pixels: (p - 115) / 57.63", "threshold logit: 0.5", "calibration logit: 1,0.8,0"} <= said
    assert run(["info", "--json", str(tmp_path / "b" / "model_float32.tflite")]) == 0
    metadata = json.loads(capsys.readouterr().out)["metadata"]
    assert (metadata["author"], metadata["license"]) == ("A. Author", "CC0-1.0")
    assert metadata["labels"] == ["normal", "hemorrhage"]


def test_an_empty_author_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["export", str(home / "runs" / "first"), "--author", "", "--out", str(tmp_path / "b")]
    assert run(command) == 2
    assert "--author: is empty" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_a_map_from_export_to_picture(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert (
        run(["export", str(home / "runs" / "first"), "--quantize", "none", "--cam", "--out", str(tmp_path / "b")]) == 0
    )
    picture, drawn = home / "images" / "test_0.png", tmp_path / "map.png"
    assert run(["predict", str(tmp_path / "b"), str(picture), "--heatmap", str(drawn)]) == 0
    with Image.open(picture) as before, Image.open(drawn) as after:
        left = (after.width - before.width) // 2  # the map stands in the middle above its legend
        box = after.crop((left, 0, left + before.width, before.height))
        assert np.ptp(np.asarray(box), axis=2).max() > 0


def test_auto_says_what_it_did(home: Path, tmp_path: Path) -> None:
    options = ["--auto", "--max-accuracy-drop", "1", "--max-score-drift", "1", "--calibration", "8"]
    command = ["export", str(home / "runs" / "first"), *options, "--out", str(tmp_path / "b")]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert "auto: plain int8 is within the limits of 1 and 1, so all layers are int8" in result.output


def test_auto_fails_where_no_choice_is_enough(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["export", str(home / "runs" / "first"), "--auto", "--max-score-drift", "0", "--out", str(tmp_path / "b")]
    assert run(command) == 1
    assert "even with every layer in float32" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--auto", "--quantize", "fp16"], "--quantize int8"),
        (["--max-score-drift", "0.1"], "--max-score-drift: is a limit for --auto"),
        (["--auto", "--without", "room"], "--without room and --auto: auto takes every step"),
        (["--auto", "--max-accuracy-drop", "2"], "--max-accuracy-drop"),
        (["--without", "ranges"], "--without"),
        (["--outputs", "int8"], "--outputs"),
    ],
)
def test_auto_options_that_do_not_go_together(
    options: list[str], said: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run(["export", str(home / "runs" / "first"), *options, "--out", str(tmp_path / "b")]) == 2
    assert said in capsys.readouterr().err


def test_a_drift_that_a_bench_would_refuse_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("hemotk.exporting.verify.FAR", -1.0)
    assert run(["export", str(home / "runs" / "first"), "--quantize", "fp16", "--out", str(tmp_path / "b")]) == 0
    said = capsys.readouterr().err
    assert "hemotk: fp16: the probability of a validation image differs" in said


def test_bytes_come_out_and_steps_are_left_out_if_asked(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "b"
    asked = ["--outputs", "uint8", "--without", "roundings", "--without", "room", "--calibration", "8"]
    assert run(["export", str(home / "runs" / "first"), *asked, "--out", str(out)]) == 0
    card = BundleCard.read(out / BUNDLE_CARD)
    variant = card.variant("int8")
    assert variant is not None
    assert {output.dtype for output in variant.outputs} == {"uint8"}
    assert card.recipe["variants"][0]["without"] == ["roundings", "room"]


def test_too_few_calibration_images_are_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "b"
    assert run(["export", str(home / "runs" / "first"), "--calibration", "4", "--out", str(out)]) == 0
    assert "hemotk: 4 calibration images are too few for roundings and biases" in capsys.readouterr().err
    assert BundleCard.read(out / BUNDLE_CARD).recipe["variants"][0]["without"] == ["roundings", "biases", "logit-bias"]
