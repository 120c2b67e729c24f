"""Training, pruning and export are killed again and again and end with what an undisturbed run ends with."""

import functools
import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from compared_folders import (
    beside,
    check_bundle,
    check_folds,
    check_run,
    check_testset,
    compare_bundles,
    compare_folds,
    compare_runs,
)
from killed_commands import ALIKE, NEVER, Ended, Fuse, run_command, start_loading
from prunable_runs import split_of_squares

from hemotk.data.split.folds import refold, write_folds
from hemotk.exporting.source import open_run
from hemotk.store.unfinished import PARTIAL_SUFFIX, partial_of
from hemotk.training.history import HISTORY_FILE

# How often each is killed: three times in every test run, twenty times by `make test-resume`.
KILLS = int(os.environ.get("HEMOTK_KILLS", "3"))

pytestmark = [
    pytest.mark.slow,
    # Not imported here: only the processes that are killed need it.
    pytest.mark.skipif(importlib.util.find_spec("tf_keras") is None, reason="needs tf_keras"),
]


@dataclass(frozen=True)
class Stage:
    """A command but for its --out, the check that what it makes is whole, and the comparison of two of those."""

    command: tuple[str, ...]
    check: Callable[[Path], None]
    compare: Callable[[Path, Path], None]


# Stand for the paths of these.
SPLIT, FOLDS, RUN = "SPLIT", "FOLDS", "RUN"
SMALL = ("--batch", "8", "--resume")
TRAIN = ("--arch", "densenet-tiny", "--size", "32", "--epochs", "8", "--threshold", "youden", "--calibrate", *SMALL)
TUNE = ("--arch", "densenet-tiny", "--size", "32", "--epochs", "5", "--weights", RUN, "--head-epochs", "5", *SMALL)
VALIDATE = ("--arch", "densenet-tiny", "--size", "32", "--folds", "2", "--epochs", "4", *SMALL)
CHANNELS = ("--macs", "0.6", "--steps", "2", "--epochs", "8", *SMALL)
WEIGHTS = ("--method", "magnitude", "--epochs", "8", *SMALL)
STAGES = {
    "training": Stage(("train", SPLIT, *TRAIN), check_run, compare_runs),
    "fine-tuning": Stage(("train", SPLIT, *TUNE), check_run, compare_runs),
    "folds": Stage(("train", FOLDS, *VALIDATE), check_folds, compare_folds),
    "channels": Stage(("prune", RUN, *CHANNELS), check_run, compare_runs),
    "weights": Stage(("prune", RUN, *WEIGHTS), check_run, compare_runs),
    "export": Stage(("export", RUN, "--quantize", "int8"), check_bundle, compare_bundles),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With a split, and the run that was trained on it undisturbed."""
    folder = tmp_path_factory.mktemp("resume")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ALIKE.items():
            patch.setenv(name, value)
        start_loading()
        split = split_of_squares(folder / "squares", 40)
        split.write(folder / "split.json")
        write_folds(folder / "folds", refold(split, 2))
        undisturbed("training", folder)
        yield folder


def start(name: str, folder: Path, out: Path, fuse: Fuse = NEVER) -> Ended:
    inputs = {SPLIT: folder / "split.json", FOLDS: folder / "folds", RUN: result("training", folder)}
    words = [str(inputs.get(word, word)) for word in STAGES[name].command]
    return run_command([*words, "--out", str(out)], folder, fuse)


def result(name: str, folder: Path) -> Path:
    return folder / name / "undisturbed" / "result"


@functools.cache
def undisturbed(name: str, folder: Path) -> Ended:
    ended = start(name, folder, result(name, folder))
    assert ended.code == 0, ended.said
    STAGES[name].check(result(name, folder))
    return ended


@pytest.mark.parametrize("name", STAGES)
def test_killed_at_random_moments_it_ends_as_if_undisturbed(name: str, folder: Path) -> None:
    stage = STAGES[name]
    whole, wanted = undisturbed(name, folder), result(name, folder)
    rng = np.random.default_rng([*name.encode()])
    kills = attempt = 0
    while kills < KILLS:
        attempt += 1  # one whose fuse outlasts it counts no kill
        found = folder / name / f"attempt {attempt}" / "result"
        kills += kill_until_done(name, folder, found, fuses(whole, KILLS - kills, kills, rng))
        stage.check(found)
        stage.compare(found, wanted)
        made = {found, beside(found)} if name == "export" else {found}
        assert {*found.parent.iterdir()} == made


def fuses(whole: Ended, count: int, done: int, rng: np.random.Generator) -> Iterator[Fuse]:
    """By turns a moment of the undisturbed run and one of its changes of the disk, which all lie close together."""
    for kill in range(done, done + count):
        if kill % 2:
            yield Fuse(change=int(rng.integers(whole.changes)))
        else:
            yield Fuse(seconds=rng.uniform(0, whole.seconds))
    while True:
        yield NEVER


def kill_until_done(name: str, folder: Path, out: Path, planned: Iterator[Fuse]) -> int:
    """Start the command, kill it, look at what is there, and start it again until it ends by itself: how many kills.

    A command that was killed when all was done, but before it ended, then says that its output is there.
    """
    kills = 0
    kept: list[str] = []
    for fuse in planned:
        was_there = out.exists()
        ended = start(name, folder, out, fuse)
        before, kept = kept, epochs(out)
        assert kept[: len(before)] == before, "what was trained was trained again"
        if ended.code is not None:
            there = (0, "nothing to do") if "nothing to do" in ended.said else (2, "already exists")
            assert (ended.code == there[0] and there[1] in ended.said) if was_there else ended.code == 0, (kills, ended)
            break
        kills += 1
        check_between(name, out)
    return kills


def epochs(out: Path) -> list[str]:
    """The rows of the epochs that are done, each with the time it took, which no other epoch takes."""
    paths = [path for folder in (out, partial_of(out)) for path in folder.rglob(HISTORY_FILE)]
    found = {path.parent.name.removesuffix(PARTIAL_SUFFIX): path.read_text().splitlines() for path in paths}
    folds = sorted(name for name in found if name.startswith("fold-"))
    return [row for fold in folds for row in found[fold]] or max(found.values(), key=len, default=[])


def check_between(name: str, out: Path) -> None:
    """What has its final name is whole at any moment."""
    if out.exists():
        STAGES[name].check(out)
    if name == "export" and beside(out).exists():
        check_testset(beside(out))
    for run in [*partial_of(out).glob("step-*"), *partial_of(out).glob("fold-?")]:
        open_run(run, None)
        check_run(run)
