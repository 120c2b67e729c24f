"""An operating point from `hemotk train` to the verdicts of `hemotk predict` and `hemotk bench`."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from prunable_runs import split_of_squares

from hemotk.artifacts import RUN_CARD, BenchReport, BundleCard, Estimate, RunCard
from hemotk.artifacts.audit import AuditReport, Probe, ProbeResult
from hemotk.cli.main import run
from hemotk.cli.train import report
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.describe.model_card import MODEL_CARD
from hemotk.stats.metrics import calibrated, evaluate
from hemotk.store.run import StoredRun
from hemotk.tflite.metadata import metadata_of

pytest.importorskip("tf_keras")

NAMES = ("normal", "hemorrhage")
SMALL = ["--arch", "densenet-tiny", "--size", "32", "--batch", "8", "--epochs", "1"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 30 patients' pictures, two each, a run whose operating point was chosen on them, and its bundle."""
    home = tmp_path_factory.mktemp("home")
    split_of_squares(home / "pictures", 60)
    lines = [f"{NAMES[i % 2]}/{i}.png,{i % 2},{i // 4 * 2 + i % 2}" for i in range(60)]
    (home / "pictures" / "labels.csv").write_text("path,hemorrhage,patient\n" + "\n".join(lines))
    make_split(scan(home / "pictures"), SplitConfig(validation=0.45, grouping="patient")).write(home / "split.json")
    asked = ["--min-sensitivity", "0.8", "--calibrate", "--out", str(home / "run")]
    assert run(["train", str(home / "split.json"), *SMALL, *asked]) == 0
    assert run(["export", str(home / "run"), "--out", str(home / "bundle")]) == 0
    return home


def test_the_run_keeps_what_was_chosen_and_is_judged_by_it(home: Path) -> None:
    card = RunCard.read(home / "run" / RUN_CARD)
    assert card.temperature != 1 and card.threshold != 0.5
    assert card.notes[1].startswith("Temperature ") and card.notes[2].startswith("Threshold ")
    assert card.study is not None and card.notes[3].startswith(f"Series: the mean of the {card.study.k} highest slices")
    assert "at a sensitivity of at least 0.8), chosen on the 12 validation series (6" in card.notes[3]
    assert card.settings["operating"]["rule"] == "sensitivity" and card.settings["operating"]["calibrate"] is True
    with (home / "run" / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert "scores.csv" in card.files
    for part, metrics in card.metrics.items():
        mine = [row for row in rows if row["part"] == part]
        labels, logits = [int(row["label"]) for row in mine], [float(row["logit"]) for row in mine]
        assert evaluate(labels, logits, card.threshold, card.temperature) == metrics
    assert float(card.metrics["validation"].sensitivity.value or 0) >= 0.8


def test_bundle_and_models_say_the_same(home: Path) -> None:
    card, bundle = RunCard.read(home / "run" / RUN_CARD), BundleCard.read(home / "bundle" / "bundle.json")
    assert (bundle.threshold, bundle.temperature, bundle.study) == (card.threshold, card.temperature, card.study)
    for variant in bundle.variants:
        said = metadata_of(home / "bundle" / variant.file)
        assert said is not None and said.thresholds["logit"] == pytest.approx(card.threshold, rel=1e-6)
        slope = float(said.calibration["logit"][0].split(",")[1])
        assert slope == pytest.approx(1 / card.temperature, rel=1e-6)


def test_predict_decides_by_it(home: Path) -> None:
    card = RunCard.read(home / "run" / RUN_CARD)
    out = home / "scores.json"
    assert (
        run(["predict", str(home / "bundle"), str(home / "pictures"), "--variant", "float32", "--json", str(out)]) == 0
    )
    found = json.loads(out.read_text())["predictions"]
    with (home / "run" / "scores.csv").open() as stream:
        kept = {row["path"]: float(row["logit"]) for row in csv.DictReader(stream)}
    assert len(found) == len(kept) == 60
    for one in found:
        logit = kept[Path(one["path"]).relative_to(home / "pictures").as_posix()]
        assert one["logit"] == pytest.approx(logit, abs=1e-3)
        assert one["probability"] == pytest.approx(float(calibrated(one["logit"], card.temperature)))
        assert one["label"] == int(one["probability"] >= card.threshold)
    at_default = [int(one["logit"] >= 0) for one in found]
    assert at_default != [one["label"] for one in found]


def test_bench_judges_by_it(home: Path) -> None:
    card = RunCard.read(home / "run" / RUN_CARD)
    out = home / "bench.json"
    quick = ["--min-runs", "3", "--min-seconds", "0.01", "--max-latency-ratio", "1000", "--max-accuracy-drop", "1"]
    assert run(["bench", str(home / "bundle"), *quick, "--json", str(out)]) in (0, 1)
    report = BenchReport.read(out)
    found, kept = report.variants[0].metrics, card.metrics["test"]
    assert found is not None and found.threshold == card.threshold
    assert (found.accuracy, found.sensitivity, found.auc) == (kept.accuracy, kept.sensitivity, kept.auc)
    assert np.isclose(found.loss, kept.loss, atol=1e-3)


def test_the_model_card_is_that_of_the_bundle(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = RunCard.read(home / "run" / RUN_CARD)
    assert run(["card", str(home / "run"), "--bundle", str(home / "bundle")]) == 0
    text = capsys.readouterr().out
    assert text == (home / "bundle" / MODEL_CARD).read_text()
    assert f"is {card.threshold:.6g} or more" in text and card.notes[2][:30] in text and "| int8 |" in text
    assert card.study is not None and f"probabilities is {card.study.threshold:.6g} or more" in text
    assert str(home) not in text and "`pictures`" not in text
    assert run(["card", str(home / "run"), "--out", str(home / "card.md")]) == 0
    assert "## Exported models" not in (home / "card.md").read_text()
    assert run(["card", str(home / "run"), "--out", str(home / "card.md")]) == 2
    (home / "run2").mkdir()
    for name in (RUN_CARD, "split.json"):
        (home / "run2" / name).write_bytes((home / "run" / name).read_bytes())
    dataclasses.replace(card, name="other").write(home / "run2" / RUN_CARD)
    assert run(["card", str(home / "run2"), "--bundle", str(home / "bundle")]) == 2
    assert "was not exported from" in capsys.readouterr().err
    (home / "run2" / "split.json").write_text("{}")
    assert run(["card", str(home / "run2")]) == 2
    assert "checksum" in capsys.readouterr().err


def test_the_model_card_names_shortcuts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = ProbeResult(Estimate(0.9, 0.8, 0.95), 0.001, 0.006)
    chance = ProbeResult(Estimate(0.5, 0.4, 0.6), 0.5, 1.0)
    probes = (Probe("colour", alone, chance, {}), Probe("file size", chance, chance, {}))
    sizes = ((20, 20),) * 3
    audit = AuditReport(
        "now", "pictures", ("normal", "hemorrhage"), (20, 20), 0, None, 9, {"PNG L": 40}, sizes, (), (), (), probes
    )
    audit.write(home / "audit.json")
    assert run(["card", str(home / "run"), "--audit", str(home / "audit.json")]) == 0
    text = capsys.readouterr().out
    assert "- colour: AUC 0.900" in text and "file size" not in text
    dataclasses.replace(audit, folder="/data/others").write(home / "audit.json")
    assert run(["card", str(home / "run"), "--audit", str(home / "audit.json")]) == 2
    assert "is of the folder others, the run's images are of pictures" in capsys.readouterr().err


def test_a_threshold_near_one_is_not_called_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_ = StoredRun.open(home / "run")
    report(dataclasses.replace(run_, card=dataclasses.replace(run_.card, threshold=0.99997, temperature=1.0)))
    assert "decision   threshold 0.99997, temperature 1\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--threshold", "0.4", "--min-sensitivity", "0.9"], "leave one of both out"),
        (["--threshold", "often"], "must be a number between 0 and 1, or youden"),
        (["--threshold", "1"], "--threshold 1.0: must be above 0 and below 1"),
        (["--min-sensitivity", "0"], "--min-sensitivity 0.0: must be"),
    ],
)
def test_what_cannot_be_asked_for(options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "split.json", *options]) == 2
    assert sentence in capsys.readouterr().err
