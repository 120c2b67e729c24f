"""Check that bundles were not trained on the images, of another split or a folder, that they are benched on."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.store.bundle import StoredBundle

if TYPE_CHECKING:
    from hemotk.benchmarks.measure.pictures import FoundPictures


def check_unseen(pictures: "FoundPictures", source: Path, bundles: Sequence[StoredBundle]) -> str:
    """Say of which split, read from `source`, `pictures` is the test part, and whether its images are new to `bundles`.

    A bundle records the checksum of its own split, and the images that it was calibrated on. Those are of its training
    part, the rest of which it does not record.

    Raises:
        HemotkError: a bundle was calibrated on images of this test part, so that its training part was another one.
    """
    for bundle, seen in zip(bundles, _calibrated(pictures, bundles), strict=True):
        if seen:
            raise HemotkError(
                f"{source}: {bundle.folder} was trained and calibrated on {seen} of the images of its test part, so "
                "that its figures would flatter; bench it on the test part of its own split, or on other images."
            )
    others = [bundle.name for bundle in bundles if bundle.card.parents.get("split") != pictures.split_sha256]
    said = f"the images are the test part of {source}"
    if not others:
        return said
    return (
        f"{said}, which is not the split that {', '.join(others)} {'was' if len(others) == 1 else 'were'} trained by: "
        "a bundle does not record all the images of its training, and if these are among them the figures flatter"
    )


def note_seen(pictures: "FoundPictures", bundles: Sequence[StoredBundle]) -> str:
    """Say how many pictures of a folder each of `bundles` was calibrated on; empty if none.

    Files are compared by checksum, not by name; scoring reports those that cannot be read.
    """
    return "; ".join(
        f"{count} of these images {'is' if count == 1 else 'are'} among those that {bundle.name} was calibrated on, "
        "which are of its training part: figures on them flatter"
        for bundle, count in zip(bundles, _calibrated(pictures, bundles), strict=True)
        if count
    )


def _calibrated(pictures: "FoundPictures", bundles: Sequence[StoredBundle]) -> list[int]:
    """The number of pictures that each of `bundles` was calibrated on."""
    known = [frozenset(bundle.card.calibrated_on.sha256) for bundle in bundles]
    if not any(known):
        return [0] * len(bundles)
    checksums = _checksums(pictures)
    return [sum(sha256 in seen for sha256 in checksums) for seen in known]


def _checksums(pictures: "FoundPictures") -> list[str]:
    """The checksum of each picture's file, recorded or computed; without those that cannot be read."""
    recorded = {} if pictures.split is None else {item.path: item.sha256 for item in pictures.split.part("test")}
    checksums = []
    for image in pictures.images:
        sha256 = recorded.get(image.id)
        with suppress(HemotkError):
            checksums.append(sha256_file(pictures.folder / image.id) if sha256 is None else sha256)
    return checksums
