"""`hemotk train --weights`: the head phase as one sees it at the terminal."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.cli.main import run

SMALL = ["train", "data", "--arch", "cnn", "--size", "16", "--batch", "4"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for i in range(20):
        path = tmp_path / "data" / ("hemorrhage" if i % 2 else "normal") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (20, 20)).astype(np.uint8)).save(path)
    return tmp_path


def test_a_head_alone_on_another_runs_backbone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SMALL, "--epochs", "1", "--out", "runs/first"]) == 0
    assert "the head learned" not in capsys.readouterr().err
    more = ["--weights", "runs/first", "--epochs", "0", "--head-epochs", "2", "--head-views", "3"]
    assert run([*SMALL, *more, "--out", "runs/second"]) == 0
    assert "training 2/2" in (said := capsys.readouterr().err) and "the head learned: loss" in said
    one, two = (np.load(f"runs/{name}/weights.npz") for name in ("first", "second"))
    changed = {name for name in one.files if not np.array_equal(one[name], two[name])}
    assert changed and all(name.startswith(("hidden", "logit")) for name in changed)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--head-epochs", "3"], "--head-epochs 3: must be 0 without weights"),
        (["--epochs", "0"], "--epochs 0: must be 1 or more, or 0 after a head phase"),
        (["--weights", "w.npz", "--head-views", "0"], "--head-views 0: must be between 1 and 64"),
    ],
)
def test_head_phases_that_cannot_be_begin_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert run([*SMALL, *options]) == 2
    assert says in capsys.readouterr().err
    assert not Path("runs").exists()
