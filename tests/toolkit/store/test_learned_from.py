"""Weights that know what the new run is judged on."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from prunable_runs import make_run, split_of_squares

from hemotk.artifacts import LEARNED_FILE, Learned, Part, RunCard, SplitManifest
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.families import named_shape
from hemotk.models.shape import densenet
from hemotk.store.learned_from import check_unseen, learned_before, learned_by, seen, training_images, unknown_note


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    return split_of_squares(tmp_path_factory.mktemp("data"))


def swapped(split: SplitManifest, part: Part) -> SplitManifest:
    """Training images and those of `part` have changed places."""
    places: dict[Part, Part] = {"train": part, part: "train"}
    return replace(split, items=tuple(replace(item, part=places.get(item.part, item.part)) for item in split.items))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    """Of other pictures."""
    return split_of_squares(tmp_path_factory.mktemp("elsewhere"), side=24)


@pytest.mark.parametrize("file", ["", "weights.npz"])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_run_that_learned_from_what_is_judged_is_refused(
    split: SplitManifest, tmp_path: Path, part: Part, file: str
) -> None:
    weights = make_run(tmp_path / "first", split) / file
    with pytest.raises(HemotkError, match=r"weights .*first.*: learned from '.*\.png' \(same image\)"):
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


def test_what_the_weights_of_a_run_had_learned_from_counts(
    split: SplitManifest, elsewhere: SplitManifest, tmp_path: Path
) -> None:
    """Also where the training was cut off and the weights are there no longer when it goes on."""
    pytest.importorskip("tf_keras")
    from hemotk.training.config import TrainConfig
    from hemotk.training.listener import Listener
    from hemotk.training.loop import TrainJob, train

    class Killed(BaseException):
        pass

    class KillAfter(Listener):
        def epoch(self, epoch: object) -> None:
            raise Killed

    first = make_run(tmp_path / "first", split, named_shape("cnn", 32), arch="cnn")
    sha256 = sha256_file(first / "run.json")
    config = TrainConfig("cnn", weights=str(first), size=32, epochs=1, head_epochs=0)
    with pytest.raises(Killed):
        train(TrainJob(elsewhere, tmp_path / "second"), config, KillAfter())
    shutil.rmtree(first)
    card = train(TrainJob(elsewhere, tmp_path / "second", resume=True), config)
    assert card.parents == {"run": sha256, "split": elsewhere.sha256()}
    assert not any("is not known" in note for note in card.notes)
    with pytest.raises(HemotkError, match=r"weights .*second: learned from '.*' \(same image\)"):
        check_unseen(str(tmp_path / "second"), swapped(split, "validation"))
    third = check_unseen(str(tmp_path / "second"), split)
    assert third is not None and third.images == (training_images(elsewhere),)


def test_what_was_learned_before_is_checked_like_every_file(split: SplitManifest, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", split)
    Learned(None, ()).write(run / LEARNED_FILE)
    card = RunCard.read(run / "run.json")
    replace(card, files={**card.files, LEARNED_FILE: sha256_file(run / LEARNED_FILE)}).write(run / "run.json")
    assert learned_by(run).images == (training_images(split),)
    Learned(None, (), ("something",)).write(run / LEARNED_FILE)
    with pytest.raises(HemotkError, match=r"learned\.json: checksum"):
        learned_by(run)


@pytest.mark.parametrize("file", ["weights.npz", "shape.json", "split.json"])
def test_a_run_whose_files_are_not_its_cards_is_refused(
    split: SplitManifest, elsewhere: SplitManifest, tmp_path: Path, file: str
) -> None:
    run, other = make_run(tmp_path / "run", split), make_run(tmp_path / "other", elsewhere, densenet((1, 2), growth=8))
    shutil.copy(other / file, run / file)
    with pytest.raises(HemotkError, match=rf"run/{file}: checksum"):
        check_unseen(str(run), split)
    (run / file).unlink()
    with pytest.raises(HemotkError, match=rf"run/{file}: cannot be read"):
        check_unseen(str(run / "weights.npz"), split)


def test_a_teacher_passes_on_what_it_learned_from(split: SplitManifest, elsewhere: SplitManifest) -> None:
    start = Learned("1" * 64, (training_images(split),), ("one", "two"))
    teacher = Learned("2" * 64, (training_images(split), training_images(elsewhere)), ("two", "three"))
    found = learned_before(split, start, teacher)
    assert found == Learned("1" * 64, (training_images(elsewhere),), ("one", "two", "three"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"weights": "runs/zero"}}, "What the weights runs/zero that first began with learned from"),
        ({"source": "pruned"}, "What the network that first was pruned from learned from is not known"),
        ({"source": "imported"}, "What first (imported) learned from is not known"),
        ({"settings": {"weights": "imagenet"}}, None),
        ({}, None),
    ],
)
def test_what_an_earlier_run_does_not_say_is_noted(
    split: SplitManifest, tmp_path: Path, changes: dict, said: str | None
) -> None:
    run = make_run(tmp_path / "first", split, **changes)
    notes = unknown_note(check_unseen(str(run), split))
    assert [note[: len(said or "")] for note in notes] == ([] if said is None else [said])


def test_of_a_weight_file_it_is_noted(split: SplitManifest) -> None:
    assert unknown_note(check_unseen("imagenet", split)) == ()
    (note,) = unknown_note(check_unseen("there/w.h5", split))
    assert note.startswith("What the weight file w.h5 learned from is not known: if it was images of the validation")


def test_images_without_checksums_are_known_by_where_they_lie(split: SplitManifest) -> None:
    items = tuple(replace(item, sha256=None, group=f"i{i}") for i, item in enumerate(split.items))
    plain = replace(split, items=items, groups=(), grouping="none")
    above = Path(split.folder).parent
    below = Path(split.folder).name
    merged = replace(plain, folder=str(above), items=tuple(replace(i, path=f"{below}/{i.path}") for i in items))
    for first, second in ((plain, merged), (merged, plain), (plain, plain)):
        assert seen([training_images(first)], second) is None
        assert seen([training_images(swapped(first, "test"))], second) is not None
    moved = replace(plain, folder="/moved")
    assert seen([training_images(swapped(plain, "test"))], moved) is not None
    other = replace(moved, items=tuple(replace(item, path=f"other/{item.path}") for item in items))
    assert seen([training_images(swapped(plain, "test"))], other) is None
