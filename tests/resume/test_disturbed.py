"""The output of every command when the disk is full at any write, or when another process writes there.

Either is a sentence and exit code 2, and what was there is as it was.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from drawn_reports import usual
from exportable_runs import contents, make_densenet_run
from full_disk import disk_of
from PIL import Image
from planted_apps import write_outputs
from prunable_runs import make_run, split_of_squares
from random_networks import tiny_shape
from rsna_files import write_rsna

from hemotk.benchmarks.config import BenchConfig
from hemotk.cli.main import run
from hemotk.files import new_file, new_folder
from hemotk.store.lock import locked
from hemotk.store.unfinished import partial_of

# Of the writes of a slow command this many are drawn; `make test-resume` takes them all.
FEW = 2
ALL = int(os.environ.get("HEMOTK_KILLS", "3")) >= 20
SIZE = 32
WORK = Path("work")
MODEL = Path(__file__).parents[1] / "torch_fixtures" / "torchvision.pt"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tf_keras") is None, reason="needs tf_keras"),
]

INT8 = "--quantize int8 --calibration 8"
TINY = ("--arch", "cnn", "--size", "16", "--batch", "8")


@dataclass(frozen=True)
class Stage:
    """A command that writes below `work`; `slow` ones fail at `few` writes, `many` outputs may be there one by one.

    `resumed` ones leave the folder of the unfinished work, and get --resume; others leave nothing. Only
    `make test-resume` fills the disk of the `rare` ones.
    """

    words: str
    slow: bool = False
    many: bool = False
    resumed: bool = False
    rare: bool = False
    few: int = FEW

    @property
    def outputs(self) -> list[Path]:
        """The files and folders that it writes."""
        return [Path(word) for word in self.words.split() if word.startswith(f"{WORK}/")]


STAGES = {
    "phantom": Stage("data phantom work/drawn --count 2", slow=True),
    "split": Stage("data split squares --out work/split.json"),
    "folds": Stage("data split squares --folds 2 --out work/folds", slow=True),
    "merge": Stage("data merge a.json b.json --out work/merged.json"),
    "patients": Stage("data patients rsna --out work/patients.csv"),
    "audit": Stage("data audit squares --html work/a.html --json work/a.json --sheet work/a.png", slow=True, many=True),
    "plan": Stage("plan squares --no-timing --json work/plan.json", slow=True, rare=True),
    "train": Stage("train a.json --epochs 1 --out work/run " + " ".join(TINY), slow=True, resumed=True),
    "cross-validation": Stage(
        "train folds --folds 2 --epochs 1 --out work/cv " + " ".join(TINY), True, resumed=True, rare=True
    ),
    "magnitude": Stage(
        "prune runs/cnn --method magnitude --epochs 1 --batch 8 --out work/zeros", True, resumed=True, rare=True
    ),
    "channels": Stage(
        "prune runs/small --macs 0.7 --steps 1 --epochs 1 --batch 8 --importance magnitude --out work/small",
        slow=True,
        resumed=True,
        rare=True,
    ),
    "sweep": Stage(
        "prune runs/small --sweep --budgets 0.7 --steps 1 --epochs 1 --batch 8 --importance magnitude --out work/sweep",
        slow=True,
        resumed=True,
        few=1,
    ),
    "import": Stage("import theirs.pt --data a.json --normalization torch --out work/theirs", slow=True),
    "export": Stage(f"export runs/dense {INT8} --out work/bundle", slow=True, rare=True),
    "bench": Stage(
        "bench bundles/first --no-timing --json work/b.json --html work/b.html --markdown work/b.md --junit work/b.xml "
        "--scores work/b.csv",
        many=True,
    ),
    "predict": Stage(
        "predict bundles/first few --json work/p.json --heatmap work/maps --series --strip work/s.png",
        many=True,
    ),
    "runs": Stage("runs runs/cnn --misses work/misses.png --json work/runs.json", many=True),
    "review": Stage("review runs/cnn --pictures --out work/review.html"),
    "card": Stage("card runs/cnn --out work/CARD.md"),
    "web": Stage("web bundles/first --with-testset --out work/site", slow=True),
    "web, one file": Stage("web bundles/first --single-file --out work/page.html", slow=True, rare=True),
    "android": Stage("android bundles/first --with-testset --out work/app", slow=True),
    "snippet": Stage("snippet bundles/first --python --out work/feed.py"),
    "verify": Stage("verify bundles/first --against outputs.json --json work/v.json", many=True),
    "config": Stage("config init --out work/hemotk.toml"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With pictures, splits, runs and a bundle, and an empty folder `work`."""
    home = tmp_path_factory.mktemp("full")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        split = split_of_squares(home / "squares", 40, 40)
        split.write(home / "a.json")
        for name in ("normal", "hemorrhage"):
            (home / "other" / name).mkdir(parents=True)
        rng = np.random.default_rng(7)
        for i in range(20):
            noise = rng.integers(0, 256, (5, 5)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(noise).save(home / "other" / ("normal", "hemorrhage")[i % 2] / f"{i}.png")
        write_rsna(home / "rsna", 60, 20)
        make_densenet_run(home / "runs" / "dense", split, tiny_shape(), SIZE)
        make_run(home / "runs" / "small", split)
        shutil.copy(MODEL, home / "theirs.pt")
        (home / "few").mkdir()
        for path in sorted((home / "squares" / "normal").iterdir())[:3]:
            shutil.copy(path, home / "few")
        for words in (
            "data split other --out b.json",
            "data split squares --folds 2 --out folds",
            "train a.json --epochs 1 --threshold 0.999 --out runs/cnn " + " ".join(TINY),
            f"export runs/dense {INT8} --cam --out bundles/first",
        ):
            assert run(words.split()) == 0, words
        write_outputs(home / "outputs.json", home / "bundles" / "first", "model_int8")
        yield home


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`home`, where one is, with nothing in `work`; what a bench writes is looked at, and not what it measures."""
    monkeypatch.chdir(home)
    monkeypatch.setattr("hemotk.api.benching.measure", lambda *_: usual())
    monkeypatch.setattr("hemotk.benchmarks.config.BenchConfig", partial(BenchConfig, min_runs=2, min_seconds=0))
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    return home


@pytest.mark.parametrize("name", STAGES)
def test_a_full_disk_is_a_sentence_and_changes_nothing(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = STAGES[name]
    if stage.rare and not ALL:
        pytest.skip("in `make test-resume` only")
    words = [*stage.words.split(), *(("--resume",) if stage.resumed else ())]
    with disk_of(here) as disk:
        assert run(words) in (0, 1), capsys.readouterr().err
    kept = here / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    WORK.rename(kept)
    moments = list(range(len(disk.writes)))
    if stage.slow and not ALL:
        moments = sorted(
            np.random.default_rng([*name.encode()]).choice(moments, min(stage.few, len(moments)), False).tolist()
        )
    for turn, moment in enumerate(moments):
        for there in (False, True) if len(moments) > FEW or ALL else (turn % 2 == 1,):
            shutil.rmtree(WORK, ignore_errors=True)
            shutil.copytree(kept, WORK, symlinks=True) if there else WORK.mkdir()
            before = contents(here)
            said = failed(words + ["--overwrite"] * there, here, int(moment), capsys)
            check(stage, before, here, said, kept)


def failed(words: list[str], home: Path, moment: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says on a disk that is full from that moment on."""
    capsys.readouterr()
    with disk_of(home, moment, at_opening=bool(moment % 3 == 2)) as disk:
        code = run(words)
    said = capsys.readouterr().err
    if not disk.full:  # it had less to write than when it was undisturbed
        assert code in (0, 1), said
        return ""
    where = f"{' '.join(words)}: {disk.writes[disk.last or 0]}\n{said}"
    assert code == 2, where
    assert "Traceback" not in said, where
    last = said.splitlines()[-1]
    assert last.startswith("hemotk: ") and "no space left on device" in last and "free some space" in last, where
    assert any(str(WORK) in word for word in last.split()), where
    return where


def check(stage: Stage, before: dict[str, str], home: Path, said: str, kept: Path) -> None:
    """What was there is as it was, and nothing else is there but whole outputs of several, and unfinished work."""
    after = contents(home)
    if not said:
        return
    for name in {*before, *after}:
        if before.get(name) == after.get(name):
            continue
        if stage.resumed and any(part.endswith(".partial") for part in Path(name).parts):
            continue
        made = home / name
        assert stage.many and made.is_file(), f"{name}: was left or changed\n{said}"
        assert made.stat().st_size > 0.9 * (kept / Path(name).relative_to(WORK)).stat().st_size, f"{name}: half\n{said}"
    assert not [path for path in home.rglob(".*") if path.name.endswith((".tmp", ".old")) and outside(path)], said


def outside(path: Path) -> bool:
    return not any(part.endswith(".partial") for part in path.parts)


@pytest.mark.parametrize("name", STAGES)
def test_where_another_process_writes_nothing_is_lost(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = STAGES[name]
    words = [*stage.words.split(), "--overwrite"]
    for out in stage.outputs[: 1 if stage.slow and not ALL else None]:
        # The scores of a bench grow as NAME.partial, which the other bench finds; heat maps are files of their own.
        if out.name in ("b.csv", "maps"):
            continue
        with locked(partial_of(out)) if stage.resumed else another_at(out):
            before = others(stage, here)
            assert run(words) == 2
            said = capsys.readouterr().err.splitlines()[-1]
            whose = f"{partial_of(out) if stage.resumed else out}: another "
            assert said.startswith(f"hemotk: {whose}") and "wait for it, or choose another" in said, said
            assert others(stage, here) == before
        shutil.rmtree(WORK)
        WORK.mkdir()


def others(stage: Stage, home: Path) -> dict[str, str]:
    """What lies beside the outputs of a command."""
    outputs = {str(out) for out in stage.outputs}
    return {
        name: sha256 for name, sha256 in contents(home).items() if not {*map(str, Path(name).parents), name} & outputs
    }


class _StopError(Exception):
    """Lets a file or folder vanish that was begun."""


@contextmanager
def another_at(out: Path) -> Iterator[None]:
    """As if another process wrote `out`."""
    with suppress(_StopError), new_file(out) if out.suffix else new_folder(out):
        yield
        raise _StopError


def test_a_training_waits_with_its_result_for_who_writes_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = STAGES["train"].words.split()
    with another_at(WORK / "run"):
        assert run(words) == 2
        assert "work/run: another hemotk is writing it" in capsys.readouterr().err
    assert run([*words, "--resume"]) == 0
    assert [path.name for path in WORK.iterdir()] == ["run"]


@pytest.mark.parametrize("name", ["phantom", "split"])
def test_of_two_real_processes_one_wins(name: str, here: Path) -> None:
    command = [sys.executable, "-m", "hemotk", *STAGES[name].words.split()]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 2], said
    lost = said[codes.index(2)].splitlines()[-1]
    assert "another hemotk is writing it" in lost or "already exists" in lost
    assert [path.name for path in WORK.iterdir()] == [STAGES[name].outputs[0].name]
