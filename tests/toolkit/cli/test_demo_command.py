"""`hemotk demo` where it cannot go to its end; tests/test_path.py runs it."""

import importlib.util
from pathlib import Path

import pytest

from hemotk.cli.main import run


def test_nothing_is_drawn_where_nothing_can_be_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "tf_keras" else found(name, *more)
    )
    assert run(["demo", "--count", "4"]) == 2
    assert capsys.readouterr().err == "hemotk: tf_keras: is not installed; run `pip install 'hemotk[train]'`.\n"
    assert not list(tmp_path.iterdir())
