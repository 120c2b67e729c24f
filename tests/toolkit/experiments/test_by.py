"""Figures of a run within parts of its test images."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scored_runs import Judged

from hemotk.api.experiments import RunStrata, strata
from hemotk.artifacts import SeriesPoint
from hemotk.errors import HemotkError
from hemotk.stats.grouped import auc_by_group
from hemotk.stats.metrics import wilson

LABELS = [0, 1, 0, 1, 0, 0, 1, 1]
LOGITS = [-1.0, 2.0, 0.5, -0.5, -2.0, -1.5, 1.0, 0.2]
PATIENTS = ["a", "a", "b", "b", "c", "c", "d", "e"]
TISSUE = [0.05, 0.25, 0.15, 0.35, 0.2, 0.02, 0.5, 0.3]
TABLE = ("id", "hemorrhage", "patient", "subdural", "epidural", "intraventricular", "scanner")
CELLS = {
    "subdural": [0, 1, 0, 0, 0, 0, 1, 0],
    "epidural": [0, 0, 0, 1, 0, 0, 0, 0],
    "intraventricular": [0] * 8,
    "scanner": [*"ABABABAB"],
}


def write_table(folder: Path, labels: Sequence[int] = LABELS, names: Sequence[str] = ()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stems = [*(names or map(str, range(len(labels))))]
    for place, stem in enumerate(stems):
        Image.fromarray(np.full((8, 8), 10 * place, np.uint8)).save(folder / f"{stem}.png")
    columns = ([*CELLS[name]][: len(stems)] for name in CELLS)
    with (folder / "labels.csv").open("w", newline="") as stream:
        rows = zip(stems, labels, PATIENTS, *columns, strict=False)
        csv.writer(stream).writerows([TABLE, *rows])
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by")
    images = write_table(folder / "images")
    judged = Judged(LABELS, LOGITS, PATIENTS, TISSUE, folder=str(images))
    judged.write(folder / "run")
    replace(judged, series=SeriesPoint(2, 0.45)).write(folder / "series")
    return folder


def parts_of(found: RunStrata) -> list[tuple[str, str, int, int]]:
    parts = (row.stratum for row in found.found.rows)
    return [(part.column, part.value, part.images, part.positives) for part in parts]


def test_subtypes_are_held_against_all_without_and_beside_the_baseline(home: Path) -> None:
    found = strata(home / "run", "subtype")
    assert parts_of(found) == [("epidural", "1", 5, 1), ("subdural", "1", 6, 2)]
    assert found.found.notes == ("No image of the test part is marked intraventricular.",)
    assert parts_of(strata(home / "run", "intraventricular")) == [("intraventricular", "0", 8, 4)]
    epidural, subdural = found.found.rows
    assert epidural.stratum.sensitivity.value == 0.0 and subdural.stratum.sensitivity.value == 1.0
    chosen = np.array([0, 1, 2, 4, 5, 6])
    labels, tissue, groups = (np.array(each)[chosen] for each in (LABELS, TISSUE, PATIENTS))
    assert subdural.baseline == auc_by_group(labels, tissue, groups)


def test_levels_are_shares_of_soft_tissue_with_all_brain_slices_first(home: Path) -> None:
    assert parts_of(strata(home / "run", ["level"])) == [
        ("soft tissue", "0.2 or more (brain)", 5, 4),
        ("soft tissue", "below 0.1", 2, 0),
        ("soft tissue", "0.1 to 0.2", 1, 0),
        ("soft tissue", "0.2 to 0.3", 2, 1),
        ("soft tissue", "0.3 or more", 3, 3),
    ]


def test_any_column_divides_and_columns_come_once(home: Path) -> None:
    found = strata(home / "run", ["Scanner", "scanner"])
    assert parts_of(found) == [("scanner", "A", 4, 1), ("scanner", "B", 4, 3)]
    assert found.found.by == ("scanner",) and found.found.rows[0].stratum.groups == 4


@pytest.mark.parametrize(("name", "k", "threshold", "called"), [("run", 1, 0.5, 4), ("series", 2, 0.45, 2)])
def test_patients_score_their_highest_slices(home: Path, name: str, k: int, threshold: float, called: int) -> None:
    patients = strata(home / name, "patient").found.patients
    assert patients is not None
    assert (patients.k, patients.threshold, patients.chosen) == (k, threshold, name == "series")
    # Of a and b, both with hemorrhage, the run calls both by their highest slice; c has none and is not called.
    assert (patients.patients, patients.positives, patients.left_out) == (3, 2, 2)
    assert patients.metrics.sensitivity == wilson(2, 2) and patients.metrics.specificity == wilson(1, 1)
    assert patients.baseline is not None and patients.baseline.value == 1.0


def test_a_merged_run_is_divided_by_its_folders_and_their_tables(tmp_path: Path) -> None:
    write_table(tmp_path / "one", LABELS[:4])
    write_table(tmp_path / "two", LABELS[:4])
    names = [f"{folder}/{place}.png" for folder in ("one", "two") for place in range(4)]
    groups = [f"{place}@{name.split('/')[0]}" for place, name in enumerate(names)]
    Judged(LABELS[:4] * 2, LOGITS, groups, TISSUE, names, str(tmp_path)).write(tmp_path / "run")
    assert parts_of(strata(tmp_path / "run", "set")) == [("set", "one", 4, 2), ("set", "two", 4, 2)]
    found = strata(tmp_path / "run", "scanner")
    assert parts_of(found) == [("scanner", "A", 4, 0), ("scanner", "B", 4, 4)] and not found.found.notes
    table = tmp_path / "two" / "labels.csv"
    table.write_text("\n".join(line.rpartition(",")[0] for line in table.read_text().splitlines()))
    (note,) = strata(tmp_path / "run", "scanner").found.notes
    assert note.startswith("The table of two has no column scanner: its images count as unmarked")


@pytest.mark.parametrize(
    ("by", "says"),
    [
        (
            "site",
            "has no column 'site': it has epidural, hemorrhage, id, intraventricular, scanner, subdural; choose one",
        ),
        ("set", "by set: the images of .*run are of one folder"),
        ((), "by: names nothing to divide by"),
    ],
)
def test_what_is_not_known_is_a_sentence(home: Path, by: str, says: str) -> None:
    with pytest.raises(HemotkError, match=says):
        strata(home / "run", by)


def test_without_a_table_the_remedy_is_a_table(home: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    for path in (home / "images").rglob("*.png"):
        place = tmp_path / "bare" / path.relative_to(home / "images")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    with pytest.raises(HemotkError, match=r"bare: there is no table of labels with a column 'site'; add one beside"):
        strata(home / "run", "site", data=tmp_path / "bare")


def test_a_column_that_names_patients_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemotk.data.scan.cells.FEWEST_PATIENTS", 2)
    table = home / "images" / "labels.csv"
    before = table.read_text()
    lines = [f"{line},{'who' if not place else line.split(',')[2]}" for place, line in enumerate(before.splitlines())]
    moved = write_table(tmp_path / "moved")
    (moved / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(HemotkError, match="column 'who' tells exactly the patients apart"):
        strata(home / "run", "who", data=moved)


def test_a_table_that_says_other_labels_today_is_refused(home: Path, tmp_path: Path) -> None:
    moved = write_table(tmp_path / "moved", [1, *LABELS[1:]])
    with pytest.raises(HemotkError, match=r"0\.png: its table says label 1 today, the run was judged with 0"):
        strata(home / "run", "scanner", data=moved)


def test_pictures_that_were_moved_are_named_and_found(home: Path, tmp_path: Path) -> None:
    Judged(LABELS, LOGITS, folder=str(tmp_path / "gone")).write(tmp_path / "run")
    with pytest.raises(HemotkError, match="gone: no such folder; name the one that holds the run's images with data"):
        strata(tmp_path / "run", "scanner")
    assert len(strata(tmp_path / "run", "scanner", data=home / "images").found.rows) == 2
    with pytest.raises(HemotkError, match=r"no image of the test part of .* is of a known patient with several slices"):
        strata(tmp_path / "run", "patient")
