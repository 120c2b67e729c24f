"""The option `--classes`: what the two classes are called."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from hemotk.cli.options import Decorator
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from hemotk.artifacts import SplitManifest

# Passed on as `classes`, one string with a comma.
classes_option: Decorator = click.option(
    "--classes",
    default="normal,hemorrhage",
    show_default=True,
    metavar="A,B",
    help="Names of the class without and with hemorrhage.",
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


def check_same_classes(text: str, split: "SplitManifest", source: Path) -> None:
    """Check that `text`, from --classes, does not contradict the classes of the split in `source`.

    Raises:
        HemotkError: it is malformed, or was given and names other classes.
    """
    named, context = two_classes(text), click.get_current_context(silent=True)
    default = context is not None and context.get_parameter_source("classes") is ParameterSource.DEFAULT
    if named != split.classes and not default:
        raise HemotkError(
            f"--classes {text}: the classes of {source} are {','.join(split.classes)}; leave the option out, or split "
            "the folder anew with it."
        )
