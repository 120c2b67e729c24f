"""Artefacts that an early version wrote are read, opened and used as they are.

They were made on drawn slices by commit 0b23f12, each by one command: `data phantom`, `data split`, `train`, `export`,
`bench`, `data audit`, `predict`.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hemotk
from hemotk.artifacts import AuditReport, BenchReport
from hemotk.artifacts.predictions import ScoredPictures
from hemotk.cli.main import run
from hemotk.store.bundle import open_with_testset

OLD = Path(__file__).parent / "old_artefacts"


def test_a_split_is_read() -> None:
    split = hemotk.Split.open(OLD / "split.json")
    assert sum(images for images, _ in split.counts().values()) == 40


def test_a_run_is_opened_with_its_weights_and_what_it_learned_from() -> None:
    found = hemotk.Run.open(OLD / "runs" / "first")
    assert found.card.arch == "densenet-tiny" and found.card.metrics["test"].count == 8
    assert all(np.isfinite(array).all() for array in found.weights.values())
    assert len(found.learned.images) == 1


def test_a_bundle_is_opened_with_its_test_set_and_scores_as_it_did() -> None:
    bundle = open_with_testset(OLD / "bundles" / "first")
    assert len(bundle.items) == 8
    report = BenchReport.read(OLD / "bench.json")
    model = hemotk.load(OLD / "bundles" / "first")
    rows = np.load(bundle.images)
    found = model([Image.fromarray(row) for row in rows])
    assert isinstance(found, hemotk.Predictions)
    assert [each.logit for each in found] == list(report.variant("int8").scores.logit)


def test_reports_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert AuditReport.read(OLD / "audit.json").counts == (20, 20)
    assert ScoredPictures.read(OLD / "predictions.json").predictions
    for path in ("split.json", "runs/first", "bundles/first", "bench.json"):
        assert run(["info", str(OLD / path)]) == 0, path


def test_a_bundle_is_benched_and_a_copy_of_a_run_is_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "first.testset"):
        shutil.copytree(OLD / "bundles" / name, tmp_path / name)
    assert run(["bench", str(tmp_path / "first"), "--no-timing", "--max-logit-shift", "1"]) == 0
    assert "PASS" in capsys.readouterr().out
    # The engine of that time left a shift in the logits, which the bench of that time did not look at.
    assert run(["bench", str(tmp_path / "first"), "--no-timing"]) == 1
    assert "FAIL: 1 of " in (said := capsys.readouterr().out) and "int8: logit shift 0.135, at most 0.02" in said
