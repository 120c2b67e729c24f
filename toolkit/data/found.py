"""What a scan of an image folder has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hemotk.errors import HemotkError

_ENOUGH_FOR_A_SPLIT = 3


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One labelled image: path relative to the folder with '/', label (1 = hemorrhage), patient where known.

    `columns` are the cells of its row in the table of labels by the name in the header, in lower case.
    """

    path: str
    label: int
    patient: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundFolder:
    """A scanned folder.

    `unlabelled` counts images that the table of labels does not name, `missing` those it names that are not there,
    `repeated` rows that stand there twice. The files of an `unread` folder are too many to be opened for a split:
    none has been, and neither checksums nor equal pictures will be known.
    """

    folder: Path
    classes: tuple[str, str]
    images: tuple[FoundImage, ...]
    unlabelled: int = 0
    missing: int = 0
    repeated: int = 0
    unread: bool = False

    def lines(self) -> tuple[str, ...]:
        """How the folder was read, a sentence each."""
        return ()

    def counts(self) -> tuple[int, int]:
        """Images with label 0 and with label 1."""
        positives = sum(image.label for image in self.images)
        return len(self.images) - positives, positives

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
