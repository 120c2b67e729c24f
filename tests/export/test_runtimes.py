"""The spread of a file's scores over runtimes, as its bundle says it."""

from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_densenet_run, make_split

from hemotk.artifacts import BUNDLE_CARD, BundleCard, RuntimeSpread
from hemotk.cli.main import run
from hemotk.errors import FieldError
from hemotk.exporting import runtimes
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.models.shape import densenet


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtimes")
    home = make_densenet_run(folder / "run", make_split(folder / "images"), densenet((2, 2), growth=8), 48)
    export_run(home, folder / "b", ExportConfig(calibration=12))
    return folder / "b"


def test_the_card_says_how_far_apart_the_ways_are(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = BundleCard.read(bundle / BUNDLE_CARD)
    assert card.runtimes is not None
    assert set(card.runtimes) == {"float32", "int8"}
    for kind, spread in card.runtimes.items():
        assert len([way for way in spread.ways if way.startswith("ai_edge_litert")]) == 3
        assert 0 <= spread.logit <= spread.tolerance == card.tolerance(kind)
    assert card.runtimes["float32"].tolerance < 0.01
    assert card.tolerance("fp16") is None
    assert run(["info", str(bundle)]) == 0
    assert "runtimes int8" in capsys.readouterr().out


def test_the_spread_is_the_greatest_difference_on_any_picture(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter([np.array([[1.0, 0.5], [2.0, 0.6]]), None, np.array([[1.5, 0.5], [1.9, 0.7]])])
    monkeypatch.setattr(runtimes, "ways_here", lambda: [(name, (None, 1)) for name in ("a", "too old", "b")])
    monkeypatch.setattr(runtimes, "_scores", lambda *_: next(made))
    found = runtimes.spreads({"int8": b""}, BundleCard.read(bundle / BUNDLE_CARD).preprocess)["int8"]
    assert found.ways == ("a", "b")
    assert (found.logit, found.probability) == pytest.approx((0.5, 0.1))
    assert found.tolerance == pytest.approx(runtimes.ROOM * 0.5)


def test_a_tolerance_below_the_spread_is_none() -> None:
    with pytest.raises(FieldError, match="tolerance"):
        RuntimeSpread(("a",), 0.2, 0.1, 0.1)
