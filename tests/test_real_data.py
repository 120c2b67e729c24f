"""The path on real slices, where HEMOTK_REAL_DATA names their folder; skipped, visibly, without it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hemotk.artifacts import BundleCard, PreprocessSpec, SplitManifest
from hemotk.cli.main import run
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split

pytestmark = pytest.mark.real_data


def test_the_public_head_ct_set_splits_as_promised(real_data: Path) -> None:
    found = scan(real_data / "head_ct")
    assert found.counts() == (80, 80) and found.unlabelled == 0
    split = make_split(found, SplitConfig())
    assert Counter(item.part for item in split.items) == {"train": 102, "validation": 26, "test": 32}
    assert Counter(item.label for item in split.part("test")) == {0: 16, 1: 16}
    # One pair of identical pictures, and 61 more that are nearly identical or neighbouring slices.
    assert len({item.group for item in split.items}) == 110
    alone = make_split(found, SplitConfig(grouping="none"))
    assert len({item.group for item in alone.items}) == 159


def test_patients_of_the_other_hospital_stay_together(real_data: Path) -> None:
    found = scan(real_data / "ct_ich")
    assert len(found.images) == 1228 and found.counts()[1] == 139
    parts: dict[str, set[str]] = {}
    who = {image.path: image.patient for image in found.images}
    for item in make_split(found, SplitConfig()).items:
        parts.setdefault(str(who[item.path]), set()).add(item.part)
    assert len(parts) == 41 and all(len(part) == 1 for part in parts.values())


def test_every_real_picture_passes_the_pixel_contract(real_data: Path) -> None:
    spec = PreprocessSpec(size=96)
    for image in scan(real_data / "head_ct").images:
        pixels = load_pixels(real_data / "head_ct" / image.path, spec)
        assert pixels.shape == (96, 96) and np.ptp(pixels) > 100


def test_the_commands_on_real_pictures(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tf_keras")
    monkeypatch.chdir(tmp_path)
    assert run(["data", "split", str(real_data / "head_ct"), "--out", "split.json"]) == 0
    small = ["--arch", "densenet-tiny", "--size", "64", "--epochs", "3"]
    assert run(["train", "split.json", *small, "--out", "runs/small"]) == 0
    assert run(["export", "--quantize", "int8"]) == 0
    card = BundleCard.read(Path("bundles/small/bundle.json"))
    split = SplitManifest.read(Path("split.json"))
    assert 0 < len(card.calibrated_on.sha256) <= 100
    assert {*card.calibrated_on.sha256} <= {item.sha256 for item in split.part("train")}
    assert run(["bench", "--min-runs", "3", "--min-seconds", "0.1", "--max-latency-ratio", "1000"]) in (0, 1)
    assert run(["predict", str(real_data / "head_ct" / split.items[0].path)]) == 0
