"""`hemotk snippet`."""

from pathlib import Path

import click

from hemotk.artifacts.bundle import PREFERRED
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, bundle_or_newest, overwrite_option
from hemotk.cli.standard_output import may_print
from hemotk.cli.terminal import echo_as_it_is
from hemotk.errors import HemotkError
from hemotk.files import write_bytes

LANGUAGES = {
    "kotlin": "Kotlin for Android",
    "swift": "Swift for iOS",
    "dart": "Dart for Flutter",
    "javascript": "JavaScript for browsers",
    "python": "Python",
    "cpp": "C++",
}


def _languages(command: click.Command) -> click.Command:
    """A flag for each language, before the other options."""
    flags = [click.Option([f"--{name}"], is_flag=True, help=f"{said}.") for name, said in LANGUAGES.items()]
    first = next(place for place, parameter in enumerate(command.params) if isinstance(parameter, click.Option))
    command.params[first:first] = flags
    return command


@_languages
@click.command(cls=Command)
@click.argument("bundle", required=False, type=PATH)
@click.option("--variant", type=click.Choice(PREFERRED[:-1]), help="The model.  [default: int8 if it is there]")
@click.option("--out", "-o", type=PATH, help="The file to write.  [default: print the code]")
@overwrite_option
@may_print("out")
def snippet(*, bundle: Path | None, variant: str | None, out: Path | None, overwrite: bool, **languages: bool) -> None:
    """Print the code that runs a bundle in an app of yours.

    The code turns a picture into the bytes that the network sees, feeds them, and reads the verdict. Numbers come from
    the bundle's card. Its test runs the drawn pictures of the bundle and compares pixels and scores.

    BUNDLE is a bundle folder. The default is the newest bundle under bundles/. Choose one language.

    hemotk's tests run the Python code, and compile and run the Kotlin, JavaScript and C++ with a stand-in for the
    runtime. They could not compile the Swift and the Dart: run the test before you trust these.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk snippet --kotlin
      hemotk snippet bundles/first --swift -o Slices.swift
    """
    from hemotk.api.apps import snippet as snippet_of

    chosen = [name for name in LANGUAGES if languages[name]]
    if len(chosen) != 1:
        known = ", ".join(f"--{name}" for name in LANGUAGES)
        said = f"{len(chosen)} languages were named" if chosen else "no language was named"
        raise HemotkError(f"{said}; choose one of {known}.")
    chosen_bundle = bundle_or_newest(bundle)
    code = snippet_of(chosen_bundle, chosen[0], variant=variant)
    if out is None:
        echo_as_it_is(code)
        return
    write_bytes(out, code.encode(), overwrite=overwrite)
    click.echo(f"wrote {out}: run its test, and let your app write down what it sees as outputs.json")
    say_next("verify", chosen_bundle, "--against", "outputs.json")
