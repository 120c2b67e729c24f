"""`-` as an output: one result goes to the standard output, and the text for people to stderr."""

import functools
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO, TypeVar, cast

from hemotk.errors import HemotkError

NAMES = ("-", "/dev/stdout")

Command = TypeVar("Command", bound=Callable[..., Any])


def may_print(*parameters: str) -> Callable[[Command], Command]:
    """Let each of these parameters, which name a file to write, be `-`.

    The file is written as any other, to a place that nobody sees, and printed when the command ends; also if a check
    failed. What the command says meanwhile goes to stderr.

    Raises:
        HemotkError: two parameters are `-`.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(*args: Any, **given: Any) -> Any:
            asked = [name for name in parameters if str(given.get(name)) in NAMES]
            if not asked:
                return command(*args, **given)
            if len(asked) > 1:
                options = " and ".join(f"‹{name.removesuffix('_file')}›" for name in asked)
                raise HemotkError(f"{options}: only one can be the standard output; name a file for the others.")
            return _printed(functools.partial(command, *args), given, asked[0])

        return cast(Command, run)

    return decorate


def _printed(command: Callable[..., Any], given: dict[str, Any], name: str) -> Any:
    with TemporaryDirectory() as folder:
        file, stdout = Path(folder) / "result", sys.stdout
        try:
            with redirect_stdout(cast(TextIO, _Stderr(str(file)))):
                return command(**{**given, name: file})
        finally:
            if file.is_file():
                stdout.flush()
                stdout.buffer.write(file.read_bytes())
                stdout.flush()


class _Stderr:
    """The standard error, in which the hidden file is called by what it stands for."""

    def __init__(self, hidden: str) -> None:
        self._hidden = hidden

    def write(self, text: str) -> int:
        """Write `text`."""
        sys.stderr.write(text.replace(self._hidden, "the result to the standard output"))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)
