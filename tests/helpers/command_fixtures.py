"""Fixtures for the tests of commands."""

from pathlib import Path

import pytest
from prunable_runs import Prune

from hemotk.cli.main import run


@pytest.fixture
def prune(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Prune:
    """Run `hemotk prune` in `home`, a fixture of the test's own; gives the exit code and what was said."""
    monkeypatch.chdir(home)

    def prune(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["prune", *arguments])
        streams = capsys.readouterr()
        return code, streams.out + streams.err

    return prune
