"""The five commands, as typed: from drawn slices to a checked int8 model."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hemotk.artifacts import BundleCard, CalibrationManifest, TestSetCard
from hemotk.cli.main import run
from hemotk.data.read.preprocess import load_pixels, to_pixels

pytest.importorskip("tf_keras")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a demo with a tiny network has run."""
    folder = tmp_path_factory.mktemp("demo")
    here = Path.cwd()
    os.chdir(folder)
    try:
        small = ["--arch", "densenet-tiny", "--size", "48", "--epochs", "3", "--count", "60"]
        # Its int8 may be slower than its float32: a network this small is all overhead. So the gate may fail here.
        assert run(["demo", "--out", "demo", *small]) in (0, 1)
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


BUNDLE = "demo/bundles/densenet-tiny"


def test_the_demo_leaves_every_artefact(there: Path) -> None:
    card = BundleCard.read(Path(BUNDLE) / "bundle.json")
    assert [variant.kind for variant in card.variants] == ["float32", "int8"]
    assert card.variants[1].input.dtype == "uint8" and card.variants[1].input.zero_point == 115
    testset = TestSetCard.read(Path(BUNDLE + ".testset") / "testset.json")
    assert len(testset.items) == 12 and card.testset == testset.sha256()
    images = np.load(Path(BUNDLE + ".testset") / "images.npy")
    assert np.array_equal(images[3], load_pixels(Path("demo/phantoms") / testset.items[3].id, card.preprocess))
    manifest = CalibrationManifest.read(Path(BUNDLE + ".testset") / card.calibrated_on.manifest)
    calibrated = {item.path for item in manifest.items}
    assert calibrated.isdisjoint(item.id for item in testset.items) and len(calibrated) == 38
    assert not list(Path("demo").rglob(".*")) and not list(Path("demo").rglob("*.partial"))


def test_started_again_it_keeps_what_is_there(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path("demo").rglob("*") if path.is_file()}
    assert run(["demo", "--out", "demo", "--arch", "densenet-tiny", "--size", "48"]) in (0, 1)
    assert "is there already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_bench_gives_a_report_and_the_gate_its_exit_code(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--min-runs", "3", "--min-seconds", "0.1", "--json", "bench.json", "--overwrite"]
    # A network that learned for seconds may give nearly the same logit for all: then a small error is a large shift.
    wide = ["--max-latency-ratio", "1000", "--max-accuracy-drop", "1", "--max-logit-shift", "1"]
    assert run(["bench", BUNDLE, *quick, *wide]) == 0
    report = json.loads(Path("bench.json").read_text())
    assert report["schema"].startswith("hemotk.bench/")
    said = capsys.readouterr().out
    assert "float32" in said and "int8" in said and "12 test images" in said
    assert run(["bench", BUNDLE, *quick, "--max-latency-ratio", "0.000001"]) == 1
    assert "latency ratio" in capsys.readouterr().err


def test_predict_and_info_speak_of_the_bundle(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = sorted(str(path) for path in Path("demo/phantoms/hemorrhage").glob("*.png"))[:2]
    assert run(["predict", BUNDLE, *pictures]) == 0
    said = capsys.readouterr().out
    assert all(picture in said for picture in pictures) and "not for diagnosis" in said
    assert run(["info", BUNDLE]) == 0
    assert "demo/bundles/densenet-tiny" in capsys.readouterr().out


def test_golden_outputs_are_what_the_models_say(there: Path) -> None:
    from hemotk.tflite.scorer import Scorer

    card = BundleCard.read(Path(BUNDLE) / "bundle.json")
    with np.load(Path(BUNDLE) / "golden.npz") as golden:
        found = {name: golden[name] for name in golden.files}
    assert found["pixels"].dtype == np.uint8 and found["pixels"].shape[1:] == (48, 48)
    assert np.array_equal(to_pixels(found["picture_1"], 48), found["pixels"][1])
    for variant in card.variants:
        scorer = Scorer(Path(BUNDLE) / variant.file, card.preprocess)
        logits = [scorer.score(image).logit for image in found["pixels"]]
        np.testing.assert_allclose(logits, found[f"{variant.kind}_logit"], rtol=1e-5, atol=1e-5)
