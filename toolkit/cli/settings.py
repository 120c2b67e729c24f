"""`hemotk.toml`: the options of commands, kept in a file.

A section is named after a command, [train] or [split]; its keys are the command's options. What is given on the command
line goes before the environment (HEMOTK_TRAIN_EPOCHS), and that before the file.
"""

import difflib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from hemotk.errors import HemotkError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS_FILE = "hemotk.toml"
# Options that concern one call, and no setting.
NO_SETTINGS = ("h", "help", "overwrite", "resume", "version")

# command → parameter → value
Values = Mapping[str, Mapping[str, Any]]


def read_settings(path: Path, commands: Mapping[str, click.Command]) -> Values:
    """The values of the file at `path` by command and by the name of the command's parameter.

    `commands` has the known ones by the names of their sections. The whole file is checked, whichever command runs.

    Raises:
        HemotkError: the file cannot be read; a section that no command is named after, a key that is no option of its
            command, or a value of another kind than the option's. All of them are named at once.
    """
    try:
        with path.open("rb") as stream:
            content = tomllib.load(stream)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HemotkError(f"{path}: is no TOML ({error}); mend it.") from error
    faults: list[str] = []
    values: dict[str, dict[str, Any]] = {}
    for name, section in content.items():
        if not isinstance(section, dict):
            faults.append(f"'{name}' stands above all sections, put it below a line such as [train]")
        elif name not in commands:
            faults.append(f"section [{name}] is unknown, {_nearest(name, commands)}")
        else:
            values[name] = dict(_values(commands[name], section, f"[{name}]", faults))
    if faults:
        raise HemotkError(f"{path}: {'; '.join(faults)}.")
    return values


def _values(
    command: click.Command, section: Mapping[str, Any], where: str, faults: list[str]
) -> Iterator[tuple[str, Any]]:
    """Each value with its parameter's name; what is wrong goes to `faults`."""
    parameters = dict(settable(command))
    for key, value in section.items():
        parameter = parameters.get(key.replace("_", "-"))
        if parameter is None or parameter.name is None:
            faults.append(f"{where} has no option '{key}', {_nearest(key.replace('_', '-'), parameters)}")
        elif fault := _fault(parameter, value):
            faults.append(f"{where} {key}: {fault}")
        else:
            yield parameter.name, value if isinstance(value, (bool, list)) else str(value)


def keys_of(command: click.Command, values: Mapping[str, Any]) -> list[str]:
    """The keys in a file that stand for the parameters in `values`."""
    return [key for key, parameter in settable(command) if parameter.name in values]


def settable(command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
    """The parameters of a command that a settings file may give, each after its key there."""
    for parameter in command.params:
        name = _key(parameter)
        if name not in NO_SETTINGS:
            yield name, parameter


def _key(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return (parameter.name or "").replace("_", "-")
    longest = max(parameter.opts, key=len)
    return longest.lstrip("-")


def _fault(parameter: click.Parameter, value: Any) -> str:
    """The reason why the parameter cannot have this value; empty if it can."""
    several = getattr(parameter, "multiple", False) or parameter.nargs != 1
    if several != isinstance(value, list):
        kind = 'a list, such as ["a", "b"]' if several else "one value"
        return f"must be {kind}, not {value!r}"
    if isinstance(parameter, click.Option) and parameter.is_flag != isinstance(value, bool):
        return f"must be {'true or false' if parameter.is_flag else 'a value'}, not {value!r}"
    try:
        # Converted when the command runs; tried here, where the file can be named.
        for each in value if several else [value]:
            parameter.type.convert(each if isinstance(each, bool) else str(each), parameter, None)
    except click.BadParameter as error:
        return error.message.rstrip(".")
    return ""


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"did you mean '{near[0]}'" if near else f"known are {', '.join(sorted(known))}"


def template(commands: Mapping[str, click.Command]) -> str:
    """A settings file in which every option of every command stands as a comment, with its default."""
    lines = [
        "# Settings of hemotk. Take the # away from what you want to set.",
        "# The command line goes before the environment (HEMOTK_TRAIN_EPOCHS=30), and that before this file.",
    ]
    for name, command in commands.items():
        options = [(key, each) for key, each in settable(command) if isinstance(each, click.Option)]
        if not options:
            continue
        lines += ["", f"[{name}]"]
        for key, option in options:
            lines += [*_comment(option.help or ""), f"# {key} = {_toml(option)}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(text.split()), 100, initial_indent="# ", subsequent_indent="# ")


def _toml(option: click.Option) -> str:
    default = option.get_default(click.Context(click.Command("x")), call=False)
    if option.is_flag:
        return "false"
    if option.multiple:
        several = default if isinstance(default, (list, tuple)) else ()
        return "[" + ", ".join(f'"{each}"' for each in several) + "]"
    if isinstance(default, (int, float)):
        return str(default)
    return f'"{default}"' if isinstance(default, (str, Path)) else '""'
