"""Training end to end on a small network: the run folder, resuming, and what is refused."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prunable_runs import split_of_squares

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, SPLIT_FILE, WEIGHTS_FILE, RunCard, SplitManifest
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.read.tissue import soft_tissue_share
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.weights import read_shape, read_weights

pytest.importorskip("tf_keras")
from killed_trainings import KillAfter, Killed

from hemotk.models.build import build_model, set_arrays
from hemotk.store.lock import locked
from hemotk.store.unfinished import kept_split
from hemotk.training.checkpoint import CHECKPOINT_FILE
from hemotk.training.config import from_recipe
from hemotk.training.fit import load_data, logits_of, metrics_of
from hemotk.training.history import read_history
from hemotk.training.listener import Listener
from hemotk.training.loop import TrainJob, train
from hemotk.training.scores import SCORES_FILE, read_tissue
from hemotk.training.steps import Trainer

SMALL = {"arch": "densenet-tiny", "size": 32, "batch": 8, "seed": 1}


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    return split_of_squares(tmp_path_factory.mktemp("data"), count=40, side=36)


@pytest.fixture(scope="module")
def undisturbed(split: SplitManifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(TrainJob(split, out), from_recipe("hemotk", epochs=4, **SMALL))
    return out


def test_the_run_folder_is_whole(undisturbed: Path, split: SplitManifest) -> None:
    card = RunCard.read(undisturbed / RUN_CARD)
    assert card.source == "trained" and card.parents["split"] == split.sha256()
    assert {name: sha256_file(undisturbed / name) for name in card.files} == card.files
    assert {part: metrics.count for part, metrics in card.metrics.items()} == {"train": 26, "validation": 6, "test": 8}
    assert card.slice_level is not None and set(card.slice_level) == set(card.metrics)
    tissue = read_tissue(undisturbed / SCORES_FILE, "test")
    assert tissue is not None and all(
        tissue[item.path] == soft_tissue_share(load_pixels(split.root() / item.path, card.preprocess))
        for item in split.part("test")
    )
    assert card.settings["seed"] == 1 and card.settings["augment"]["flip"] is True
    assert card.versions["tensorflow"] and card.machine["cores"]
    assert [epoch.epoch for epoch in read_history(undisturbed / "history.csv")] == [1, 2, 3, 4]
    for picture in ("curves.png", "decisions.png"):
        assert Image.open(undisturbed / picture).width > 1000
    assert SplitManifest.read(undisturbed / "split.json") == split
    assert {path.name for path in undisturbed.parent.iterdir()} == {"whole"}


def test_it_learns(split: SplitManifest, tmp_path: Path) -> None:
    card = train(TrainJob(split, tmp_path / "run"), from_recipe("hemotk", epochs=25, **SMALL))
    assert card.metrics["train"].accuracy.value >= 0.9


def test_killed_in_the_third_epoch_and_resumed_gives_the_same_weights(
    split: SplitManifest, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "whole"
    config = from_recipe("hemotk", epochs=4, **SMALL)
    with pytest.raises(Killed):
        train(TrainJob(split, out), config, KillAfter(2))
    assert not out.exists() and (tmp_path / "whole.partial" / CHECKPOINT_FILE).exists()
    told = KillAfter(99)
    train(TrainJob(split, out, resume=True), config, told)
    assert told.resumed_after == 2  # and has not begun again
    shape = read_shape(out / SHAPE_FILE)
    one, two = (read_weights(folder / WEIGHTS_FILE, shape) for folder in (out, undisturbed))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-5)
    assert not (tmp_path / "whole.partial").exists()


def test_an_unfinished_training_is_not_started_over_unasked(split: SplitManifest, tmp_path: Path) -> None:
    config = from_recipe("hemotk", epochs=3, **SMALL)
    with pytest.raises(Killed):
        train(TrainJob(split, tmp_path / "run"), config, KillAfter(1))
    with pytest.raises(HemotkError, match="resume"):
        train(TrainJob(split, tmp_path / "run"), config)
    with pytest.raises(HemotkError, match="was trained with epochs 3, now it is 9"):
        train(TrainJob(split, tmp_path / "run", resume=True), from_recipe("hemotk", epochs=9, **SMALL))
    checkpoint = tmp_path / "run.partial" / CHECKPOINT_FILE
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(HemotkError, match="damaged"):
        train(TrainJob(split, tmp_path / "run", resume=True), config)
    assert not (tmp_path / "run").exists()


def test_a_refused_resume_leaves_what_the_right_one_needs(
    split: SplitManifest, undisturbed: Path, tmp_path: Path
) -> None:
    out, partial = tmp_path / "whole", tmp_path / "whole.partial"
    config = from_recipe("hemotk", epochs=4, **SMALL)
    with pytest.raises(Killed):
        train(TrainJob(split, out), config, KillAfter(2))
    before = {path.name: sha256_file(path) for path in partial.iterdir()}
    other = replace(split, created="2026-01-01T00:00:00+00:00")
    with pytest.raises(HemotkError, match="was trained with split"):
        train(TrainJob(other, out, resume=True), config)
    assert {path.name: sha256_file(path) for path in partial.iterdir()} == before
    kept = kept_split(out)
    assert kept is not None
    train(TrainJob(SplitManifest.read(kept), out, resume=True), config)
    shape = read_shape(out / SHAPE_FILE)
    one, two = (read_weights(folder / WEIGHTS_FILE, shape) for folder in (out, undisturbed))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-4, atol=1e-5)


def test_without_a_checkpoint_the_split_of_the_last_start_is_kept(split: SplitManifest, tmp_path: Path) -> None:
    out, partial = tmp_path / "run", tmp_path / "run.partial"
    partial.mkdir()
    replace(split, created="2026-01-01T00:00:00+00:00").write(partial / SPLIT_FILE)
    with pytest.raises(Killed):
        train(TrainJob(split, out, resume=True), from_recipe("hemotk", epochs=2, **SMALL), KillAfter(1))
    assert SplitManifest.read(partial / SPLIT_FILE) == split


@pytest.mark.parametrize("name", ["prune.json", "step-1/run.json", "fold1.json"])
def test_what_is_no_training_is_left_alone(split: SplitManifest, tmp_path: Path, name: str) -> None:
    other = tmp_path / "run.partial" / name
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    for resume in (False, True):
        with pytest.raises(HemotkError, match="holds something else than a training"):
            train(TrainJob(split, tmp_path / "run", resume=resume), from_recipe("hemotk", epochs=1, **SMALL))
    assert other.read_text() == "{}" and not (tmp_path / "run").exists()


def test_an_existing_run_is_kept_unless_asked(split: SplitManifest, undisturbed: Path) -> None:
    before = sha256_file(undisturbed / RUN_CARD)
    with pytest.raises(HemotkError, match="overwrite"):
        train(TrainJob(split, undisturbed), from_recipe("hemotk", epochs=1, **SMALL))
    assert sha256_file(undisturbed / RUN_CARD) == before


def test_two_trainings_on_one_folder(split: SplitManifest, tmp_path: Path) -> None:
    job = TrainJob(split, tmp_path / "run")
    program = (
        "import sys, pathlib\nfrom hemotk.store.lock import locked\n"
        f"with locked(pathlib.Path({str(job.partial)!r})):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(HemotkError, match="another hemotk holds it"):
            train(job, from_recipe("hemotk", epochs=1, **SMALL))
        other.communicate("")
    with locked(job.partial):
        pass


def test_start_from_another_run(split: SplitManifest, undisturbed: Path, tmp_path: Path) -> None:
    config = from_recipe("hemotk", epochs=1, weights=str(undisturbed), learning_rate=1e-9, **SMALL)
    train(TrainJob(split, tmp_path / "next"), config)
    shape = read_shape(undisturbed / SHAPE_FILE)
    one = read_weights(undisturbed / WEIGHTS_FILE, shape)
    two = read_weights(tmp_path / "next" / WEIGHTS_FILE, shape)
    np.testing.assert_allclose(one["conv1/conv/kernel"], two["conv1/conv/kernel"], atol=1e-6)
    assert not np.allclose(one["logit/kernel"], two["logit/kernel"], atol=1e-3)


def test_a_moved_image_folder(split: SplitManifest, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(split.folder, moved)
    card = train(TrainJob(split, tmp_path / "run", data=moved), from_recipe("hemotk", epochs=1, **SMALL))
    assert card.metrics["test"].count == 8
    with pytest.raises(HemotkError, match="data"):
        train(TrainJob(split, tmp_path / "more", data=tmp_path / "gone"), from_recipe("hemotk", epochs=1, **SMALL))
    assert not (tmp_path / "more").exists()


def test_a_loss_that_explodes_is_said(split: SplitManifest, tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"lower (--)?learning.rate"):
        train(TrainJob(split, tmp_path / "run"), from_recipe("hemotk", epochs=2, learning_rate=1e30, **SMALL))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arch", ["cnn"])
def test_the_baseline_trains(split: SplitManifest, tmp_path: Path, arch: str) -> None:
    card = train(TrainJob(split, tmp_path / "run"), from_recipe("paper", arch=arch, size=32, epochs=2, batch=8))
    assert card.arch == arch and card.settings["recipe"] == "paper"


def test_mixed_precision_learns_in_bfloat16_and_is_scored_in_float32(split: SplitManifest, tmp_path: Path) -> None:
    config = from_recipe("hemotk", epochs=2, precision="bfloat16", **SMALL)
    card = train(TrainJob(split, tmp_path / "run"), config)
    assert card.settings["precision"] == "bfloat16"
    shape = read_shape(tmp_path / "run" / SHAPE_FILE)
    weights = read_weights(tmp_path / "run" / WEIGHTS_FILE, shape)
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}
    model = build_model(shape)
    set_arrays(model, weights)
    data = load_data(split, None, card.preprocess, Listener())
    logits = logits_of(Trainer(model, config, card.preprocess), data, ["test"])
    assert metrics_of(data, logits)["test"] == card.metrics["test"]


def test_mixed_precision_is_for_one_network_alone(undisturbed: Path) -> None:
    shape = read_shape(undisturbed / SHAPE_FILE)
    types = {layer.name: layer.compute_dtype for layer in build_model(shape, precision="bfloat16").layers}
    assert types["conv2_block1_2_conv"] == "bfloat16" and types["logit"] == types["probability"] == "float32"
    assert {layer.compute_dtype for layer in build_model(shape).layers} == {"float32"}
