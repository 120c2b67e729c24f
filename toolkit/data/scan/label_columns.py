"""Find the columns of a table: picture, label, patient, part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hemotk.artifacts import Part
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.scan.table_text import Row, TableText
from hemotk.data.scan.words import (
    INVERTED_COLUMNS,
    LABEL_COLUMNS,
    ONE_PART_COLUMNS,
    PART_COLUMNS,
    PATIENT_COLUMNS,
    STUDY_COLUMNS,
    SUBTYPES,
    SURE_PART_COLUMNS,
    YES_NO,
    label_of,
    part_of,
    patient_of,
    plain,
)
from hemotk.errors import HemotkError

_READERS = ("r1ich", "r2ich", "r3ich")  # of CQ500
_FEW = 3
_MOSTLY = 0.8
_MOST_ROWS = 200  # of one patient, on average

Cells = Sequence[str]


@dataclass(frozen=True)
class Labels:
    """The labels of rows: `of` gives 0, 1, or None where a row does not say; `how` is the rule in words."""

    of: Callable[[Cells], int | None]
    how: str
    columns: tuple[int, ...]


class Columns:
    """The columns of a table by what they are called, in any spelling."""

    def __init__(self, table: TableText) -> None:
        self.table = table
        self._names = [plain(name) for name in table.header]

    def place(self, name: str) -> int | None:
        """The place of the column that is called `name` in plain letters, None if there is none.

        Raises:
            HemotkError: there are several.
        """
        count = self._names.count(name)
        if count > 1:
            said = self.table.header[self._names.index(name)].lower()
            raise HemotkError(f"{self.table.path}: has {count} columns '{said}'; keep one of them.")
        return self._names.index(name) if count else None

    def there(self, names: Sequence[str]) -> list[int]:
        """The places of those of `names` that there are, in their order."""
        return [place for place in map(self.place, names) if place is not None]

    def called(self, place: int) -> str:
        """The column's name in the header."""
        return self.table.header[place]

    def values(self, place: int) -> list[str]:
        """The cells of the column."""
        return [row[place] for _, row in self.table.rows]

    def patient(self, wanted: str | None) -> int | None:
        """The column of patients: `wanted`, else the first called like one, of patients or studies, that tells several.

        A column called 'patient' counts whatever it holds.

        Raises:
            HemotkError: there is no column `wanted`.
        """
        if wanted is None:
            named = self.there((*PATIENT_COLUMNS, *STUDY_COLUMNS))
            return next((place for place in named if self._tells_several(place)), None)
        place = self.place(plain(wanted))
        if place is None:
            raise HemotkError(
                f"{self.table.path}: has no column '{wanted}' for patients; it has {', '.join(self.table.header)}."
            )
        return place

    def patients(self, place: int) -> set[str]:
        """Those whom the column names, each once however it is spelled."""
        return {name for name in map(patient_of, set(self.values(place))) if name}

    def _tells_several(self, place: int) -> bool:
        names = self.patients(place)
        if self._names[place] in PATIENT_COLUMNS:
            return self._names[place] == PATIENT_COLUMNS[0] or len(names) > 1
        return len(names) >= max(_FEW, len(self.table.rows) / _MOST_ROWS)

    def part(self) -> int | None:
        """The column that puts every row into a part, whatever it is called; None if there is none.

        Raises:
            HemotkError: a column puts some rows into a part and not all.
        """
        for place in self.there(PART_COLUMNS):
            parts = self._parts(place)
            named = set(parts) - {None}
            if len(named) == 0 or len(set(parts)) == 1:
                continue
            if None not in parts:
                return place
            if len(named) > 1 or self._names[place] in SURE_PART_COLUMNS:
                raise self._no_part(place, parts)
        return next((place for place in range(len(self.table.header)) if self._gives_parts(place)), None)

    def _gives_parts(self, place: int) -> bool:
        cells = self.values(place)
        return all(map(part_of, cells)) and len(set(map(part_of, cells))) > 1

    def _parts(self, place: int) -> list[Part | None]:
        return [part_of(cell) for cell in self.values(place)]

    def _no_part(self, place: int, parts: Sequence[Part | None]) -> HemotkError:
        odd = [row for row, part in zip(self.table.rows, parts, strict=True) if part is None]
        cell = odd[0][1][place]
        example = f", such as '{cell}'" if cell else ", since its cell is blank"
        return HemotkError(
            f"{self.table.path}: column '{self.called(place)}' puts {counted(len(odd), 'row')} into no part{example} "
            f"({_lines([number for number, _ in odd])}); write train, validation or test into each row, or rename the "
            "column."
        )

    def like_parts(self) -> list[int]:
        """Columns that may say the parts, in words that are not known, where `part` is None."""
        several = [place for place in self.there(PART_COLUMNS) if len(set(self.values(place))) > 1]
        named = [
            place
            for place in several
            if self._names[place] in SURE_PART_COLUMNS or any(map(part_of, self.values(place)))
        ]
        answers = {place: set(map(plain, self.values(place))) for place in self.there(ONE_PART_COLUMNS)}
        return [*named, *(place for place, said in answers.items() if len(said) == 2 and said <= YES_NO)]

    def like_patients(self, known: Sequence[int], labels: Sequence[int | None], files: Sequence[str]) -> list[int]:
        """Columns beside the `known` ones whose values repeat and keep to one class, or stand in the files' names."""
        return [
            place
            for place in range(len(self.table.header))
            if place not in known
            and self._names[place]
            and not self._names[place].startswith("unnamed")
            and _like_patients(self.values(place), labels, files)
        ]


def _like_patients(values: Sequence[str], labels: Sequence[int | None], files: Sequence[str]) -> bool:
    names = set(values)
    if "" in names or not _FEW <= len(names) <= len(values) / 1.5:
        return False
    of: dict[str, set[int | None]] = {}
    for value, label in zip(values, labels, strict=True):
        of.setdefault(value, set()).add(label)
    pure = sum(len(patients) == 1 for patients in of.values()) >= _MOSTLY * len(of)
    named = sum(value in file for value, file in zip(values, files, strict=True)) >= _MOSTLY * len(values)
    return pure or (named and min(map(len, names)) > 1)


def find_labels(columns: Columns, classes: tuple[str, str]) -> Labels | None:
    """Find the rule that gives rows their label; None if no column does.

    Raises:
        HemotkError: columns contradict each other, or the only column holds words that are no labels.
    """
    readers = columns.there(_READERS)
    if len(readers) == len(_READERS):
        return _majority(columns, readers, classes)
    direct = columns.there((plain(classes[1]), *LABEL_COLUMNS))
    inverted = [place for place in columns.there((plain(classes[0]), *INVERTED_COLUMNS)) if place not in direct]
    single = [_single(columns, place, classes, place in inverted) for place in dict.fromkeys((*direct, *inverted))]
    subtypes = columns.there(SUBTYPES)
    readable = [one for one in single if _says_something(columns, one)]
    if readable:
        chosen = readable[0]
        for other in readable[1:]:
            _check_agree(columns, chosen, other)
        if subtypes:
            _check_subtypes(columns, chosen, subtypes, classes)
        return chosen
    if single:
        return single[0]
    return _any_of(columns, subtypes, classes) if len(subtypes) >= _FEW else None


def _says_something(columns: Columns, labels: Labels) -> bool:
    """Whether every cell that is not blank is a label."""
    cells = [row for _, row in columns.table.rows if row[labels.columns[0]]]
    return bool(cells) and all(labels.of(row) is not None for row in cells)


def _single(columns: Columns, place: int, classes: tuple[str, str], inverted: bool) -> Labels:
    def of(row: Cells) -> int | None:
        label = label_of(row[place], ("0", "1") if inverted else classes)
        return label if label is None or not inverted else 1 - label

    return Labels(of, f"label '{columns.called(place)}'" + (" (turned round)" if inverted else ""), (place,))


def _majority(columns: Columns, readers: list[int], classes: tuple[str, str]) -> Labels:
    def of(row: Cells) -> int | None:
        votes = [label_of(row[place], classes) for place in readers]
        return None if None in votes else int(sum(vote or 0 for vote in votes) * 2 > len(votes))

    return Labels(of, "label by the majority of three readers (CQ500)", tuple(readers))


def _any_of(columns: Columns, subtypes: list[int], classes: tuple[str, str]) -> Labels:
    def of(row: Cells) -> int | None:
        said = [label_of(row[place], classes) for place in subtypes]
        return None if None in said else int(any(said))

    names = ", ".join(columns.called(place) for place in subtypes)
    return Labels(of, f"label 1 where any of {names} is 1", tuple(subtypes))


def _check_agree(columns: Columns, chosen: Labels, other: Labels) -> None:
    rows = columns.table.rows
    odd = [number for number, row in rows if None not in (a := (chosen.of(row), other.of(row))) and a[0] != a[1]]
    if odd:
        names = " and ".join(f"'{columns.called(one.columns[0]).lower()}'" for one in (chosen, other))
        raise HemotkError(
            f"{columns.table.path}: has columns {names}; keep one of them, since they contradict each other in "
            f"{counted(len(odd), 'row')} ({_lines(odd)})."
        )


def _check_subtypes(columns: Columns, chosen: Labels, subtypes: list[int], classes: tuple[str, str]) -> None:
    some = _any_of(columns, subtypes, classes)
    odd = [number for number, row in columns.table.rows if chosen.of(row) == 0 and some.of(row) == 1]
    if odd:
        raise HemotkError(
            f"{columns.table.path}: says label 0 beside a kind of hemorrhage in {counted(len(odd), 'row')} "
            f"({_lines(odd)}); correct the label or the kind."
        )


def _lines(numbers: Sequence[int]) -> str:
    return f"line{'' if len(numbers) == 1 else 's'} {listed([str(number) for number in numbers])}"


def part_in(row: Row, place: int | None) -> Part | None:
    """The part that the row's cell names."""
    return None if place is None else part_of(row[1][place])
