"""The result of scanning an image folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hemotk.artifacts import Part
from hemotk.data.scan.offenders import counted
from hemotk.errors import HemotkError

_ENOUGH_FOR_A_SPLIT = 3


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One labelled image: path relative to the folder with '/', label (1 = hemorrhage), patient where known.

    `part` is the part that a table or folders give it, None where they give none. `columns` are the cells of its row in
    the table of labels by the name in the header, in lower case.
    """

    path: str
    label: int
    patient: str | None = None
    part: Part | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundFolder:
    """A scanned folder.

    `unlabelled` counts images that the table of labels does not name, `missing` those it names that are not there,
    `repeated` rows that stand there twice. The files of an `unread` folder are too many to be opened for a split:
    none has been, and neither checksums nor equal pictures will be known. `reading` says in sentences how the folder
    was understood; `left_out` counts files that are no slices, by suffix or reason. `hu_offset` is as in
    the split.
    """

    folder: Path
    classes: tuple[str, str]
    images: tuple[FoundImage, ...]
    unlabelled: int = 0
    missing: int = 0
    repeated: int = 0
    unread: bool = False
    reading: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    hu_offset: int | None = None

    @property
    def given(self) -> bool:
        """Whether a table or folders put every image into a part."""
        return bool(self.images) and all(image.part is not None for image in self.images)

    def counts(self) -> tuple[int, int]:
        """Images with label 0 and with label 1."""
        positives = sum(image.label for image in self.images)
        return len(self.images) - positives, positives

    def lines(self) -> tuple[str, ...]:
        """The folder as it was understood and the files left out, a sentence each."""
        return (*self.reading, *self._left_out())

    def check_counts(self) -> None:
        """Each class has enough images for three parts.

        Raises:
            HemotkError: it has not.
        """
        for count, name in zip(self.counts(), self.classes, strict=True):
            if count < _ENOUGH_FOR_A_SPLIT:
                raise HemotkError(
                    f"{self.folder}: has {count} image{'' if count == 1 else 's'} of class '{name}'; training, "
                    f"validation and test need at least {_ENOUGH_FOR_A_SPLIT} of each class."
                )

    def _left_out(self) -> Iterator[str]:
        table = "stage_2_train.csv" if self.unread else "the table"
        if self.unlabelled:
            yield f"left out   {self.unlabelled:6} images that {table} does not name"
        if self.missing:
            or_no_slices = " or, as below, are no slices" if self.left_out else ""
            yield f"left out   {self.missing:6} images that {table} names and that are not there{or_no_slices}"
        if self.repeated:
            yield f"{table} says {counted(self.repeated, 'row')} twice, with the same labels"
        yield from left_out_lines(self.left_out)


def left_out_lines(left_out: Mapping[str, int]) -> Iterator[str]:
    """A sentence on the files that are no slices, by suffix or reason; none if there are none."""
    if left_out:
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        count = sum(left_out.values())
        yield f"left out   {count:6} {'file that is no slice' if count == 1 else 'files that are no slices'}: {reasons}"
