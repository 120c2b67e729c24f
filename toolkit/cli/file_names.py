"""File names of `hemotk predict`: which may be written."""

import os
from collections.abc import Iterable
from pathlib import Path

from hemotk.errors import HemotkError
from hemotk.files import printable, refuse_existing


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


def _real(path: Path) -> Path:
    # Not `resolve`, which raises on a loop of links; such a picture is named as unreadable when its turn comes.
    return Path(os.path.realpath(path))
