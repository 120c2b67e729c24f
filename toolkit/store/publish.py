"""Publishing runs, bundles and test sets: whole folders, or nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hemotk.artifacts import (
    BUNDLE_CARD,
    LEARNED_FILE,
    RUN_CARD,
    SHAPE_FILE,
    SPLIT_FILE,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    WEIGHTS_FILE,
    BundleCard,
    Learned,
    RunCard,
    SplitManifest,
    TestSetCard,
)
from hemotk.files import new_folder, new_folders, sha256_file
from hemotk.models.shape import Shape
from hemotk.models.weights import Weights, write_weights
from hemotk.store.finished import announce

# Checksum of each file by its name.
Checksums = Mapping[str, str]


@dataclass(frozen=True)
class RunContent:
    """The contents of every run folder besides its card; `learned` is what the network had learned from before."""

    shape: Shape
    weights: Weights
    split: SplitManifest
    learned: Learned | None = None


def publish_run(
    out: Path,
    content: RunContent,
    card: Callable[[Checksums], RunCard],
    *,
    overwrite: bool = False,
    extra: Callable[[Path], Iterable[str]] = lambda folder: (),
    partial: Path | None = None,
) -> RunCard:
    """Write the run folder `out`; `card` makes its card from the checksums of its files.

    `extra` writes further files into the folder and names those that the card has a checksum of. `partial` is the
    locked folder of the unfinished work, which is of no use afterwards.

    Raises:
        HemotkError: `out` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(out, overwrite=overwrite) as folder:
        content.shape.write(folder / SHAPE_FILE)
        write_weights(folder / WEIGHTS_FILE, content.weights)
        content.split.write(folder / SPLIT_FILE)
        names = [SHAPE_FILE, WEIGHTS_FILE, SPLIT_FILE]
        if content.learned is not None:
            content.learned.write(folder / LEARNED_FILE)
            names.append(LEARNED_FILE)
        names += extra(folder)
        made = card({name: sha256_file(folder / name) for name in names})
        made.write(folder / RUN_CARD)
        if partial is not None:
            announce(partial, folder / RUN_CARD)
    return made


def beside_bundle(bundle: Path) -> Path:
    """The folder of a bundle's test set."""
    return bundle.with_name(bundle.name + TESTSET_SUFFIX)


def publish_testset(
    out: Path, images: Callable[[Path], None], card: Callable[[str], TestSetCard], *, overwrite: bool = False
) -> TestSetCard:
    """Write the test set folder `out`: `images` writes the array file, `card` makes the card from its checksum.

    Raises:
        HemotkError: `out` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(out, overwrite=overwrite) as folder:
        images(folder / TESTSET_IMAGES)
        made = card(sha256_file(folder / TESTSET_IMAGES))
        made.write(folder / TESTSET_CARD)
    return made


def publish_export(
    out: Path,
    testset: Callable[[Path], TestSetCard],
    fill: Callable[[Path], None],
    card: Callable[[Checksums, TestSetCard], BundleCard],
    *,
    overwrite: bool = False,
) -> BundleCard:
    """Write the bundle folder `out` and the test set beside it, both or none; the test set appears first.

    `testset` fills the folder of the test set and gives its card, `fill` and `card` are as for `publish_bundle`.

    Raises:
        HemotkError: one of the two exists and `overwrite` is false, or they cannot be written.
    """
    with new_folders(beside_bundle(out), out, overwrite=overwrite) as (beside, folder):
        content = testset(beside)
        content.write(beside / TESTSET_CARD)
        fill(folder)
        made = card(_checksums(folder), content)
        made.write(folder / BUNDLE_CARD)
    return made


def publish_bundle(
    out: Path, fill: Callable[[Path], None], card: Callable[[Checksums], BundleCard], *, overwrite: bool = False
) -> BundleCard:
    """Write the bundle folder `out`: `fill` writes its files, `card` makes its card from their checksums.

    Raises:
        HemotkError: `out` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(out, overwrite=overwrite) as folder:
        fill(folder)
        made = card(_checksums(folder))
        made.write(folder / BUNDLE_CARD)
    return made


def _checksums(folder: Path) -> Checksums:
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir())}
