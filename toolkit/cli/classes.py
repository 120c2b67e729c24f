"""The option `--classes`: what the two classes are called."""

import click
from click.core import ParameterSource

from hemotk.cli.options import Decorator
from hemotk.errors import HemotkError

# Passed on as `classes`, one string with a comma.
classes_option: Decorator = click.option(
    "--classes",
    default="normal,hemorrhage",
    show_default=True,
    metavar="A,B",
    help="Names of the two classes: without hemorrhage, with hemorrhage.",
)


def two_classes(text: str) -> tuple[str, str]:
    """'a,b' as a pair.

    Raises:
        HemotkError: not two names.
    """
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or not all(names):
        raise HemotkError(f"--classes {text}: must be two names with a comma, such as normal,hemorrhage.")
    return names[0], names[1]


def given_classes(text: str) -> tuple[str, str] | None:
    """'a,b' as a pair, from --classes; None where the option was not given.

    Raises:
        HemotkError: not two names.
    """
    named, context = two_classes(text), click.get_current_context(silent=True)
    default = context is not None and context.get_parameter_source("classes") is ParameterSource.DEFAULT
    return None if default else named
