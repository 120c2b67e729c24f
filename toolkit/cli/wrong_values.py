"""A value that the library refuses by the name of its field: said by its option, with the value that was given."""

import re
from collections.abc import Mapping
from typing import Any

import click

from hemotk.errors import HemotkError

_FIELD = re.compile("field '([a-z_]+)' ")
# fields that lie inside another setting, or that the library calls otherwise → their options
_CALLED: Mapping[str, str] = {
    "share": "teacher_share",
    "temperature": "teacher_temperature",
    "latency_ratio": "target_latency_ratio",
}


def with_its_value(error: HemotkError, context: click.Context) -> HemotkError:
    """The same error about the option of the command in `context` and its value, if it begins with a field of one."""
    found = _FIELD.match(error.sentence)
    if found is None:
        return error
    names = {each.name for each in context.command.params if isinstance(each, click.Option)}
    name = next((each for each in (found[1], _CALLED.get(found[1], "")) if each in names), None)
    if name is None:
        return error
    end = error.sentence[found.end() :].rstrip(".")
    remedy = "" if "; " in end else "; change the value"
    return type(error)(f"‹{name}›{_said(context.params.get(name))}: {end}{remedy}.")


def _said(value: Any) -> str:
    """The value in words, after a blank; nothing for one that was not given."""
    return "" if value is None else f" {value:g}" if isinstance(value, float) else f" {value}"
