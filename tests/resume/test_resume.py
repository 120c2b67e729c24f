"""Commands are killed again and again and end with what an undisturbed one ends with."""

import functools
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from compared_folders import (
    beside,
    check_app,
    check_bundle,
    check_folds,
    check_page,
    check_run,
    check_site,
    check_sweep,
    check_testset,
    compare_bundles,
    compare_exactly,
    compare_folds,
    compare_imports,
    compare_pages,
    compare_runs,
    compare_sweeps,
)
from exportable_runs import make_densenet_run
from killed_commands import ALIKE, NEVER, Ended, Fuse, run_command, start_loading
from prunable_runs import split_of_squares

from hemotk.data.split.folds import refold, write_folds
from hemotk.exporting.source import open_run
from hemotk.models.shape import densenet
from hemotk.store.unfinished import PARTIAL_SUFFIX, partial_of
from hemotk.training.history import HISTORY_FILE

# How often each is killed: by `make test-resume` twenty times, else as often as its stage says.
KILLS = int(os.environ.get("HEMOTK_KILLS", "0"))

MODEL_FILE = Path(__file__).parents[1] / "torch_fixtures" / "torchvision.pt"

pytestmark = [
    pytest.mark.slow,
    # Not imported here: only the processes that are killed need it.
    pytest.mark.skipif(importlib.util.find_spec("tf_keras") is None, reason="needs tf_keras"),
]


@dataclass(frozen=True)
class Stage:
    """A command but for its --out, the check that what it makes is whole, and the comparison of two of those.

    `kills` is how often it is killed in every test run. `ending` is that of the name of its output.
    """

    command: tuple[str, ...]
    check: Callable[[Path], None]
    compare: Callable[[Path, Path], None]
    kills: int = 3
    ending: str = ""


# Stand for the paths of these.
SPLIT, FOLDS, RUN, DENSE, MODEL, BUNDLE = "SPLIT", "FOLDS", "RUN", "DENSE", "MODEL", "BUNDLE"
SMALL = ("--batch", "8", "--resume")
TRAIN = ("--arch", "cnn", "--size", "32", "--epochs", "8", "--threshold", "youden", "--calibrate", *SMALL)
TUNE = ("--arch", "cnn", "--size", "32", "--epochs", "5", "--weights", RUN, "--head-epochs", "5", *SMALL)
VALIDATE = ("--arch", "cnn", "--size", "32", "--folds", "2", "--epochs", "4", *SMALL)
SWEEP = ("--sweep", "--budgets", "0.6", "--steps", "1", "--epochs", "1", "--importance", "magnitude", *SMALL)
CHANNELS = ("--macs", "0.6", "--steps", "2", "--epochs", "8", *SMALL)
WEIGHTS = ("--method", "magnitude", "--epochs", "8", *SMALL)
STAGES = {
    "training": Stage(("train", SPLIT, *TRAIN), check_run, compare_runs),
    "fine-tuning": Stage(("train", SPLIT, *TUNE), check_run, compare_runs),
    "folds": Stage(("train", FOLDS, *VALIDATE), check_folds, compare_folds),
    "channels": Stage(("prune", DENSE, *CHANNELS), check_run, compare_runs),
    "weights": Stage(("prune", RUN, *WEIGHTS), check_run, compare_runs),
    "export": Stage(("export", DENSE, "--quantize", "int8"), check_bundle, compare_bundles),
    "sweep": Stage(("prune", DENSE, *SWEEP), check_sweep, compare_sweeps, kills=1),
    "import": Stage(("import", MODEL, "--data", SPLIT, "--normalization", "torch"), check_run, compare_imports, 2),
    "site": Stage(("web", BUNDLE, "--with-testset"), check_site, compare_pages, 2),
    "page": Stage(("web", BUNDLE, "--single-file"), check_page, compare_pages, 2, ".html"),
    "android": Stage(("android", BUNDLE, "--with-testset"), check_app, compare_exactly, 2),
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
        make_densenet_run(folder / "dense", split, densenet((1, 1), growth=8), 32)
        shutil.copy(MODEL_FILE, folder / "model.pt")
        undisturbed("training", folder)
        undisturbed("export", folder)
        yield folder


def start(name: str, folder: Path, out: Path, fuse: Fuse = NEVER) -> Ended:
    inputs = {SPLIT: folder / "split.json", FOLDS: folder / "folds", DENSE: folder / "dense"}
    inputs |= {MODEL: folder / "model.pt", RUN: result("training", folder), BUNDLE: result("export", folder)}
    words = [str(inputs.get(word, word)) for word in STAGES[name].command]
    return run_command([*words, "--out", str(out)], folder, fuse)


def result(name: str, folder: Path) -> Path:
    return folder / name / "undisturbed" / f"result{STAGES[name].ending}"


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
    wished = KILLS or stage.kills
    while kills < wished:
        attempt += 1  # one whose fuse outlasts it counts no kill
        found = folder / name / f"attempt {attempt}" / wanted.name
        kills += kill_until_done(name, folder, found, fuses(whole, wished - kills, kills, rng))
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
    partial = partial_of(out)
    for run in [*partial.glob("step-*"), *partial.glob("fold-?"), *partial.glob("runs/*[0-9]")]:
        open_run(run, None)
        check_run(run)
    for bundle in partial.glob("bundles/*[0-9t]"):  # but not its test set
        if not bundle.name.endswith(".testset"):
            check_bundle(bundle)
