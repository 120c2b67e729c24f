"""The pictures of a run are drawn whatever the figures are; a test reads them from what matplotlib was given."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from hemotk.artifacts import Part, SplitItem, SplitManifest
from hemotk.training.history import Epoch
from hemotk.training.plots import plot_curves, plot_decisions

HEAD = Epoch(1, 0.7, 0.5, 0.7, 0.5, 1e-3, 0.1, "head")
WHOLE = Epoch(2, 0.6, 0.55, 0.65, 0.6, 1e-4, 9.0)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The figures that were saved."""
    figures: list[Any] = []
    save = Figure.savefig

    def keep(figure: Figure, *arguments: Any, **options: Any) -> None:
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    yield figures


def split_of(test: list[int], validation: list[int]) -> SplitManifest:
    labels: dict[Part, list[int]] = {"train": [0, 1], "validation": validation, "test": test}
    items = [
        SplitItem(f"{part}{i}.png", f"{part}{i}".rjust(64, "0"), label, f"{part}{i}", part)
        for part, some in labels.items()
        for i, label in enumerate(some)
    ]
    return SplitManifest("2026-01-01T00:00:00+00:00", "x", ("no$r$mal", "h" * 40), 0, 0.2, 0.2, "none", tuple(items))


def words(figure: Any) -> str:
    return "\n".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_loss_accuracy_and_rate_stand_side_by_side(tmp_path: Path, drawn: list[Any]) -> None:
    plot_curves(tmp_path / "c.png", [HEAD, WHOLE], "both $ and $")
    plot_curves(tmp_path / "c.png", [WHOLE], "one")
    plot_curves(tmp_path / "c.png", [], "none")
    loss, accuracy, rate = drawn[0].axes
    assert loss.lines[1].get_ydata().tolist() == [0.7, 0.65] and accuracy.lines[0].get_ydata().tolist() == [0.5, 0.55]
    assert rate.lines[0].get_ydata().tolist() == [1e-3, 1e-4] and rate.get_yscale() == "log"
    assert len(loss.patches) == 1 and not drawn[1].axes[0].patches  # the head's epochs alone are on gray


def test_the_decisions_are_those_of_the_test_part(tmp_path: Path, drawn: list[Any]) -> None:
    split = split_of([0, 0, 1, 1, 1], [0, 1])
    logits: dict[Part, np.ndarray] = {
        "train": np.zeros(2),
        "validation": np.array([-1.0, 1.0]),
        "test": np.array([-2.0, 0.5, -0.5, 1.0, 2.0]),
    }
    plot_decisions(tmp_path / "d.png", split, logits, (0.5, 1.0), "r")
    (figure,) = drawn
    roc, confusion, reliability = figure.axes
    names = [text.get_text() for text in roc.get_legend().get_texts()]
    assert names[0].startswith("test, AUC 0.833 [") and names[1] == "threshold 0.5"
    assert names[2].startswith("validation, AUC 1.000 [")
    (marker,) = (line for line in roc.lines if line.get_marker() == "o")
    assert (marker.get_xdata()[0], marker.get_ydata()[0]) == (0.5, pytest.approx(2 / 3))
    assert [text.get_text().splitlines()[0] for text in confusion.texts] == ["1", "1", "1", "2"]
    assert "h" * 14 not in [label.get_text() for label in confusion.get_xticklabels()]
    assert "calibration error" in words(figure) and len(reliability.collections) == 5
    assert "test part: 5 images" in figure.get_suptitle()


@pytest.mark.parametrize("labels", [[0, 0], [1, 1]])
def test_one_class_alone_has_no_curve_and_says_so(tmp_path: Path, drawn: list[Any], labels: list[int]) -> None:
    plot_decisions(tmp_path / "d.png", split_of(labels, [0, 1]), {"test": np.array([0.3, -0.3])}, (0.5, 1.0), "r")
    assert f"test: no image with label {1 - labels[0]}" in words(drawn[0])


def test_intervals_count_groups_and_not_images(tmp_path: Path, drawn: list[Any]) -> None:
    split = split_of([0, 0, 1, 1, 0, 1], [0, 1])
    items = tuple(replace(item, group="one") if item.part == "test" else item for item in split.items)
    logits: dict[Part, np.ndarray] = {"test": np.array([-1.0, -1.0, 1.0, 1.0, -1.0, 1.0])}
    plot_decisions(tmp_path / "d.png", replace(split, items=items), logits, (0.5, 1.0), "r")
    plot_decisions(tmp_path / "d.png", split, logits, (0.5, 1.0), "r")
    cells = [figure.axes[1].texts[0].get_text() for figure in drawn]
    assert cells == ["3\n\n1.000\n[0.207, 1.000]", "3\n\n1.000\n[0.439, 1.000]"]
    assert "6 images of 1 groups" in drawn[0].get_suptitle()


def test_without_the_test_part_it_is_the_validation_part(tmp_path: Path, drawn: list[Any]) -> None:
    plot_decisions(tmp_path / "d.png", split_of([0, 1], [0, 1]), {"validation": np.array([1.0, 1.0])}, (0.9, 1.0), "r")
    assert "validation part: 2 images" in drawn[0].get_suptitle()
