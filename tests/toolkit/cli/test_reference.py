"""docs/commands.md is what the commands say of themselves."""

from pathlib import Path

import pytest

from hemotk.cli.main import COMMANDS
from hemotk.cli.reference import reference

DOCS = Path(__file__).parents[3] / "docs" / "commands.md"


def test_every_command_is_documented_as_it_is() -> None:
    assert DOCS.read_text() == reference(), "docs/commands.md is stale; run `make docs`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name: str) -> None:
    section = reference().partition(f"## hemotk {name}")[2].partition("\n## hemotk ")[0]
    if name in ("data", "config"):
        inner = {"data": "split", "config": "init"}[name]
        section = reference().partition(f"## hemotk {name} {inner}")[2]
    assert f"hemotk {name} " in section.partition("Example")[2] or f"hemotk {name}\n" in section.partition("Example")[2]
