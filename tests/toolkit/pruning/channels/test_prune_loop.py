"""Pruning end to end on a small network: the run it makes, interruptions, and what is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prunable_runs import SIZE, SMALL, make_run, split_of_squares

from hemotk.artifacts import (
    LEARNED_FILE,
    RUN_CARD,
    SHAPE_FILE,
    WEIGHTS_FILE,
    Learned,
    Part,
    PreprocessSpec,
    RunCard,
    SeriesPoint,
    SplitManifest,
    TrainingImages,
)
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.shape import CnnShape, DenseNetShape, densenet
from hemotk.models.weights import read_weights
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.job import STATE_FILE, PruneJob, read_inputs
from hemotk.pruning.channels.schedule import epochs_of, shares
from hemotk.stats.metrics import evaluate
from hemotk.training.config import DistillConfig
from hemotk.training.history import HISTORY_FILE, read_history
from hemotk.training.scores import SCORES_FILE, read_scores

pytest.importorskip("tf_keras")
from killed_trainings import KillAfter, Killed

from hemotk.exporting.source import open_run
from hemotk.pruning.channels.loop import prune
from hemotk.store.lock import locked
from hemotk.training.checkpoint import CHECKPOINT_FILE

BEFORE = TrainingImages("/elsewhere", ("0" * 64,), ("group",))
CONFIG = PruneConfig(macs=0.4, steps=2, epochs=4, batch=8, passes=1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images` and the run `parent` on them."""
    folder = tmp_path_factory.mktemp("home")
    chosen: dict[str, Any] = {"threshold": 0.4, "temperature": 1.5, "study": SeriesPoint(2, 0.625)}
    parent = make_run(folder / "parent", split_of_squares(folder / "images"), **chosen)
    Learned(None, (BEFORE,)).write(parent / LEARNED_FILE)
    card = RunCard.read(parent / RUN_CARD)
    replace(card, files={**card.files, LEARNED_FILE: sha256_file(parent / LEARNED_FILE)}).write(parent / RUN_CARD)
    return folder


@pytest.fixture(scope="module")
def undisturbed(home: Path) -> Path:
    out = home / "whole"
    prune(read_inputs(PruneJob(home / "parent", out), CONFIG))
    return out


@pytest.fixture(scope="module")
def killed(home: Path) -> Path:
    """The folder of a pruning that was killed in its second epoch, in its first step."""
    with pytest.raises(Killed):
        prune(read_inputs(PruneJob(home / "parent", home / "killed"), CONFIG), KillAfter(1))
    return home / "killed.partial"


@pytest.fixture
def begun(killed: Path, tmp_path: Path) -> Path:
    """The output of such a pruning of one's own, which is not there yet."""
    shutil.copytree(killed, tmp_path / "whole.partial")
    return tmp_path / "whole"


def shape_of(run: Path) -> DenseNetShape:
    return DenseNetShape.read(run / SHAPE_FILE)


def test_the_result_is_a_run_within_the_budget(home: Path, undisturbed: Path) -> None:
    card, shape = RunCard.read(undisturbed / RUN_CARD), shape_of(undisturbed)
    assert card.source == "pruned" and card.arch == "densenet-tiny"
    assert 0.3 < shape.macs(SIZE) / SMALL.macs(SIZE) <= 0.4
    assert {layer.bottleneck % 8 for block in shape.blocks for layer in block} | {shape.stem % 8} == {0}
    assert read_weights(undisturbed / WEIGHTS_FILE, shape)
    parent = sha256_file(home / "parent" / RUN_CARD)
    assert card.parents["run"] == card.parents["teacher"] == parent
    assert Learned.read(undisturbed / LEARNED_FILE) == Learned(parent, (BEFORE,)) and LEARNED_FILE in card.files
    assert card.parents["split"] == SplitManifest.read(home / "parent" / "split.json").sha256()
    assert set(card.metrics) == {"train", "validation", "test"}
    assert card.slice_level is not None and set(card.slice_level) == set(card.metrics)
    labels = {item.path: item.label for item in SplitManifest.read(undisturbed / "split.json").part("test")}
    scores = read_scores(undisturbed / SCORES_FILE, "test")
    assert SCORES_FILE in card.files and scores.keys() == labels.keys()
    found = evaluate(np.array(list(labels.values())), np.array([scores[path] for path in labels]), 0.4, 1.5)
    assert found == card.metrics["test"]
    assert (card.threshold, card.temperature, card.metrics["test"].threshold) == (0.4, 1.5, 0.4)
    assert card.settings["macs"] == 0.4 and card.settings["distill"] == {"share": 0.8, "temperature": 3.0}
    assert f"{SMALL.parameters():,} → {shape.parameters():,} parameters" in card.notes[0]
    assert card.study == SeriesPoint(2, 0.625)
    assert card.notes[2:] == (
        "Threshold 0.4 and temperature 1.5 are those of parent, not chosen anew.",
        "The 2 highest slices of a series and their threshold 0.625 are those of parent, not chosen anew.",
    )
    assert f"stem 16 → {shape.stem}" in card.notes[1]
    assert [epoch.epoch for epoch in read_history(undisturbed / HISTORY_FILE)] == [1, 2, 3, 4]
    assert open_run(undisturbed).shape == shape
    assert not undisturbed.with_name("whole.partial").exists()


def test_layers_may_vanish(home: Path, tmp_path: Path) -> None:
    config = PruneConfig(macs=0.35, steps=1, epochs=1, batch=8, passes=1, drop_layers=True)  # 0.361 is the least else
    card = prune(read_inputs(PruneJob(home / "parent", tmp_path / "short", parts=("validation",)), config))
    shape = shape_of(tmp_path / "short")
    gone = [not block for block in shape.blocks]
    assert sorted(gone) == [False, True] and shape.macs(SIZE) <= 0.35 * SMALL.macs(SIZE)
    assert f"block {gone.index(True) + 1} layers 1 → 0" in card.notes[1] and card.settings["drop_layers"] is True
    assert open_run(tmp_path / "short").shape == shape


def test_a_pruning_from_before_layers_could_vanish_is_resumed(home: Path, begun: Path) -> None:
    out = begun
    state = out.with_name("whole.partial") / STATE_FILE
    kept = json.loads(state.read_text())
    del kept["identity"]["drop_layers"]
    state.write_text(json.dumps(kept))
    read_inputs(PruneJob(home / "parent", out, resume=True), CONFIG)
    with pytest.raises(HemotkError, match="drop_layers False, now it is True"):
        read_inputs(PruneJob(home / "parent", out, resume=True), replace(CONFIG, drop_layers=True))


def test_killed_in_each_step_and_resumed_it_gives_the_same_run(
    home: Path, undisturbed: Path, begun: Path, tmp_path: Path
) -> None:
    out = begun
    assert (tmp_path / "whole.partial" / "work-1" / CHECKPOINT_FILE).exists()
    job = PruneJob(home / "parent", out, resume=True)
    listener = KillAfter(1)
    with pytest.raises(Killed):
        prune(read_inputs(job, CONFIG), listener)
    assert listener.resumed_after == 1
    step = tmp_path / "whole.partial" / "step-1"
    source = open_run(step)
    assert shape_of(step).macs(SIZE) <= np.sqrt(0.4) * SMALL.macs(SIZE)
    assert source.card.source == "pruned" and set(source.card.metrics) == {"train", "validation"}
    listener = KillAfter(9)
    prune(read_inputs(job, CONFIG), listener)
    assert listener.resumed_after == 2
    assert shape_of(out) == shape_of(undisturbed)
    one, two = (read_weights(run / WEIGHTS_FILE, shape_of(out)) for run in (out, undisturbed))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    histories = [
        [replace(epoch, seconds=0) for epoch in read_history(run / HISTORY_FILE)] for run in (out, undisturbed)
    ]
    assert histories[0] == histories[1]
    assert not (tmp_path / "whole.partial").exists()


def test_an_unfinished_pruning_is_not_started_over_or_changed(home: Path, begun: Path, tmp_path: Path) -> None:
    config, job = CONFIG, PruneJob(home / "parent", begun)
    with pytest.raises(HemotkError, match=r"unfinished pruning lies there; add resume"):
        read_inputs(job, config)
    again = replace(job, resume=True)
    with pytest.raises(HemotkError, match=r"was trained with macs 0.4, now it is 0.5; resume with the same"):
        read_inputs(again, replace(config, macs=0.5))
    other = make_run(tmp_path / "other", open_run(home / "parent").split)
    with pytest.raises(HemotkError, match=r"was trained with teacher"):
        read_inputs(replace(again, teacher=other), config)
    with locked(job.partial), pytest.raises(HemotkError, match="another hemotk holds it"):
        prune(read_inputs(again, config))
    state = job.partial / STATE_FILE
    state.write_text(state.read_text()[:20])
    with pytest.raises(HemotkError, match="is damaged"):
        read_inputs(again, config)
    state.unlink()
    with pytest.raises(HemotkError, match="holds something else than a pruning"):
        read_inputs(again, config)
    assert not job.out.exists()


def test_a_latency_budget_is_met_as_measured(home: Path, tmp_path: Path) -> None:
    def measure(shape: DenseNetShape) -> float:
        return 0.3 + 0.7 * shape.macs(SIZE) / SMALL.macs(SIZE)

    config = PruneConfig(latency_ratio=0.7, steps=2, epochs=2, batch=8, importance="magnitude", multiple=1)
    card = prune(read_inputs(PruneJob(home / "parent", tmp_path / "run"), config), None, measure)
    ratio = measure(shape_of(tmp_path / "run"))
    assert 0.95 * 0.7 <= ratio <= 0.7
    assert f"{ratio:.3f} of that of parent" in card.notes[-1]


def test_what_a_kill_left_of_the_state_is_no_other_pruning(home: Path, tmp_path: Path) -> None:
    job = PruneJob(home / "parent", tmp_path / "run")
    job.partial.mkdir()
    (job.partial / f".{STATE_FILE}.0123abcd.tmp").touch()
    assert read_inputs(job, CONFIG).job == job
    (job.partial / "notes.txt").touch()
    with pytest.raises(HemotkError, match="something else than a pruning"):
        read_inputs(job, CONFIG)


def test_existing_output(home: Path, undisturbed: Path) -> None:
    before = sha256_file(undisturbed / RUN_CARD)
    with pytest.raises(HemotkError, match="overwrite"):
        read_inputs(PruneJob(home / "parent", undisturbed), CONFIG)
    assert sha256_file(undisturbed / RUN_CARD) == before
    assert read_inputs(PruneJob(home / "parent", undisturbed, overwrite=True), CONFIG)


def test_images_that_are_elsewhere(home: Path, tmp_path: Path) -> None:
    job = PruneJob(home / "parent", tmp_path / "run", data=tmp_path / "gone")
    with pytest.raises(HemotkError, match="data"):
        prune(read_inputs(job, CONFIG))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("macs", "says"), [(0.001, "cannot be reached"), (1.0, "nothing to cut"), (3.0, "nothing to cut")]
)
def test_budgets_that_make_no_sense(home: Path, tmp_path: Path, macs: float, says: str) -> None:
    with pytest.raises(HemotkError, match=says):
        read_inputs(PruneJob(home / "parent", tmp_path / "run"), replace(CONFIG, macs=macs))


def test_runs_that_cannot_be_pruned(home: Path, tmp_path: Path) -> None:
    split = open_run(home / "parent").split
    cnn = make_run(tmp_path / "cnn", split, CnnShape((4,), 4, SIZE), arch="cnn")
    with pytest.raises(HemotkError, match="is a run of cnn, and only the channels of a DenseNet can be pruned"):
        read_inputs(PruneJob(cnn, tmp_path / "run"), CONFIG)
    with pytest.raises(HemotkError, match=r"none: no such folder; name a run"):
        read_inputs(PruneJob(tmp_path / "none", tmp_path / "run"), CONFIG)
    (cnn / WEIGHTS_FILE).write_bytes(b"")
    with pytest.raises(HemotkError, match="changed or cut short"):
        read_inputs(PruneJob(cnn, tmp_path / "run"), CONFIG)


def test_without_a_share_of_the_loss_there_is_no_teacher(home: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, distill=DistillConfig(share=0.0))
    inputs = read_inputs(PruneJob(home / "parent", tmp_path / "run"), config)
    assert inputs.teacher is None and set(inputs.parents) == {"run"} and "teacher" not in inputs.identity
    with pytest.raises(HemotkError, match="has no share of the loss with teacher_share 0"):
        read_inputs(PruneJob(home / "parent", tmp_path / "run", home / "parent"), config)


def test_teachers_that_do_not_fit(home: Path, tmp_path: Path) -> None:
    split = open_run(home / "parent").split
    job = PruneJob(home / "parent", tmp_path / "run")
    with pytest.raises(HemotkError, match=r"none: no such folder; name a run"):
        read_inputs(replace(job, teacher=tmp_path / "none"), CONFIG)
    larger = make_run(tmp_path / "larger", split, preprocess=PreprocessSpec(32))
    with pytest.raises(HemotkError, match=r"takes pictures of 32×32 and .* of 16×16"):
        read_inputs(replace(job, teacher=larger), CONFIG)
    words = make_run(tmp_path / "words", split, labels=("no", "yes"))
    with pytest.raises(HemotkError, match="tells no from yes"):
        read_inputs(replace(job, teacher=words), CONFIG)
    parts: dict[Part, Part] = {"train": "test", "test": "train", "validation": "validation"}
    swapped = replace(split, items=tuple(replace(item, part=parts[item.part]) for item in split.items))
    knows = make_run(tmp_path / "knows", swapped)
    with pytest.raises(HemotkError, match=r"was trained on '.*' .*which .* is to be judged on"):
        read_inputs(replace(job, teacher=knows), CONFIG)
    other = make_run(tmp_path / "fits", split, densenet((2, 1), growth=8))
    assert read_inputs(replace(job, teacher=other), CONFIG).teacher.card.name == "fits"
    shutil.rmtree(other)


def test_teachers_of_splits_without_checksums_are_told_apart_by_path(home: Path, tmp_path: Path) -> None:
    split = open_run(home / "parent").split
    bare = replace(
        split,
        grouping="none",
        groups=(),
        items=tuple(replace(item, sha256=None, group="i" + item.path) for item in split.items),
    )
    parts: dict[Part, Part] = {"train": "test", "test": "train", "validation": "validation"}
    other = tuple(replace(item, part=parts[item.part], group="p" + item.path) for item in bare.items)
    job = PruneJob(make_run(tmp_path / "bare", bare), tmp_path / "run", teacher=make_run(tmp_path / "same", bare))
    assert read_inputs(job, CONFIG).teacher.card.name == "same"
    for name, folder in (("swapped", bare.folder), ("elsewhere", "/elsewhere")):
        knows = make_run(tmp_path / name, replace(bare, items=other, folder=folder))
        with pytest.raises(HemotkError, match=r"was trained on '.*' \(same image\)"):
            read_inputs(replace(job, teacher=knows), CONFIG)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "macs"),
        ({"macs": 0.5, "latency_ratio": 0.5}, "target_latency_ratio"),
        ({"latency_ratio": 1.0}, "latency_ratio"),
        ({"macs": 0.0}, "macs"),
        ({"macs": 0.5, "steps": 0}, "steps"),
        ({"macs": 0.5, "steps": 4, "epochs": 5}, "epochs"),
        ({"macs": 0.5, "multiple": 0}, "multiple"),
        ({"macs": 0.5, "batch": 1}, "batch"),
        ({"macs": 0.5, "learning_rate": 0.0}, "learning_rate"),
        ({"macs": 0.5, "seed": -1}, "seed"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, float], says: str) -> None:
    with pytest.raises(HemotkError, match=says):
        PruneConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_steps_are_even_and_the_last_gets_half_of_the_epochs(steps: int) -> None:
    left = np.array([1.0, *shares(0.2, steps)])
    np.testing.assert_allclose(left[1:] / left[:-1], 0.2 ** (1 / steps))
    assert left[-1] == 0.2
    for total in range(max(1, 2 * (steps - 1)), 60):
        epochs = epochs_of(total, steps)
        assert sum(epochs) == total and min(epochs) >= 1 and len(set(epochs[:-1])) <= 1
        assert epochs[-1] * 2 >= total
