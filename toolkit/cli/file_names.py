"""File names of `hemotk predict`: which may be written, which a result can hold, and how they are shown."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from hemotk.errors import HemotkError
from hemotk.files import refuse_existing


def check_targets(targets: Iterable[tuple[str, Path | None]], pictures: Iterable[Path], overwrite: bool) -> None:
    """Check what is to be written, pairs of an option and a file of its; None stands for an option not given.

    Raises:
        HemotkError: a file is one of `pictures`, another option's file or a folder that one is to lie in; or it exists
            and `overwrite` is false.
    """
    wanted = [(f"{option} {file}", file) for option, file in targets if file is not None]
    originals = {_real(picture) for picture in pictures} if wanted else set()
    taken = {folder: what for what, file in wanted for folder in _real(file).parents}
    for what, file in wanted:
        place = _real(file)
        if place in originals:
            raise HemotkError(f"{printable(what)}: would replace the picture itself; name another place.")
        if place in taken:
            raise HemotkError(f"{printable(what)}: is in the way of {printable(taken[place])}; name another place.")
        taken[place] = what
        refuse_existing(file, overwrite)


def check_utf8(paths: Sequence[Path]) -> None:
    """Check that the names of `paths` can stand in a JSON file.

    Raises:
        HemotkError: one is not UTF-8.
    """
    for path in paths:
        try:
            str(path).encode()
        except UnicodeEncodeError as error:
            raise HemotkError(
                f"{printable(path)}: its name is not UTF-8, so --json cannot hold it; rename it."
            ) from error


def printable(text: str | Path) -> str:
    """`text` on one line, doing nothing to a terminal: what is not printable is escaped as Python does, such as \\n."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))


def _real(path: Path) -> Path:
    # Not `resolve`, which raises on a loop of links; such a picture is named as unreadable when its turn comes.
    return Path(os.path.realpath(path))
