"""What a finished training prints of its metrics."""

from pathlib import Path

import pytest
from tiny_artefacts import METRICS, write_run

from hemotk.artifacts import RUN_CARD, RunCard
from hemotk.cli.train import report


def test_intervals_of_images_in_groups_are_said_to_be_too_narrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "r", metrics={"train": METRICS, "validation": METRICS, "test": METRICS})
    report(RunCard.read(folder / RUN_CARD), folder)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["train", "validation", "test", "intervals", "decision", "wrote"]
    assert lines[3] == (
        "intervals  take the images as independent; the 2 test images are of 1 group (of one patient, or copies): "
        "the true ones are wider"
    )
