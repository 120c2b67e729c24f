"""Magnitude pruning of small networks: from a run to a sparse run, resumed, repeated, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prunable_runs import split_of_squares

from hemotk.artifacts import (
    LEARNED_FILE,
    RUN_CARD,
    SHAPE_FILE,
    WEIGHTS_FILE,
    Learned,
    RunCard,
    SeriesPoint,
    SplitManifest,
)
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.weights import Weights, read_shape, read_weights
from hemotk.pruning.channels.job import STATE_FILE, PruneJob
from hemotk.pruning.magnitude.config import MagnitudeConfig
from hemotk.pruning.magnitude.job import read_magnitude
from hemotk.pruning.magnitude.pattern import holds
from hemotk.pruning.magnitude.size import KERNEL, NOT_PRUNED, deflated_bytes

pytest.importorskip("tf_keras")
from killed_trainings import KillAfter, Killed

from hemotk.pruning.magnitude.loop import SparseRun, prune_magnitude
from hemotk.store.lock import locked
from hemotk.training.checkpoint import CHECKPOINT_FILE
from hemotk.training.config import from_recipe
from hemotk.training.history import Epoch
from hemotk.training.listener import Listener
from hemotk.training.loop import TrainJob, train
from hemotk.training.scores import SCORES_FILE, read_scores

CONFIG = MagnitudeConfig(sparsity=0.5, epochs=4, batch=8, learning_rate=1e-3, seed=1)


class Count(Listener):
    epochs = 0

    def epoch(self, epoch: Epoch) -> None:
        self.epochs += 1


def prune(run: Path, out: Path, config: MagnitudeConfig, **job: Any) -> SparseRun:
    return prune_magnitude(read_magnitude(PruneJob(run, out, **job), config))


def arrays(run: Path) -> Weights:
    return read_weights(run / WEIGHTS_FILE, read_shape(run / SHAPE_FILE))


def zeros(run: Path) -> dict[str, np.ndarray]:
    return {name: array == 0 for name, array in arrays(run).items() if name.endswith(KERNEL)}


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    return split_of_squares(tmp_path_factory.mktemp("data"), count=40, side=36)


def trained(split: SplitManifest, out: Path, arch: str) -> Path:
    train(TrainJob(split, out), from_recipe("hemotk", arch=arch, size=32, epochs=2, batch=8, seed=1))
    return out


@pytest.fixture(scope="module")
def dense(split: SplitManifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = trained(split, tmp_path_factory.mktemp("runs") / "dense", "densenet-tiny")
    replace(RunCard.read(run / RUN_CARD), study=SeriesPoint(2, 0.625)).write(run / RUN_CARD)
    return run


@pytest.fixture(scope="module")
def cnn(split: SplitManifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(split, tmp_path_factory.mktemp("runs") / "cnn", "cnn")


@pytest.fixture(scope="module")
def pruned(dense: Path) -> SparseRun:
    return prune(dense, dense.with_name("pruned"), replace(CONFIG, epochs=2))


@pytest.fixture(scope="module")
def sparse_cnn(cnn: Path) -> Path:
    prune(cnn, cnn.with_name("sparse"), CONFIG)
    return cnn.with_name("sparse")


def test_the_result_is_a_run_of_the_same_shape(dense: Path, pruned: SparseRun) -> None:
    run = dense.with_name("pruned")
    card, parent = RunCard.read(run / RUN_CARD), RunCard.read(dense / RUN_CARD)
    assert card == pruned.card and card.source == "pruned" and card.arch == parent.arch
    assert card.parents == {"run": sha256_file(dense / RUN_CARD), "split": parent.parents["split"]}
    assert {name: sha256_file(run / name) for name in card.files} == card.files
    assert Learned.read(run / LEARNED_FILE) == Learned(card.parents["run"], ())
    assert (run / SHAPE_FILE).read_bytes() == (dense / SHAPE_FILE).read_bytes()
    assert card.preprocess == parent.preprocess and (card.threshold, card.temperature) == (0.5, 1.0)
    assert card.study == SeriesPoint(2, 0.625) and card.notes[1].startswith("The 2 highest slices of a series")
    assert len(read_scores(run / SCORES_FILE, "test")) == 8 and SCORES_FILE in card.files
    assert card.slice_level is not None and set(card.slice_level) == set(card.metrics)
    assert card.settings["method"] == "magnitude" and card.settings["sparsity"] == 0.5
    assert {part: metrics.count for part, metrics in card.metrics.items()} == {"train": 26, "validation": 6, "test": 8}
    assert not dense.with_name("pruned.partial").exists()


def test_each_kernel_has_the_zeros_asked_for(dense: Path, pruned: SparseRun) -> None:
    for name, zero in zeros(dense.with_name("pruned")).items():
        assert abs(zero.sum() - 0.5 * zero.size) <= 1, name


def test_the_largest_weights_are_kept(cnn: Path, tmp_path: Path) -> None:
    prune(cnn, tmp_path / "run", replace(CONFIG, epochs=1, learning_rate=1e-9))
    before = arrays(cnn)
    for name, zero in zeros(tmp_path / "run").items():
        assert np.abs(before[name][zero]).max() <= np.abs(before[name][~zero]).min() + 1e-6, name


def test_biases_and_batchnorm_learn_and_get_no_zeros(dense: Path, pruned: SparseRun) -> None:
    before, after = arrays(dense), arrays(dense.with_name("pruned"))
    others = [name for name in after if not name.endswith(KERNEL)]
    assert {name.rpartition("/")[2] for name in others} == {"gamma", "beta", "moving_mean", "moving_variance", "bias"}
    for name in others:
        assert after[name].all() and not np.array_equal(before[name], after[name]), name


def test_the_report_counts_zeros_and_deflated_bytes(dense: Path, pruned: SparseRun) -> None:
    weights = arrays(dense.with_name("pruned"))
    assert pruned.after.plain == pruned.before.plain == 4 * sum(array.size for array in weights.values())
    assert pruned.after.deflated == deflated_bytes(weights.values())
    assert pruned.after.deflated < 0.75 * pruned.before.deflated
    three = [array for name, array in weights.items() if array.shape[:2] == (3, 3)]
    found = pruned.after.zeros["3×3 convolution"]
    assert found.count == sum(array.size for array in three)
    assert found.zeros == sum((array == 0).sum() for array in three)
    assert set(pruned.after.zeros) == {
        "1×1 convolution", "3×3 convolution", "7×7 convolution", NOT_PRUNED, "dense"
    }  # fmt: skip
    assert pruned.before.pruned.share == 0 and pruned.after.pruned.share == pytest.approx(0.5, abs=1e-3)
    note, _ = pruned.card.notes
    assert "latency does not change" in note and f"{pruned.after.deflated:,}" in note


def test_killed_and_resumed_gives_the_same_weights(cnn: Path, sparse_cnn: Path, tmp_path: Path) -> None:
    job = PruneJob(cnn, tmp_path / "run")
    with pytest.raises(Killed):
        prune_magnitude(read_magnitude(job, CONFIG), KillAfter(1))
    assert (job.partial / CHECKPOINT_FILE).exists() and not job.out.exists()
    with pytest.raises(HemotkError, match="resume"):
        read_magnitude(job, CONFIG)
    again = replace(job, resume=True)
    with pytest.raises(HemotkError, match=r"sparsity 0\.5, now it is 0\.6"):
        prune_magnitude(read_magnitude(again, replace(CONFIG, sparsity=0.6)))
    count = Count()
    prune_magnitude(read_magnitude(again, CONFIG), count)
    assert count.epochs == 3
    one, two = arrays(job.out), arrays(sparse_cnn)
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(one[name] == 0, two[name] == 0)


def test_pruned_again_keeps_the_zeros_and_adds_some(sparse_cnn: Path, tmp_path: Path) -> None:
    prune(sparse_cnn, tmp_path / "more", replace(CONFIG, sparsity=0.8, epochs=2))
    before, after = zeros(sparse_cnn), zeros(tmp_path / "more")
    for name in before:
        assert after[name][before[name]].all(), name
        assert abs(after[name].sum() - 0.8 * after[name].size) <= 1, name
    with pytest.raises(HemotkError, match=r"0\.8\d* of its weights are zero already, sparsity asks for 0\.8;"):
        read_magnitude(PruneJob(tmp_path / "more", tmp_path / "same"), replace(CONFIG, sparsity=0.8))
    with pytest.raises(HemotkError, match="ask for more"):
        read_magnitude(PruneJob(sparse_cnn, tmp_path / "same"), CONFIG)


def test_two_of_four(cnn: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, structure="2:4", epochs=2)
    prune(cnn, tmp_path / "run", config)
    found = {name: array for name, array in arrays(tmp_path / "run").items() if name.endswith(KERNEL)}
    assert not (found.pop("conv1/kernel") == 0).any()  # one input channel
    for name, array in found.items():
        rows = np.moveaxis(array, -2, -1).reshape(-1, array.shape[-2])
        assert array.shape[-2] % 4 == 0 and ((rows.reshape(-1, 4) == 0).sum(1) == 2).all(), name
        assert holds(array, (2, 4))
    with pytest.raises(HemotkError, match="has structure 2:4 already"):
        read_magnitude(PruneJob(tmp_path / "run", tmp_path / "same"), config)


def test_the_baseline_can_be_pruned(sparse_cnn: Path) -> None:
    for name, zero in zeros(sparse_cnn).items():
        assert abs(zero.sum() - 0.5 * zero.size) <= 1, name
    assert RunCard.read(sparse_cnn / RUN_CARD).arch == "cnn"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sparsity": 0.0}, "'sparsity' must be above 0 and below 1"),
        ({"sparsity": 1.0}, "'sparsity' must be above 0 and below 1"),
        ({"sparsity": float("nan")}, "'sparsity' must be above 0 and below 1"),
        ({"structure": "1:4"}, "'structure' must be one of none, 2:4"),
        ({"structure": "2:4", "sparsity": 0.7}, "'sparsity' must be 0.5 with structure 2:4"),
        ({"begin": 0.6}, "begin 0.6 and end 0.6: must be two rising shares"),
        ({"end": 1.5}, "begin 0 and end 1.5: must be two rising shares"),
        ({"learning_rate": 0.0}, "'learning_rate' must be above 0"),
        ({"epochs": 0}, "'epochs' must be 1 or more"),
        ({"batch": 1}, "'batch' must be 2 or more"),
        ({"seed": -1}, "'seed' must be between 0 and 4294967295"),
    ],
)
def test_settings_out_of_range(given: dict[str, Any], words: str) -> None:
    with pytest.raises(HemotkError, match=words):
        replace(CONFIG, **given)


def test_what_is_refused_before_anything_is_written(cnn: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "other.partial").mkdir()
    (tmp_path / "other.partial" / STATE_FILE).write_text("{}")
    for job, words in (
        (PruneJob(cnn, tmp_path / "there"), "overwrite"),
        (PruneJob(tmp_path / "none", tmp_path / "run"), "none: no such folder; name a run, which"),
        (PruneJob(cnn, tmp_path / "run", teacher=cnn), "teacher: magnitude pruning learns from the labels alone"),
        (PruneJob(cnn, tmp_path / "other"), "unfinished channel pruning"),
        (PruneJob(cnn, tmp_path / "other", resume=True), "unfinished channel pruning"),
    ):
        with pytest.raises(HemotkError, match=words):
            read_magnitude(job, CONFIG)
    assert {path.name for path in tmp_path.iterdir()} == {"there", "other.partial"}


def test_two_prunings_on_one_folder(cnn: Path, tmp_path: Path) -> None:
    job = PruneJob(cnn, tmp_path / "run")
    inputs = read_magnitude(job, CONFIG)
    with locked(job.partial), pytest.raises(HemotkError, match="another hemotk holds it"):
        prune_magnitude(inputs)
    assert not job.out.exists()


def test_a_moved_image_folder(cnn: Path, tmp_path: Path) -> None:
    job = PruneJob(cnn, tmp_path / "run", data=tmp_path / "gone")
    with pytest.raises(HemotkError, match="data"):
        prune_magnitude(read_magnitude(job, CONFIG))
    assert not job.out.exists() and not job.partial.exists()
