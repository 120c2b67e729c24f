"""The misses of a test part, as a table."""

import csv
from pathlib import Path

import pytest

from hemotk.artifacts import SplitItem
from hemotk.training.misses import MISSES_FILE, misses_of, write_misses


def items(*labels: int) -> list[SplitItem]:
    return [SplitItem(f"{i}.png", f"{i:064}", label, str(i), "test") for i, label in enumerate(labels)]


def test_missed_bleeds_come_first_and_each_kind_worst_first() -> None:
    found = misses_of(items(1, 0, 1, 0, 1, 0), [-0.5, 2.0, -4.0, 0.5, 3.0, -1.0], 0.5, 1.0)
    assert [(miss.path, miss.kind) for miss in found] == [
        ("2.png", "false negative"),
        ("0.png", "false negative"),
        ("1.png", "false positive"),
        ("3.png", "false positive"),
    ]
    assert found[0].probability == pytest.approx(0.018, abs=1e-3) and found[0].logit == -4.0


def test_the_run_s_own_threshold_and_temperature_decide() -> None:
    (miss,) = misses_of(items(1, 0), [1.0, 0.0], 0.7, 4.0)  # 1.0 / 4 is 0.56, below the threshold
    assert (miss.path, miss.kind) == ("0.png", "false negative") and miss.probability == pytest.approx(0.562, abs=1e-3)
    assert misses_of(items(1, 0), [1.0, 0.0], 0.5001, 4.0) == ()


def test_a_probability_at_the_threshold_is_called() -> None:
    (miss,) = misses_of(items(0, 1), [0.0, 0.0], 0.5, 1.0)
    assert miss.kind == "false positive"


def test_the_table_gives_back_what_was_found(tmp_path: Path) -> None:
    found = misses_of(items(1, 0), [-1 / 3, 1 / 7], 0.5, 1.0)
    write_misses(tmp_path / MISSES_FILE, found)
    rows = list(csv.DictReader((tmp_path / MISSES_FILE).open(newline="")))
    assert [(row["path"], float(row["logit"]), float(row["probability"])) for row in rows] == [
        (miss.path, miss.logit, miss.probability) for miss in found
    ]
    write_misses(tmp_path / MISSES_FILE, ())
    assert (tmp_path / MISSES_FILE).read_text() == "kind,path,label,logit,probability\n"
