"""Runs as rows: what lies below a folder, whose figures they are, and in which order they stand."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from scored_runs import Judged
from written_artefacts import write_run

from hemotk.errors import HemotkError
from hemotk.experiments.rows import RunRow, beside, find_rows, in_order, row_of
from hemotk.stats.grouped import evaluate_groups
from hemotk.stats.metrics import evaluate

LABELS, LOGITS = [0, 0, 1, 1, 0, 1], [-2.0, 0.5, 1.0, -0.5, -1.0, 2.0]
PATIENTS = ["a", "a", "b", "b", "c", "d"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of three kinds, one inside a cross-validation, unfinished work, and what is none of these."""
    runs = tmp_path_factory.mktemp("runs")
    Judged(LABELS, LOGITS, PATIENTS).write(runs / "first")
    Judged(LABELS, LOGITS[::-1]).write(runs / "cv" / "fold-1")
    write_run(runs / "early")
    (runs / "killed.partial").mkdir()
    shutil.copy(runs / "first" / "history.csv", runs / "killed.partial")
    (runs / "begun.partial" / "fold-1").mkdir(parents=True)
    shutil.copytree(runs / "first", runs / "begun.partial" / "fold-2")
    shutil.copytree(runs / "first", runs / ".hidden")
    shutil.copytree(runs / "first", runs / "changed")
    with (runs / "changed" / "scores.csv").open("a") as stream:
        stream.write("\n")
    (runs / "notes").mkdir()
    return runs


def by_name(rows: tuple[RunRow, ...]) -> dict[str, RunRow]:
    return {row.name: row for row in rows}


def test_finished_unfinished_and_changed_runs_are_told_apart(folder: Path) -> None:
    rows = by_name(find_rows(folder, "test"))
    assert {name: row.state for name, row in rows.items()} == {
        "begun": "unfinished",
        "changed": "unreadable",
        "cv/fold-1": "finished",
        "early": "finished",
        "first": "finished",
        "killed": "unfinished",
    }
    assert (rows["killed"].epochs, rows["killed"].seconds) == (3, 6.0) and rows["begun"].epochs is None
    assert "scores.csv: checksum" in rows["changed"].why and rows["changed"].auc is None


def test_intervals_count_groups_where_scores_are_kept_else_images(folder: Path) -> None:
    rows = by_name(find_rows(folder, "test"))
    first, early = rows["first"], rows["early"]
    judged = evaluate_groups(LABELS, [logit >= 0 for logit in LOGITS], LOGITS, PATIENTS)
    assert (first.images, first.positives, first.groups, first.epochs) == (6, 3, 4, 3)
    assert (first.accuracy, first.sensitivity, first.auc) == (judged.accuracy, judged.sensitivity, judged.auc)
    single = evaluate(LABELS, LOGITS, 0.5)
    assert first.accuracy is not None and first.accuracy.value == single.accuracy.value
    assert first.accuracy != single.accuracy
    assert early.groups is None and early.auc is not None and early.parameters and early.epochs is None
    notes = list(beside((first, early)))
    assert any("take the images as independent" in note for note in notes)


def test_the_part_that_is_asked_for_is_shown(folder: Path) -> None:
    rows = by_name(find_rows(folder, "validation"))
    assert (rows["first"].images, rows["first"].part) == (2, "validation")
    assert rows["early"].images is None and "not judged on its validation part" in rows["early"].why


def test_runs_judged_on_the_same_images_are_known_by_them(folder: Path) -> None:
    rows = by_name(find_rows(folder, "test"))
    assert rows["first"].images_of == rows["cv/fold-1"].images_of != rows["early"].images_of
    assert not any("not comparable" in note for note in beside((rows["first"], rows["cv/fold-1"])))
    assert any("2 different sets" in note for note in beside(tuple(rows.values())))


def test_the_same_images_with_another_label_are_another_set(folder: Path, tmp_path: Path) -> None:
    other = Judged([1, *LABELS[1:]], LOGITS).write(tmp_path / "other")
    assert row_of(other, "other", "test").images_of != row_of(folder / "first", "first", "test").images_of


def test_best_and_newest_first_small_first_and_unknown_last() -> None:
    from hemotk.artifacts import Estimate

    row = RunRow("a", Path(), "finished", size=64, created="2026-01-02T00:00:00+00:00", auc=Estimate(0.7))
    other = replace(row, name="b", size=32, created="2026-01-01T23:30:00-02:00", auc=Estimate(0.9))
    empty = RunRow("0", Path(), "unfinished")
    rows = (empty, row, other)
    order = {by: "".join(each.name for each in in_order(rows, by)) for by in ("auc", "size", "created", "name")}
    assert order == {"auc": "ba0", "size": "ba0", "created": "ba0", "name": "0ab"}
    with pytest.raises(HemotkError, match="sort colour: is no column of runs; choose of created, name"):
        in_order(rows, "colour")


def test_choosing_by_test_figures_is_warned_of(folder: Path) -> None:
    rows = find_rows(folder, "test")
    said = {by: any("looks better than it is" in note for note in beside(rows, by)) for by in ("auc", "loss", "name")}
    assert said == {"auc": True, "loss": True, "name": False}
    assert not any("looks better" in note for note in beside(find_rows(folder, "validation"), "auc"))


def test_no_folder_and_no_run_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="no such folder; make a run with `hemotk train`"):
        find_rows(tmp_path / "none", "test")
    with pytest.raises(HemotkError, match="no run lies here; make one"):
        find_rows(tmp_path, "test")
