"""`hemotk prune --method magnitude` as a user types it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import RUN_CARD, RunCard
from hemotk.cli.main import run

pytest.importorskip("tf_keras")

PRUNE = ["prune", "--method", "magnitude", "--batch", "8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run of a small baseline."""
    folder = tmp_path_factory.mktemp("here")
    rng = np.random.default_rng(0)
    for index in range(20):
        path = folder / "data" / ("bleed", "clear")[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32), np.uint8)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small = ["--arch", "cnn", "--size", "32", "--epochs", "1", "--batch", "8"]
        assert run(["train", "data", *small, "--classes", "clear,bleed", "--out", "runs/first"]) == 0
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_it_prunes_the_newest_run_and_says_what_zeros_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*PRUNE, "--sparsity", "0.75", "--epochs", "2", "--begin", "0.2", "--end", "0.8"]) == 0
    said = capsys.readouterr()
    lines = {line[:39].strip(): line[39:].split() for line in said.out.splitlines()}
    assert lines["3×3 convolution"] == ["0.7500", "92,448"] and lines["dense"][0] == "0.7500"
    assert float(lines["not pruned (BatchNorm, bias, depthwise)"][0]) < 0.75
    assert "latency does not change" in said.out and "wrote runs/first-pruned after" in said.out
    assert "pruning 2/2" in said.err
    card = RunCard.read(Path("runs/first-pruned") / RUN_CARD)
    assert card.source == "pruned" and card.settings["end"] == 0.8 and card.settings["epochs"] == 2
    assert run([*PRUNE, "runs/first"]) == 2
    assert "runs/first-pruned: already exists" in capsys.readouterr().err
    assert run([*PRUNE, "runs/first-pruned", "--sparsity", "0.6"]) == 2
    assert "are zero already, --sparsity asks for 0.6" in capsys.readouterr().err


def test_two_of_four(here: Path) -> None:
    assert run([*PRUNE, "runs/first", "--structure", "2:4", "--epochs", "1", "--out", "runs/structured"]) == 0
    assert RunCard.read(Path("runs/structured") / RUN_CARD).settings["structure"] == "2:4"


def test_what_something_else_left_is_neither_adopted_nor_removed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = Path("runs/foreign.partial/notes.txt")
    keep.parent.mkdir()
    keep.write_text("mine")
    assert run([*PRUNE, "runs/first", "--out", "runs/foreign", "--resume"]) == 2
    assert "something else than a magnitude pruning (notes.txt)" in capsys.readouterr().err
    assert keep.read_text() == "mine"


@pytest.mark.parametrize("out", ["runs/first", "runs", "runs/first/small"])
def test_the_run_that_is_read_is_not_replaced(here: Path, capsys: pytest.CaptureFixture[str], out: str) -> None:
    card = (here / "runs/first" / RUN_CARD).read_bytes()
    assert run([*PRUNE, "runs/first", "--out", out, "--overwrite"]) == 2
    assert f"--out {out}: is runs/first, holds it or lies inside it" in capsys.readouterr().err
    assert (here / "runs/first" / RUN_CARD).read_bytes() == card


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sparsity", "1"], "--sparsity 1: must be above 0 and below 1; change the value."),
        (["--structure", "1:2"], "--structure 1:2: must be one of none, 2:4"),
        (["--structure", "2:4", "--sparsity", "0.6"], "--sparsity 0.6: must be 0.5 with structure 2:4"),
        (["--begin", "0.7"], "--begin 0.7 and --end 0.6: must be two rising shares"),
        (["--structure", "2:4", "--begin", "0.1"], "--begin 0.1 and --structure 2:4: contradict each other"),
        (["--structure", "2:4", "--end", "0.6"], "--end 0.6 and --structure 2:4: contradict"),
        (["--macs", "0.5"], "--macs 0.5: belongs to --method channels"),
        (["--teacher", "runs/first"], "--teacher runs/first: belongs to --method channels"),
        (
            ["--method", "channels", "--macs", "0.5", "--structure", "2:4"],
            "--structure 2:4: belongs to --method magnitude",
        ),
    ],
)
def test_wrong_use(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert run([*PRUNE, "runs/first", "--out", "runs/wrong", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not list(Path("runs").glob("wrong*"))
