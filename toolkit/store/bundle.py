"""A bundle and the test split beside it, opened only after every checksum was found right."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import (
    BUNDLE_CARD,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    BundleCard,
    ForeignSpec,
    TestItem,
    TestSetCard,
    Variant,
)
from hemotk.errors import HemotkError
from hemotk.files import check_sha256
from hemotk.store.cards import bundle_card, card_of_testset

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class StoredBundle:
    """A bundle folder whose files are what its card says, and its test split.

    `name` is its name in a report, `sha256` the checksum of its card. `images` is the path of uint8 [n, size, size];
    row i is a picture of `items[i]`. Both are empty where the test split was not asked for. A bare .tflite (`is_file`)
    counts as a bundle of one model; `foreign` says how it is fed and read where hemotk did not export it.
    """

    name: str
    folder: Path
    card: BundleCard
    sha256: str
    items: tuple[TestItem, ...] = ()
    images: Path = Path()
    foreign: ForeignSpec | None = None
    is_file: bool = False

    @classmethod
    def open(cls, folder: str | Path) -> "Self":
        """Check every checksum of the bundle in `folder` and open it without its test split.

        Raises:
            HemotkError: a file is missing or is not the recorded one.
        """
        place = Path(folder)
        card = bundle_card(place)
        for file, sha256 in _recorded(place, card):
            check_sha256(file, sha256)
        return cls(card.name, place, card, card.sha256())

    def path(self, variant: Variant) -> Path:
        """The path of the .tflite of `variant`."""
        return self.folder / variant.file

    @property
    def where(self) -> Path:
        """The path that it was opened by."""
        return self.path(self.card.variants[0]) if self.is_file else self.folder


def open_with_testset(folder: Path) -> StoredBundle:
    """Check every checksum of the bundle in `folder` and of the test split beside it, then open both.

    Raises:
        HemotkError: a file is missing, is not the recorded one, or card and test split do not fit together.
    """
    bundle_card(folder)
    beside = folder.resolve()
    testset = beside.with_name(beside.name + TESTSET_SUFFIX)
    if not testset.is_dir():
        raise HemotkError(
            f"{testset}: no such folder: the test split that belongs to this bundle must lie beside it; copy it from "
            "where the bundle was made, or export again."
        )
    bundle = StoredBundle.open(folder)
    card = bundle.card
    check_sha256(testset / TESTSET_CARD, card.testset)
    content = card_of_testset(testset)
    images = testset / TESTSET_IMAGES
    check_sha256(images, content.images)
    _check_testset(content, card, testset)
    return dataclasses.replace(bundle, items=content.items, images=images)


def read_image(images: Path, row: int) -> NDArray[np.uint8]:
    """Row `row` of the array file `images`: uint8 [size, size].

    The file is mapped for this one row and let go, so that a process that reads many rows does not grow.

    Raises:
        HemotkError: the file is no array, or has no such row.
    """
    try:
        image: NDArray[np.uint8] = np.load(images, mmap_mode="r", allow_pickle=False)[row].copy()
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise HemotkError(f"{images}: has no image {row} that can be read; export the bundle again.") from error
    return image


def _recorded(folder: Path, card: BundleCard) -> Iterator[tuple[Path, str]]:
    """Every file of the bundle with its recorded SHA-256."""
    seen = {variant.file: variant.sha256 for variant in card.variants}
    for name, sha256 in {**card.files, **seen}.items():
        if card.files.get(name, sha256) != sha256:
            raise HemotkError(
                f"{folder / BUNDLE_CARD}: fields 'files' and 'variants' give different checksums for '{name}'; "
                "export the bundle again."
            )
        yield folder / name, sha256


def _check_testset(content: TestSetCard, card: BundleCard, testset: Path) -> None:
    if content.preprocess != card.preprocess:
        raise HemotkError(
            f"{testset / TESTSET_CARD}: field 'preprocess' is not that of the bundle; export the bundle again."
        )
    if any(item.label not in (0, 1) for item in content.items):
        raise HemotkError(f"{testset / TESTSET_CARD}: field 'items' has a label other than 0 or 1; export again.")
    images, size = testset / TESTSET_IMAGES, content.preprocess.size
    expected = (len(content.items), size, size)
    try:
        array = np.load(images, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise HemotkError(f"{images}: is no array of images; export the bundle again.") from error
    if array.dtype != np.uint8 or array.shape != expected:
        raise HemotkError(
            f"{images}: holds {array.dtype} {array.shape} where the card has uint8 {expected}; export again."
        )
