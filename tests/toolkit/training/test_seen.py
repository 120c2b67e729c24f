"""Weights that know what the new run is judged on."""

from dataclasses import replace
from pathlib import Path

import pytest
from prunable_runs import make_run, split_of_squares

from hemotk.artifacts import SplitManifest
from hemotk.errors import HemotkError
from hemotk.training.seen import check_unseen


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    return split_of_squares(tmp_path_factory.mktemp("data"))


def swapped(split: SplitManifest, part: str) -> SplitManifest:
    """Training images and those of `part` have changed places."""
    places = {"train": part, part: "train"}
    return replace(split, items=tuple(replace(item, part=places.get(item.part, item.part)) for item in split.items))


@pytest.mark.parametrize("file", ["", "weights.npz"])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_run_that_learned_from_what_is_judged_is_refused(
    split: SplitManifest, tmp_path: Path, part: str, file: str
) -> None:
    weights = make_run(tmp_path / "first", split) / file
    with pytest.raises(HemotkError, match=r"--weights .*first.*: learned from '.*\.png' \(same image\)"):
        check_unseen(str(weights), swapped(split, part))
    check_unseen(str(weights), split)


def test_a_group_is_known_in_its_own_folder_only(split: SplitManifest, tmp_path: Path) -> None:
    weights = str(make_run(tmp_path / "first", split))
    other = swapped(split, "test")
    items = tuple(replace(item, sha256=f"{i:064x}") for i, item in enumerate(other.items))
    with pytest.raises(HemotkError, match="same group"):
        check_unseen(weights, replace(other, items=items))
    check_unseen(weights, replace(other, items=items, folder="/elsewhere"))


def test_of_other_weights_nobody_knows(split: SplitManifest, tmp_path: Path) -> None:
    run = make_run(tmp_path / "imported", split, source="imported")
    (run / "w.npz").write_bytes(b"")
    for weights in ("none", "imagenet", str(tmp_path / "w.h5"), str(run / "w.npz"), str(run)):
        check_unseen(weights, swapped(split, "test"))


def test_neither_a_training_nor_a_cross_validation_begins(split: SplitManifest, tmp_path: Path) -> None:
    pytest.importorskip("tf_keras")
    from hemotk.training.config import TrainConfig
    from hemotk.training.folds import FoldsJob, cross_validate
    from hemotk.training.loop import TrainJob, train

    config = TrainConfig("densenet-tiny", weights=str(make_run(tmp_path / "first", split)), size=32)
    other = swapped(split, "test")
    with pytest.raises(HemotkError, match="learned from"):
        train(TrainJob(other, tmp_path / "second"), config)
    with pytest.raises(HemotkError, match="learned from"):
        cross_validate(FoldsJob((split, other), tmp_path / "cv"), config)
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
