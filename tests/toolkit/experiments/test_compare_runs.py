"""Two runs on the images that both were judged on."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scored_runs import Judged

from hemotk.api.experiments import compare_runs
from hemotk.errors import HemotkError
from hemotk.experiments.compare import _OF_PRUNING, _flat, _joined, different
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.magnitude.config import MagnitudeConfig
from hemotk.stats.paired import auc_difference, mcnemar_by_group, share_drop
from hemotk.training.config import DistillConfig, TrainConfig

LABELS = [0, 1] * 6
FIRST = [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0]
SECOND = [-1.0, 1.0, 1.0, 1.0, -1.0, 2.0, -1.0, 1.0, -1.0, -1.0, -1.5, 1.5]
GROUPS = [f"p{place // 3}" for place in range(12)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    first = Judged(LABELS, FIRST, GROUPS)
    first.write(folder / "first")
    settings = {"epochs": 5, "seed": 0, "augment": {"zoom": 0.2}, "strategy": "none"}
    replace(first, logits=SECOND, settings=settings, threshold=0.4).write(folder / "second")
    return folder


def test_differences_are_those_of_the_second_from_the_first(runs: Path) -> None:
    found = compare_runs(runs / "first", runs / "second").found
    (pair,) = found.pairs
    labels, groups = np.array(LABELS), np.array(GROUPS)
    right = [(np.array(logits) >= 0) == (labels == 1) for logits in (FIRST, SECOND)]
    assert (pair.images, pair.positives, pair.groups) == (12, 6, 4)
    assert (pair.gained, pair.lost) == (3, 1)
    assert pair.accuracy == share_drop(right[1], right[0], groups) and pair.accuracy.value == pytest.approx(2 / 12)
    assert pair.auc == auc_difference(labels, SECOND, FIRST, groups)
    assert pair.p == mcnemar_by_group(right[0].astype(int) - right[1].astype(int), groups)
    assert pair.sensitivity is not None and pair.sensitivity.value == pytest.approx(1 / 6)
    swapped = compare_runs(runs / "second", runs / "first").found.pairs[0]
    assert swapped.accuracy is not None and swapped.accuracy.value == pytest.approx(-2 / 12)


def test_the_settings_that_differ_stand_alone(runs: Path) -> None:
    found = compare_runs(runs / "first", runs / "second").found
    assert found.settings == {
        "epochs": ("3", "5"),
        "augment.zoom": ("0.15", "0.2"),
        "strategy": ("–", "none"),
        "decision threshold": ("0.5", "0.4"),
    }


def flat(settings: Mapping[str, Any]) -> dict[str, str]:
    return dict(_flat(json.loads(json.dumps(settings))))


def test_of_what_one_run_alone_can_have_only_choices_stand_there() -> None:
    trained = {**TrainConfig(arch="cnn", epochs=60, learning_rate=5e-4).settings()}
    del trained["window"], trained["arch"], trained["size"]
    pruned = PruneConfig(macs=0.25).settings()
    assert different([trained, pruned]) == {
        "method": ("–", "channels"),
        "macs": ("–", "0.25"),
        "steps": ("–", "4"),
    }
    asked = PruneConfig(
        macs=0.25, importance="magnitude", drop_layers=True, distill=DistillConfig(share=0.5)
    ).settings()
    decayed = {**trained, "rate_decay": 0.5, "augment": {**trained["augment"], "flip": False}}
    assert {*different([decayed, asked])} == {
        *("method", "macs", "steps", "importance", "drop_layers", "distill.share", "rate_decay", "augment.flip"),
    }


@pytest.mark.parametrize("config", [PruneConfig(macs=0.5), MagnitudeConfig()], ids=["channels", "magnitude"])
def test_what_a_pruning_sets_unasked_is_known_here(config: PruneConfig | MagnitudeConfig) -> None:
    """Experiments do not know prunings: their defaults stand there a second time."""
    settings = flat(config.settings())
    own = {*settings} - {*flat(TrainConfig().settings())} - {"method", "macs", "latency_ratio", "steps", "sparsity"}
    assert own and {name: settings[name] for name in own} == {name: _OF_PRUNING[name] for name in own}


def test_only_shared_images_are_paired_whatever_their_order(runs: Path, tmp_path: Path) -> None:
    kept = [*range(11, 5, -1)]
    names = [*(f"{place}.png" for place in kept), "new.png"]
    labels, logits = [*(LABELS[place] for place in kept), 1], [*(SECOND[place] for place in kept), 5.0]
    Judged(labels, logits, [*(GROUPS[place] for place in kept), "q"], names=names).write(tmp_path / "half")
    found = compare_runs(runs / "first", tmp_path / "half").found
    (pair,) = found.pairs
    assert (pair.images, pair.groups, pair.gained, pair.lost) == (6, 2, 3, 0)
    assert "first and half share 6 images; 6 and 1 others are left out of the differences." in found.notes
    assert any("not comparable" in note for note in found.notes)


def test_runs_on_different_images_are_not_paired(runs: Path, tmp_path: Path) -> None:
    Judged([0, 1], [-1.0, 1.0], names=["x.png", "y.png"]).write(tmp_path / "else")
    found = compare_runs(runs / "first", tmp_path / "else").found
    assert found.pairs[0].p is None and "were judged on different images: nothing is paired." in " ".join(found.notes)


def test_labels_that_contradict_are_refused(runs: Path, tmp_path: Path) -> None:
    Judged([1, *LABELS[1:]], SECOND, GROUPS).write(tmp_path / "relabelled")
    with pytest.raises(HemotkError, match="1 of 12 shared images have another label in each; train both on one"):
        compare_runs(runs / "first", tmp_path / "relabelled")


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["first"], "one is no comparison"),
        (["first", "first"], "is named twice"),
        (["first", "third"], "no such run; see `hemotk runs`"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(runs: Path, names: list[str], says: str) -> None:
    with pytest.raises(HemotkError, match=says):
        compare_runs(*(runs / name for name in names))


def test_groups_of_either_split_are_kept_together() -> None:
    one, two = np.array([0, 0, 1, 2, 3, 3]), np.array([0, 1, 1, 2, 3, 4])
    joined = _joined(one, two)
    assert [int(place) for place in np.unique(joined, return_inverse=True)[1]] == [0, 0, 0, 1, 2, 2]
