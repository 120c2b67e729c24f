"""Whether bundles were trained on the images of another split, or of a folder, that they are benched on."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from hemotk.artifacts import BundleCard, SplitManifest
from hemotk.benchmarks.folder import FoundPictures
from hemotk.benchmarks.testset import OpenBundle
from hemotk.errors import HemotkError
from hemotk.files import sha256_file


def check_unseen(split: SplitManifest, source: Path, bundles: Sequence[OpenBundle]) -> str:
    """Say of which split, read from `source`, the test part is benched, and whether its images are new to `bundles`.

    A bundle records the checksum of its own split, and the images that it was calibrated on. Those are of its training
    part, the rest of which it does not record.

    Raises:
        HemotkError: a bundle was calibrated on images of this test part, so that its training part was another one.
    """
    for bundle in bundles:
        seen = _calibrated(split, bundle.card)
        if seen:
            raise HemotkError(
                f"{source}: {bundle.folder} was trained and calibrated on {seen} of the images of its test part, so "
                "that its figures would flatter; bench it on the test part of its own split, or on other images."
            )
    sha256 = split.sha256()
    others = [bundle.name for bundle in bundles if bundle.card.parents.get("split") != sha256]
    said = f"the images are the test part of {source}"
    if not others:
        return said
    return (
        f"{said}, which is not the split that {', '.join(others)} {'was' if len(others) == 1 else 'were'} trained by: "
        "a bundle does not record all the images of its training, and if these are among them the figures flatter"
    )


def note_seen(found: FoundPictures, bundles: Sequence[OpenBundle]) -> str:
    """Say how many pictures of a folder each of `bundles` was calibrated on; empty if none.

    Only files of equal names are compared, by checksum; what cannot be read is left to scoring.
    """
    counts = {bundle.name: _calibrated_below(found, bundle.card) for bundle in bundles}
    return "; ".join(
        f"{count} of these images {'is' if count == 1 else 'are'} among those that {name} was calibrated on, which are "
        "of its training part: figures on them flatter"
        for name, count in counts.items()
        if count
    )


def _calibrated_below(found: FoundPictures, card: BundleCard) -> int:
    checksums = {item.sha256 for item in card.calibration}
    names = {PurePosixPath(item.path).name for item in card.calibration}
    seen = 0
    for image in found.images:
        if PurePosixPath(image.id).name in names:
            with suppress(HemotkError):
                seen += sha256_file(found.folder / image.id) in checksums
    return seen


def _calibrated(split: SplitManifest, card: BundleCard) -> int:
    """How many images of the test part `card` was calibrated on; without checksums, only files of equal names count."""
    checksums = {item.sha256 for item in card.calibration}
    names = {PurePosixPath(item.path).name for item in card.calibration}
    seen = 0
    for item in split.part("test"):
        found = item.sha256
        if found is None and PurePosixPath(item.path).name in names:
            found = sha256_file(split.root() / item.path)
        seen += found in checksums
    return seen
