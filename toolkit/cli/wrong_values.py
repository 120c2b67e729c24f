"""A value that the library refuses by the name of its field: said by its option, with the value that was given."""

from collections.abc import Mapping
from typing import Any

import click

from hemotk.errors import FieldError, HemotkError

# fields that lie inside another setting, or that the library calls otherwise → their options
_CALLED: Mapping[str, str] = {
    "share": "teacher_share",
    "temperature": "teacher_temperature",
    "latency_ratio": "target_latency_ratio",
}


def with_its_value(error: HemotkError, context: click.Context) -> HemotkError:
    """The error about the option of the command in `context` and its value, if the field of one does not fit."""
    if not isinstance(error, FieldError) or error.field is None or error.must is None:
        return error
    names = {each.name for each in context.command.params if isinstance(each, click.Option)}
    name = next((each for each in (error.field, _CALLED.get(error.field, "")) if each in names), None)
    if name is None:
        return error
    remedy = "" if "; " in error.must else "; change the value"
    return HemotkError(f"‹{name}›{_said(context.params.get(name))}: must be {error.must.rstrip('.')}{remedy}.")


def _said(value: Any) -> str:
    """The value in words, after a blank; nothing for one that was not given."""
    return "" if value is None else f" {value:g}" if isinstance(value, float) else f" {value}"
