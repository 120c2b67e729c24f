"""The sheet of misses, TensorBoard's event files, and the tables on terminals of two widths."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from scored_runs import HISTORY, Judged

from hemotk.api import experiments
from hemotk.errors import HemotkError
from hemotk.experiments import sheet
from hemotk.files import sha256_file

LABELS, LOGITS = [0, 1, 0, 1, 0, 1], [1.0, 2.0, -1.0, -1.0, -2.0, -3.0]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "images").mkdir()
    names = [f"{place}.png" for place in range(len(LABELS))]
    for place, name in enumerate(names):
        Image.fromarray(np.full((40, 40), 40 * place + 20, np.uint8)).save(folder / "images" / name)
    judged = Judged(LABELS, LOGITS, ["a", "a", "b", "b", "c", "c"], names=names, folder=str(folder / "images"))
    judged.write(folder / "runs" / "first")
    replace(judged, logits=[-1.0, 1.0] * 3).write(folder / "runs" / "right")
    return folder


# --- misses


def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pictures for those of the split, whose checksums are of their names."""
    monkeypatch.setattr(sheet, "check_sha256", lambda *_: None)


def test_the_sheet_shows_the_pictures_that_are_called_wrong(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unchecked(monkeypatch)
    assert experiments.misses_sheet(home / "runs/first", tmp_path / "m.png") == (3, 3)
    pixels = np.asarray(Image.open(tmp_path / "m.png"))
    row, below = 28 + 28 + 28 + 80, 192 + 28  # the middle of the first pictures; from one kind to the next
    middle = [int(pixels[y, x]) for y, x in ((row, 80), (row, 240), (row, 400), (row + below, 80), (row + below, 240))]
    assert middle == [220, 140, 0, 20, 0]  # 5.png, the worse of both missed bleeds, 3.png; then 0.png
    with pytest.raises(HemotkError, match="already exists"):
        experiments.misses_sheet(home / "runs/first", tmp_path / "m.png")


def test_more_misses_than_fit_are_said(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unchecked(monkeypatch)
    monkeypatch.setattr(sheet, "MOST", 1)
    assert experiments.misses_sheet(home / "runs/first", tmp_path / "m.png") == (2, 3)


def test_a_picture_that_is_not_the_one_that_was_judged_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="checksum"):
        experiments.misses_sheet(home / "runs/first", tmp_path / "m.png")
    with pytest.raises(HemotkError, match="gets all 6 images of its test part right; there is nothing to show"):
        experiments.misses_sheet(home / "runs/right", tmp_path / "m.png")
    with pytest.raises(HemotkError, match="no such folder; name the one"):
        experiments.misses_sheet(home / "runs/first", tmp_path / "m.png", data=tmp_path / "none")
    assert not (tmp_path / "m.png").exists()


# --- TensorBoard


def test_event_files_hold_the_history_and_the_figures(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rows = experiments.runs(home / "runs")
    assert experiments.write_tensorboard(rows, tmp_path / "logs") == 2
    found = EventAccumulator(str(tmp_path / "logs/first"))
    found.Reload()
    losses = [(each.step, each.value) for each in found.Scalars("loss/validation")]
    assert losses == [(epoch.epoch, pytest.approx(epoch.validation_loss, abs=1e-5)) for epoch in HISTORY]
    assert [(each.step, each.value) for each in found.Scalars("test/sensitivity")] == [(3, pytest.approx(1 / 3))]
    with pytest.raises(HemotkError, match="already exists"):
        experiments.write_tensorboard(rows, tmp_path / "logs")
    assert experiments.write_tensorboard(rows, tmp_path / "logs", overwrite=True) == 2


def test_without_tensorboard_it_is_a_sentence(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.compat.proto", None)
    with pytest.raises(HemotkError, match="TensorBoard is not installed; run `pip install tensorboard`"):
        experiments.write_tensorboard(experiments.runs(home / "runs"), tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


# --- tables


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal_and_show_every_figure(home: Path, width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    experiments.runs(home / "runs").show(console)
    table = stream.getvalue().split("images, ")[0].splitlines()
    assert all(len(line) <= width for line in table) and not any("…" in line for line in table)
    said = stream.getvalue()
    assert all(name in said for name in ("first", "right", "0.500", "1.000", "densenet-tiny"))
    assert "6 test images, 3 with label 1; intervals over 3 groups" in said


def test_a_comparison_and_one_run_say_their_figures(home: Path) -> None:
    said = experiments.to_text(experiments.compare_runs(home / "runs/first", home / "runs/right"), 80)
    assert "accuracy     +0.500 [" in said and "3 only right gets right, 0 only first does" in said
    assert "no setting differs" in said
    said = experiments.to_text(experiments.runs(home / "runs/first"), 80)
    assert (
        "the share of soft tissue alone: AUC 0.500" in said and "see curves.png, decisions.png, misses.csv in" in said
    )
    said = experiments.to_text(experiments.strata(home / "runs/first", ["patient", "level"]), 80)
    assert "over 3 patients, 3 with hemorrhage (the highest slice, called from 0.5; not chosen on patients" in said
    assert "soft tissue = 0.2" in said


def test_notebooks_get_tables(home: Path) -> None:
    for shown in (
        experiments.runs(home / "runs"),
        experiments.compare_runs(home / "runs/first", home / "runs/right"),
        experiments.strata(home / "runs/first", "level"),
    ):
        page = shown._repr_html_()
        assert "<table>" in page and "0.500" in page and shown.body()["what"]
    assert len(experiments.runs(home / "runs")) == 2 and experiments.runs(home / "runs", sort="auc")[0].name == "right"


def test_the_run_keeps_its_pictures_and_its_misses(home: Path) -> None:
    folder = home / "runs/first"
    card = experiments.run_card(folder)
    assert card.files["misses.csv"] == sha256_file(folder / "misses.csv")
    assert len((folder / "misses.csv").read_text().splitlines()) == 1 + 3
    assert (folder / "curves.png").is_file() and (folder / "decisions.png").is_file()
