"""Reading many pictures, each once; what cannot be read is named all at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from hemotk.data.scan.offenders import listed
from hemotk.errors import HemotkError
from hemotk.progress import Tell

T = TypeVar("T")
_THREADS = 4


def look_at_each(paths: Sequence[Path], look: Callable[[Path], T], tell: Tell) -> Iterator[T | HemotkError]:
    """What `look` gives for each path, in their order, or why it cannot be read; `tell` is told how many are."""

    def tried(path: Path) -> T | HemotkError:
        try:
            return look(path)
        except HemotkError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, found in enumerate(pool.map(tried, paths), 1):
            tell("reading images", done, len(paths))
            yield found


def look_at_all(folder: Path, paths: Sequence[str], look: Callable[[Path], T], tell: Tell) -> list[T]:
    """What `look` gives for each of the `paths` below `folder`, in their order.

    Raises:
        HemotkError: some cannot be read: the reason for the first, and the names of the others.
    """
    found: list[T] = []
    errors: list[HemotkError] = []
    for one in look_at_each([folder / path for path in paths], look, tell):
        if isinstance(one, HemotkError):
            errors.append(one)
        else:
            found.append(one)
    if errors:
        raise _all_of(errors, folder)
    return found


def _all_of(errors: Sequence[HemotkError], folder: Path) -> HemotkError:
    """The first error in full, and which other files have one."""
    first = errors[0].sentence
    # the slices of a volume name one file
    files = list(dict.fromkeys(str(error).removeprefix(f"{folder}/").partition(": ")[0] for error in errors))
    if len(files) == 1:
        return HemotkError(first)
    return HemotkError(f"{first.rstrip('.')} ({len(files)} files cannot be used: {listed(files)}).")
