"""What a finished training prints of its metrics."""

from dataclasses import replace
from pathlib import Path

import pytest
from written_artefacts import METRICS, write_run

from hemotk.artifacts import RUN_CARD, Estimate, RunCard, SliceLevel
from hemotk.cli.main import run
from hemotk.cli.train import report
from hemotk.store.run import StoredRun


def test_intervals_of_images_in_groups_are_said_to_be_too_narrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "r", metrics={"train": METRICS, "validation": METRICS, "test": METRICS})
    report(StoredRun.open(folder))
    lines = capsys.readouterr().out.splitlines()
    shares = "sensitivity"
    assert [line.split()[0] for line in lines] == [
        *("train", shares, "validation", shares, "test", shares),
        *("loss", "intervals", "decision", "wrote"),
    ]
    assert lines[5] == f"{'':10} sensitivity 1.000 [0.342, 1.000]  specificity 0.500 [0.095, 0.905]"
    assert lines[7] == (
        "intervals  take the images as independent; the 2 test images are of 1 group (of one patient, or copies): "
        "the true ones are wider"
    )


TELLING = SliceLevel(Estimate(0.83, 0.8, 0.86), Estimate(0.73, 0.63, 0.81), 90, 30, 40, True)
SILENT = replace(TELLING, baseline=Estimate(0.52, 0.45, 0.6), exceeds_chance=False)


def test_an_auc_that_the_slice_level_explains_in_part_does_not_stand_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "r", metrics={"train": METRICS, "test": METRICS})
    card = replace(RunCard.read(folder / RUN_CARD), slice_level={"train": SILENT, "test": TELLING})
    card.write(folder / RUN_CARD)
    sentence = (
        "test: the share of soft tissue alone has an AUC of 0.830 [0.800, 0.860], since slices with hemorrhage lie at "
        "certain levels; within the 90 brain slices (30 with label 1) the network's AUC is 0.730 [0.630, 0.810]; "
        "intervals over 40 groups."
    )
    report(StoredRun.open(folder))
    said = capsys.readouterr().out
    assert sentence in said and "train: the share" not in said
    assert run(["info", str(folder)]) == 0
    assert sentence in capsys.readouterr().out


def test_a_run_from_before_the_slice_level_says_nothing_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "r", metrics={"test": METRICS})
    assert "slice_level" not in (folder / RUN_CARD).read_text()
    report(StoredRun.open(folder))
    assert "soft tissue" not in capsys.readouterr().out
