"""Settings as TOML, as far as a file of options needs it."""

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

# In every run and bundle: what it was made with.
SETTINGS_FILE = "settings.toml"

Value: TypeAlias = str | int | float | bool | list[str]


def section(name: str, values: Mapping[str, Value], comments: Iterable[str] = ()) -> str:
    """The section `[name]` with a line for each of `values`, after `comments`, a line each."""
    lines = [*(f"# {line}" for line in comments), f"[{name}]"]
    return "\n".join([*lines, *(f"{key} = {_value(value)}" for key, value in values.items())]) + "\n"


def _value(value: Value) -> str:
    # A basic string of TOML escapes as one of JSON does, except for this character.
    if isinstance(value, (str, list)):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
