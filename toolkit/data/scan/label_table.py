"""The table of labels of a folder: what it says of each picture."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hemotk.data.scan.found import FoundImage
from hemotk.data.scan.label_columns import Columns, Labels, find_labels, part_in
from hemotk.data.scan.label_names import Names
from hemotk.data.scan.label_pictures import find_pictures
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.scan.rsna import ROWS, read_labels
from hemotk.data.scan.table_text import Row, TableText, read_table
from hemotk.data.scan.words import patient_of, plain
from hemotk.errors import HemotkError

Rows = Sequence[tuple[Row, str]]  # with the file that each means
_LONG_ROW = re.compile(rf".+_({'|'.join(ROWS)})")


@dataclass(frozen=True)
class TableLabels:
    """A table of labels as read: labelled images sorted by path, and `how` it was read.

    `missing` rows lead to no picture, `repeated` ones stand there twice, `blank` ones have no label and were let pass.
    """

    images: tuple[FoundImage, ...]
    how: tuple[str, ...]
    missing: int = 0
    repeated: int = 0
    blank: int = 0


class Contradiction(HemotkError):
    """A table and the folders say different things of one picture."""


class TableReader:
    """Reads one table for the pictures of one folder.

    `patient` names the column of patients where its name is an unusual one. `folder_labels` are those that folders
    say, for a table without a column of labels.
    """

    def __init__(self, path: Path, files: Sequence[str], suffixes: frozenset[str], classes: tuple[str, str]) -> None:
        self._table = _pivoted(read_table(path))
        self._files = files
        self._classes = classes
        self._columns = Columns(self._table)
        self._suffixes = suffixes

    def read(self, patient: str | None, folder_labels: dict[str, int], blanks: bool = False) -> TableLabels:
        """Labels, patients and parts of the pictures that the table names.

        With `blanks`, rows without a label are counted and left out.

        Raises:
            HemotkError: the table does not fit the files, or contradicts itself or the folders.
        """
        names = Names(self._files, self._suffixes)
        if any(names.find(cell) for cell in self._table.header if not cell.isdecimal()):
            raise HemotkError(
                f"{self._table.path}: begins with a row and not with a header; write one above it, such as "
                "'id,hemorrhage'."
            )
        labels = find_labels(self._columns, self._classes)
        who, part = self._columns.patient(patient), self._columns.part()
        if labels is None and not folder_labels:
            raise HemotkError(
                f"{self._table.path}: has no column 'hemorrhage' or 'label'; add one to its header, which is now "
                f"{', '.join(self._table.header)}."
            )
        pictures = find_pictures(self._columns, self._files, names)
        if who is None and pictures.scans:
            who = pictures.key
        rows, labelled, blank = self._labelled(pictures.rows, labels, folder_labels, blanks)
        self._check_patients(rows, who)
        of_rows, repeated = self._images(rows, labelled, who, part, pictures.key)
        _check_folders(self._table.path, of_rows, folder_labels if labels else {}, self._classes)
        how = self._how(labels, pictures.how, who, part)
        known = [place for place in (who, part, *(labels.columns if labels else ())) if place is not None]
        if who is None:
            how += self._unused(known, rows, labelled)
        if part is None:
            how += [
                f"not used   column '{self._columns.called(place)}', which may name parts: images are dealt anew; a "
                "column 'split' with train, validation and test is used"
                for place in self._columns.like_parts()
                if place not in known
            ]
        images = tuple(sorted(of_rows, key=lambda image: image.path))
        return TableLabels(images, tuple(how), pictures.missing, repeated, blank)

    def _labelled(
        self, rows: Rows, labels: Labels | None, folder_labels: dict[str, int], blanks: bool
    ) -> tuple[Rows, list[int], int]:
        if labels is None:
            kept = [(row, file) for row, file in rows if file in folder_labels]
            return kept, [folder_labels[file] for _, file in kept], 0
        said = [labels.of(row[1]) for row, _ in rows]
        empty = [not any(row[1][place] for place in labels.columns) for row, _ in rows]
        bad = [row for (row, _), label, blank in zip(rows, said, empty, strict=True) if label is None and not blank]
        lost = [row for (row, _), blank in zip(rows, empty, strict=True) if blank]
        if bad:
            raise self._unknown_label(bad, labels.columns[0])
        if lost and not blanks:
            raise self._many(
                lost, f"column '{self._columns.called(labels.columns[0])}' is blank; fill it in or remove the line"
            )
        kept = [pair for pair, blank in zip(rows, empty, strict=True) if not blank]
        return kept, [label for label in said if label is not None], len(lost)

    def _check_patients(self, rows: Rows, who: int | None) -> None:
        blank = [row for row, _ in rows if who is not None and patient_of(row[1][who]) is None]
        if who is not None and blank and self._columns.called(who).lower() == "patient":
            said = f"says '{blank[0][1][who]}', which is nobody" if blank[0][1][who] else "is blank"
            raise self._many(blank, f"column 'patient' {said}; fill it in or remove the column")

    def _images(
        self, rows: Rows, labels: list[int], who: int | None, part: int | None, key: int
    ) -> tuple[list[FoundImage], int]:
        """One image per file, and how many rows say again what another says.

        Raises:
            HemotkError: rows of one file that do not say the same.
        """
        header = [name.lower() for name in self._table.header]
        images: dict[str, FoundImage] = {}
        spelled: dict[str, str] = {}  # each patient as the table first spells it
        twice: list[Row] = []
        repeated = 0
        for (row, file), label in zip(rows, labels, strict=True):
            key_of = None if who is None else patient_of(row[1][who])
            patient = None if who is None or key_of is None else spelled.setdefault(key_of, row[1][who])
            image = FoundImage(file, label, patient, part_in(row, part), dict(zip(header, row[1], strict=True)))
            before = images.setdefault(file, image)
            if before is not image:
                repeated += 1
                if (before.label, before.patient, before.part) != (label, patient, image.part):
                    twice.append(row)
        if twice:
            name = twice[0][1][key]
            raise self._many(twice, f"'{name}' stands there twice, and not with the same; remove one of the lines")
        return list(images.values()), repeated

    def _how(self, labels: Labels | None, picture: str, who: int | None, part: int | None) -> list[str]:
        form = f" ({self._table.how})" if self._table.how else ""
        words = [picture, "label by folder" if labels is None else labels.how]
        if who is not None:
            without = sum(patient_of(cell) is None for cell in self._columns.values(who))
            blank = f", {without} rows without" if without else ""
            count = counted(len(self._columns.patients(who)), "patient")
            words.append(f"patient '{self._columns.called(who)}' ({count}{blank})")
        if part is not None:
            words.append(f"part '{self._columns.called(part)}'")
        return [f"read       {self._table.path.name}{form}: {', '.join(words)}"]

    def _unused(self, known: list[int], rows: Rows, labels: list[int]) -> list[str]:
        files = [file for _, file in rows]
        inside = TableText(self._table.path, self._table.header, tuple(row for row, _ in rows), "")
        like = Columns(inside).like_patients(known, labels, files)
        return [
            f"not used   column '{self._table.header[place]}', which may name patients: --patient "
            f"'{self._table.header[place]}' keeps them together"
            for place in like
        ]

    def _unknown_label(self, bad: list[Row], place: int) -> HemotkError:
        line, cells = bad[0]
        words = list(dict.fromkeys(row[1][place] for row in self._table.rows if row[1][place]))
        told = len(words) == 2 and not any(word.replace(".", "").isdecimal() for word in words)
        two = f", as in ‹classes› {words[0]},{words[1]} (or the other way round)" if told else ""
        more = f" ({len(bad)} such lines: {listed([str(number) for number, _ in bad])})" if len(bad) > 1 else ""
        return HemotkError(
            f"{self._table.path}, line {line}: label '{cells[place]}' is unknown; write 0 or 1, '{self._classes[0]}' "
            f"or '{self._classes[1]}', or name the two words with ‹classes›{two}{more}."
        )

    def _many(self, rows: list[Row], problem: str) -> HemotkError:
        more = f" ({len(rows)} such lines: {listed([str(number) for number, _ in rows])})" if len(rows) > 1 else ""
        return HemotkError(f"{self._table.path}, line {rows[0][0]}: {problem}{more}.")


def _check_folders(
    table: Path, images: list[FoundImage], folder_labels: dict[str, int], classes: tuple[str, str]
) -> None:
    """The table says what the class folders say, where there are such."""
    there = [image for image in images if image.path in folder_labels]
    odd = [image for image in there if folder_labels[image.path] != image.label]
    if not odd:
        return
    swapped = "; every one of them: 0 and 1 may be swapped in the table" if len(odd) == len(there) else ""
    raise Contradiction(
        f"{table}: contradicts the folders {classes[0]}/ and {classes[1]}/ in {len(odd)} of "
        f"{counted(len(there), 'picture')}{swapped} ({listed([image.path for image in odd])}); correct or remove the "
        "table."
    )


def _pivoted(table: TableText) -> TableText:
    """A table of the RSNA form, six rows an image, as one with a row an image; any other as it is."""
    if [plain(name) for name in table.header] != ["id", "label"] or not table.rows:
        return table
    if not all(_LONG_ROW.fullmatch(row[0]) for _, row in table.rows[:12]):
        return table
    labels, _ = read_labels(table.path)
    rows = tuple((number, [name, str(label)]) for number, (name, label) in enumerate(labels.items(), 1))
    return TableText(table.path, table.header, rows, "RSNA 2019, row 'any'")
