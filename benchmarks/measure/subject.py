"""The subject of a bench: bundles side by side, on their test split or on a folder of images."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hemotk.artifacts.foreign import ForeignOptions
from hemotk.benchmarks.measure.given import check_given, is_given, open_given
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.store.bundle import StoredBundle, open_with_testset
from hemotk.store.cards import bundle_card


@dataclass(frozen=True)
class Subject:
    """The bundles of a bench and the images to score.

    The `bundles` are folders, or bare .tflite files to score `images`, which are fed and read by the options `asked`.
    The others are compared with the first, and with their own float parents. `images` is a folder of pictures, or a
    split file for its test part, to score in place of the test split; `data` is the present folder of that split's
    images, if they were moved. `by` names columns of the table of labels of `images`, in lower case, to give figures
    by. `imported` are files that devices wrote. `command` is the command line of the bench, for the report. `baseline`
    is the JSON report of an earlier bench to hold this one against.
    """

    bundles: tuple[Path, ...]
    images: Path | None = None
    imported: tuple[Path, ...] = ()
    command: str = ""
    data: Path | None = None
    by: tuple[str, ...] = ()
    asked: ForeignOptions = field(default_factory=ForeignOptions)
    baseline: Path | None = None

    def __post_init__(self) -> None:
        for path, count in Counter(bundle.resolve() for bundle in self.bundles).items():
            if count > 1:
                raise HemotkError(f"{path}: is given {count} times; name each bundle once.")
        check_given(self.bundles, self.asked, images=self.images is not None)
        if self.images is not None and self.imported:
            raise HemotkError(
                f"‹imported› {self.imported[0]} and ‹images› {self.images}: devices measure on the test split, which "
                "other images take the place of; leave one of both out."
            )
        if self.data is not None and (self.images is None or not self.images.is_file()):
            raise HemotkError(
                f"‹data› {self.data}: says where the images of a split file are; give that with ‹images›, or leave "
                "‹data› out."
            )

        if self.by and self.images is None:
            raise HemotkError(
                f"by {', '.join(self.by)}: names columns of a table of labels, which a bundle's test split does not "
                "keep: ‹by› needs ‹images› with a folder or a split file."
            )

    def pictures(self) -> Path:
        """The folder or split file that `images` names.

        Raises:
            ValueError: there is none.
        """
        if self.images is None:
            raise ValueError("the bundles' own test split is benched")
        return self.images


def read_cards(subject: Subject) -> None:
    """Read every bundle's card, nothing else opened.

    Raises:
        HemotkError: there is no readable bundle card.
    """
    for path in subject.bundles:
        if not is_given(path):
            bundle_card(path)


def open_all(subject: Subject) -> tuple[StoredBundle, ...]:
    """Open every bundle, checksums first, each under a name of its own.

    Raises:
        HemotkError: a bundle is not what was recorded, or the test splits are not of the same images.
    """
    opened = _named([_open(path, subject) for path in subject.bundles])
    for other in opened[1:]:
        _check_same_images(opened[0], other)
    return opened


def _open(path: Path, subject: Subject) -> StoredBundle:
    if is_given(path):
        return open_given(path, subject.asked)
    return open_with_testset(path) if subject.images is None else StoredBundle.open(path)


def _named(bundles: Sequence[StoredBundle]) -> tuple[StoredBundle, ...]:
    """Call bundles of the same name by their paths."""
    counts = Counter(bundle.name for bundle in bundles)
    return tuple(
        bundle if counts[bundle.name] == 1 else dataclasses.replace(bundle, name=bundle.where.as_posix())
        for bundle in bundles
    )


def _check_same_images(first: StoredBundle, other: StoredBundle) -> None:
    """Pixels may differ between bundles of other pixel contracts; images and labels may not."""
    ours, theirs = ([(item.id, item.label) for item in bundle.items] for bundle in (first, other))
    if ours != theirs:
        raise HemotkError(
            f"{other.folder}: its test split shares {len(set(ours) & set(theirs))} of {len(theirs)} images with that "
            f"of {first.folder} ({len(ours)} images), so their scores cannot be paired; export both from the same "
            "split, or bench both on one folder with ‹images›."
        )
    same_contract = first.card.preprocess == other.card.preprocess
    if same_contract and first.items and sha256_file(first.images) != sha256_file(other.images):
        raise HemotkError(
            f"{other.folder}: its test split has other pixels under the same names than that of {first.folder}, so "
            "their scores cannot be paired; export both from the same image folder."
        )
