"""The place and name of a folder's table of labels."""

from pathlib import Path

from hemotk.data.scan.listing import Listing
from hemotk.data.scan.offenders import listed
from hemotk.data.scan.table_text import TABLE_SUFFIXES
from hemotk.data.scan.words import plain
from hemotk.errors import HemotkError

LABELS_CSV = "labels.csv"
_STEMS = ("labels", "label")
# Tables of public sets, by what plain letters of their names begin with.
_KNOWN = ("hemorrhagediagnosis", "reads", "stage2train", "imagelabels", "metadata", "annotations")
_SEPARATORS = ",;\t|"


def find_table(listing: Listing) -> tuple[Path | None, bool]:
    """The table for the pictures of `listing`, and whether it is meant to be one by its name and place.

    A meant table is labels.csv in any spelling and form, in the folder or the only folder in it. Other tables may be of
    labels: those of public sets under their own names, the only table in the folder, or one beside the folder.

    Raises:
        HemotkError: there are several.
    """
    folder = listing.folder
    tops = {file.partition("/")[0] for file in listing.files}
    inside = [folder / next(iter(tops))] if len(tops) == 1 and (folder / next(iter(tops))).is_dir() else []
    for place in (folder, *inside):
        if table := _one(place, [path for path in tables_in(place) if plain(path.stem) in _STEMS]):
            return table, True
    for place in (folder, *inside):
        known = [path for path in tables_in(place) if plain(path.stem).startswith(_KNOWN)]
        if table := _one(place, known):
            return table, False
        only = tables_in(place)
        if len(only) == 1:
            return only[0], False
    parent = folder.resolve().parent
    beside = [path for path in tables_in(parent) if plain(path.stem) in _STEMS]
    return (beside[0], False) if len(beside) == 1 else (None, False)


def tables_in(folder: Path) -> list[Path]:
    """The tables in `folder`; a text file is one if its first line has several cells.

    Raises:
        HemotkError: the folder cannot be listed.
    """
    try:
        files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in TABLE_SUFFIXES and path.is_file()]
    except OSError as error:
        raise HemotkError(f"{folder}: cannot be listed; ask for the right to read it.") from error
    return [path for path in files if not path.name.startswith((".", "~$")) and _may_be_table(path)]


def _one(folder: Path, named: list[Path]) -> Path | None:
    exact = [path for path in named if path.name == LABELS_CSV]
    if len(named) > 1 and not exact:
        names = listed([path.name for path in named])
        raise HemotkError(f"{folder}: has several tables of labels ({names}); keep the one that is meant.")
    return next(iter(exact or named), None)


def _may_be_table(path: Path) -> bool:
    if path.suffix.lower() != ".txt":
        return True
    try:
        with path.open("rb") as stream:
            first = stream.read(4096).replace(b"\0", b"").decode("latin-1").partition("\n")[0]
    except OSError:
        return False
    return any(separator in first for separator in _SEPARATORS)
