"""The settings that a run, a bundle or a bench was made with, as a settings file."""

import json
import shlex
from pathlib import Path
from typing import Any

import click
from click.types import FloatParamType, IntParamType

from hemotk.cli.settings import settable
from hemotk.errors import HemotkError
from hemotk.render.toml import SETTINGS_FILE, Value, section

_BENCH = "hemotk.bench/"


def kept_settings(source: Path) -> str:
    """The text of a settings file with which the command that made `source` makes it again.

    Raises:
        HemotkError: `source` keeps no settings.
    """
    if source.is_dir():
        kept = source / SETTINGS_FILE
        if not kept.is_file():
            raise HemotkError(f"{source}: keeps no {SETTINGS_FILE}; name a run or a bundle that hemotk made lately.")
        return kept.read_text(encoding="utf-8")
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HemotkError(f"{source}: no such file or folder; name a run, a bundle or a bench's report.") from error
    except (ValueError, OSError):
        content = None
    if not isinstance(content, dict) or not str(content.get("schema", "")).startswith(_BENCH):
        raise HemotkError(f"{source}: keeps no settings; name a run, a bundle or the JSON report of a bench.")
    return _of_bench(source, str(content.get("command", "")))


def _of_bench(source: Path, command: str) -> str:
    from hemotk.cli.bench import OUTPUTS, bench
    from hemotk.cli.main import CONTEXT

    words = shlex.split(command)
    if words[:2] != ["hemotk", "bench"]:
        raise HemotkError(f"{source}: was not made by a command, so no options repeat it; see its field 'settings'.")
    try:
        # Not converted: what the command names need not be here.
        given, _, _ = bench.make_parser(click.Context(bench, **CONTEXT)).parse_args(words[2:])
    except click.ClickException as error:
        raise HemotkError(
            f"{source}: was made by another version of hemotk ({error.format_message()}); mend its field 'command'."
        ) from error
    values: dict[str, Value] = {}
    for key, parameter in settable(bench):
        value = given.get(parameter.name or "")
        if parameter.name not in OUTPUTS and value not in (None, ()):
            values[key] = _toml(value, parameter.type)
    comment = f"How {source.name} was made. hemotk bench --config THIS_FILE repeats it, from the same folder."
    return section("bench", values, (comment,))


def _toml(value: Any, kind: click.ParamType) -> Value:
    if isinstance(value, (tuple, list)):
        return [str(each) for each in value]
    if isinstance(kind, (IntParamType, FloatParamType)):
        number: int | float = kind.convert(value, None, None)
        return number
    return value if isinstance(value, bool) else str(value)
