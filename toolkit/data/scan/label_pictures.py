"""Find the pictures that the rows of a table mean, and the column that names them."""

from collections.abc import Sequence
from dataclasses import dataclass

from hemotk.data.read.nifti import volume_of
from hemotk.data.scan.label_columns import Columns
from hemotk.data.scan.label_names import Names, NumberedSlices, cleaned
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.scan.table_text import Row
from hemotk.data.scan.words import ID_COLUMNS, PATIENT_COLUMNS, SLICE_COLUMNS, STUDY_COLUMNS, plain
from hemotk.errors import HemotkError

_MOST_MISSING = 0.25  # share of rows whose pictures may be missing; more is a mistake in names or folders


@dataclass(frozen=True)
class Pictures:
    """Rows with the file that each means; `key` is the place of the column that says it and `how` that in words.

    `missing` rows lead nowhere. With `scans` a row means every slice of a scan.
    """

    rows: tuple[tuple[Row, str], ...]
    how: str
    key: int
    missing: int
    scans: bool = False


@dataclass(frozen=True)
class _Try:
    """One way to read the rows: each with the files that it may mean."""

    rows: tuple[tuple[Row, list[str]], ...]
    how: str
    key: int

    @property
    def hits(self) -> int:
        return sum(bool(files) for _, files in self.rows)


def find_pictures(columns: Columns, files: Sequence[str], names: Names) -> Pictures:
    """Find the picture of each row by the column that names the most.

    Raises:
        HemotkError: no column names pictures, a name may mean several, or too many lead nowhere.
    """
    tries = [_by_name(columns, place, names) for place in columns.there(ID_COLUMNS)]
    best = max(tries, key=lambda one: one.hits, default=None)
    if best is None or not best.hits:
        scans = _by_volume(columns, files) or _by_scan(columns, files)
        if scans is not None:
            return scans
        best = _by_number(columns, files) or _by_any_column(columns, names) or best
    if best is None:
        raise HemotkError(
            f"{columns.table.path}: has no column 'path' or 'id' that names pictures; add one to its header, which is "
            f"now {', '.join(columns.table.header)}."
        )
    _check_plain(columns, best)
    missing = [row for row, named in best.rows if not named]
    if len(missing) > _MOST_MISSING * len(best.rows):
        raise _no_picture(columns, best, missing, files)
    return Pictures(tuple((row, named[0]) for row, named in best.rows if named), best.how, best.key, len(missing))


def _by_name(columns: Columns, place: int, names: Names) -> _Try:
    rows = tuple((row, names.find(row[1][place])) for row in columns.table.rows)
    return _Try(rows, f"picture '{columns.called(place)}'", place)


def _by_number(columns: Columns, files: Sequence[str]) -> _Try | None:
    """Match by the numbers of patient and slice, as CT-ICH has them."""
    patients, slices = columns.there((*PATIENT_COLUMNS, *STUDY_COLUMNS)), columns.there(SLICE_COLUMNS)
    if not patients or not slices:
        return None
    patient, place = patients[0], slices[0]
    names = NumberedSlices(files)
    rows = tuple((row, names.find(row[1][patient], row[1][place])) for row in columns.table.rows)
    how = f"picture by the numbers in '{columns.called(patient)}' and '{columns.called(place)}'"
    attempt = _Try(rows, how, place)
    return attempt if attempt.hits else None


def _by_any_column(columns: Columns, names: Names) -> _Try | None:
    """Match by any column whose every cell names one picture, and not only by a number."""
    for place in range(len(columns.table.header)):
        if all(cell and not cell.isdecimal() for cell in columns.values(place)):
            attempt = _by_name(columns, place, names)
            if attempt.rows and all(len(files) == 1 for _, files in attempt.rows):
                return attempt
    return None


def _by_volume(columns: Columns, files: Sequence[str]) -> Pictures | None:
    """Match by the files of volumes: every slice of a volume has its label."""
    slices: dict[str, list[str]] = {}
    for file in files:
        volume = volume_of(file)
        if volume is not None:
            slices.setdefault(_volume_name(volume), []).append(file)
    names = Names(list(slices), ())
    tries = [
        _Try(
            tuple((row, names.find(_volume_name(row[1][place]))) for row in columns.table.rows),
            f"volume '{columns.called(place)}' (labels are of whole volumes: slices without blood have them too)",
            place,
        )
        for place in columns.there(ID_COLUMNS)
    ]
    best = max(tries, key=lambda one: one.hits, default=None)
    if best is None or not best.hits:
        return None
    _check_plain(columns, best)
    missing = [row for row, named in best.rows if not named]
    if len(missing) > _MOST_MISSING * len(best.rows):
        raise _no_picture(columns, best, missing, files)
    rows = tuple((row, file) for row, named in best.rows if named for file in slices[named[0]])
    return Pictures(rows, best.how, best.key, len(missing), scans=True)


def _volume_name(file: str) -> str:
    """The name of a volume without the suffixes, which tables leave out or write in other ways."""
    name = cleaned(file)
    for suffix in (".gz", ".nii"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return name


def _by_scan(columns: Columns, files: Sequence[str]) -> Pictures | None:
    """Match by folders of whole scans, as CQ500 has them: every slice of a scan has the label of the scan."""
    place = columns.place("name")
    if place is None or columns.place("r1ich") is None:
        return None
    scans: dict[str, list[str]] = {}
    for file in files:
        for folder in {plain(name.split(" ")[0]) for name in file.split("/")[:-1]}:
            scans.setdefault(folder, []).append(file)
    slices = [(row, scans.get(plain(row[1][place]), [])) for row in columns.table.rows]
    missing = sum(not inside for _, inside in slices)
    if missing == len(slices):
        return None
    how = f"scan '{columns.called(place)}' (labels are of whole scans: slices without blood have them too)"
    return Pictures(tuple((row, file) for row, inside in slices for file in inside), how, place, missing, scans=True)


def _check_plain(columns: Columns, attempt: _Try) -> None:
    several = [(row, files) for row, files in attempt.rows if len(files) > 1]
    if several:
        (line, cells), files = several[0]
        more = f" ({counted(len(several), 'such line')})" if len(several) > 1 else ""
        raise HemotkError(
            f"{columns.table.path}, line {line}: '{cells[attempt.key]}' may be {files[0]} or {files[1]}; write the "
            f"path instead{more}."
        )


def _no_picture(columns: Columns, attempt: _Try, missing: Sequence[Row], files: Sequence[str]) -> HemotkError:
    line, cells = missing[0]
    folders = {plain(name) for file in files for name in file.split("/")[:-1]}
    scans = sum(plain(row[attempt.key]) in folders for _, row in missing)
    hint = "add the files or remove the lines"
    if scans > len(attempt.rows) // 2:
        hint = (
            "its rows name folders of slices, but a label of a whole scan is none of each slice: write a line a slice"
        )
    lines = listed([str(number) for number, _ in missing])
    return HemotkError(
        f"{columns.table.path}, line {line}: no image for '{cells[attempt.key]}' below {columns.table.path.parent}; "
        f"{hint} ({len(missing)} of {counted(len(attempt.rows), 'line')}: {lines})."
    )
