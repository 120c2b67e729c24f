"""The kinds of hemorrhage that the table of labels beside the images marks them with."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hemotk.data.scan.cells import rows_of_table
from hemotk.data.scan.found import FoundImage
from hemotk.data.scan.words import SUBTYPES
from hemotk.errors import HemotkError

_YES = frozenset({"1", "1.0", "true", "yes"})


def subtypes_in(
    root: Path, labels: Mapping[str, int], classes: tuple[str, str], folders: Sequence[str] = ("",)
) -> dict[str, tuple[str, ...]]:
    """The kinds of each image (by its path) of `labels` that the table in `root` marks; nothing where it has none.

    `folders` are those below `root` that a merged split is of, each with a table of its own.

    Raises:
        HemotkError: a table does not fit the files, or says another label of an image than `labels` today.
    """
    found = {}
    for path, row in _rows(root, classes, folders):
        if path not in labels:
            continue
        if row.label != labels[path]:
            raise HemotkError(
                f"{root / path}: its table says label {row.label} today, it was judged with {labels[path]}; undo the "
                "edit, or split and train again."
            )
        marked = tuple(kind for kind in SUBTYPES if row.columns.get(kind, "").lower() in _YES)
        if marked:
            found[path] = marked
    return found


def _rows(root: Path, classes: tuple[str, str], folders: Sequence[str]) -> Iterator[tuple[str, FoundImage]]:
    for below in folders:
        for row in rows_of_table(root / below, classes):
            yield (f"{below}/{row.path}" if below else row.path), row
