"""Folds for cross-validation: every group is tested once, and no group is ever in two parts."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from hemotk.artifacts import Part, SplitItem, SplitManifest
from hemotk.data.scan.folder import FoundFolder
from hemotk.data.split.dealing import Counts, deal
from hemotk.data.split.grouping import class_counts, group_images, without_blank
from hemotk.data.split.make import SplitConfig, check_parts, large_groups, manifest
from hemotk.errors import HemotkError
from hemotk.files import new_folder
from hemotk.progress import Tell, silent


def make_folds(scanned: FoundFolder, config: SplitConfig, folds: int, tell: Tell = silent) -> tuple[SplitManifest, ...]:
    """Divide a scanned folder into `folds` stratified folds of whole groups.

    Manifest k has fold k as its test part; its validation part is `config.validation` of the rest, by groups, and the
    rest of that trains. `config.test` plays no role: the manifests say 1 / `folds`.

    Raises:
        HemotkError: as `group_images`; fewer than two folds; more folds than a class has groups; too few groups for
            three parts.
    """
    config = replace(config, test=_share(folds))
    scanned, grouped = without_blank(scanned, group_images(scanned, config.grouping, tell))
    counts = class_counts([image.label for image in scanned.images], grouped.groups)
    parts = _fold_parts(scanned.folder.as_posix(), scanned.classes, counts, folds, config)
    first = next(parts)
    split = replace(manifest(scanned, grouped, config, first), fold=1, folds=folds)
    # Every group is tested once, so each is held against one fold's share.
    large = large_groups(grouped, config, dict.fromkeys(counts, "test"))
    split = replace(split, reading=(*(split.reading or ()), *large) or None)
    return split, *(replace(split, fold=fold, items=_dealt(split.items, one)) for fold, one in enumerate(parts, 2))


def refold(split: SplitManifest, folds: int) -> tuple[SplitManifest, ...]:
    """The folds of all images of `split`, by its groups, validation share and seed; no picture is read.

    Raises:
        HemotkError: as `make_folds`.
    """
    config = SplitConfig(_share(folds), split.validation, split.seed, split.grouping)
    counts = class_counts([item.label for item in split.items], [item.group for item in split.items])
    parts = _fold_parts(split.folder, split.classes, counts, folds, config)
    return tuple(
        replace(split, test=config.test, fold=fold, folds=folds, items=_dealt(split.items, one))
        for fold, one in enumerate(parts, 1)
    )


def write_folds(folder: Path, manifests: tuple[SplitManifest, ...], *, overwrite: bool = False) -> None:
    """Write the new folder `folder` with `fold1.json` and so on, whole or not at all.

    Raises:
        HemotkError: `folder` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as aside:
        for split in manifests:
            split.write(aside / f"fold{split.fold}.json")


def read_folds(folder: Path) -> tuple[SplitManifest, ...]:
    """The manifests that `write_folds` wrote, fold 1 first.

    Raises:
        HemotkError: no folder, no folds in it, one is missing or cannot be read, or they are not of one set: another
            folder, other images or groups, or an image that is not in exactly one test part.
    """
    first = SplitManifest.read(folder / "fold1.json")
    if first.folds is None:
        raise HemotkError(f"{folder / 'fold1.json'}: is no fold; make folds with `hemotk data split --folds`.")
    manifests = []
    tested: set[str] = set()
    for number in range(1, first.folds + 1):
        path = folder / f"fold{number}.json"
        split = first if number == 1 else SplitManifest.read(path)
        here = {item.path for item in split.part("test")}
        fits = (split.fold, split.folds) == (number, first.folds) and _same_images(split, first)
        if not fits or tested & here:
            raise HemotkError(f"{path}: belongs to other folds than fold1.json; make the folds again.")
        tested |= here
        manifests.append(_sharing(split, first))
    if len(tested) != len(first.items):
        raise HemotkError(f"{folder}: {len(first.items) - len(tested)} images are in no fold; make the folds again.")
    return tuple(manifests)


def _same_images(one: SplitManifest, other: SplitManifest) -> bool:
    alike = (one.folder, one.classes, one.grouping) == (other.folder, other.classes, other.grouping)
    return alike and len(one.items) == len(other.items) and all(map(_same_image, one.items, other.items))


def _same_image(one: SplitItem, other: SplitItem) -> bool:
    return (one.path, one.sha256, one.label, one.group) == (other.path, other.sha256, other.label, other.group)


def _sharing(split: SplitManifest, first: SplitManifest) -> SplitManifest:
    """`split`, with what its items and those of `first` have in common kept once."""
    pairs = zip(first.items, split.items, strict=True)
    return replace(split, items=tuple(_with_part(one, other.part) for one, other in pairs))


def _share(folds: int) -> float:
    if folds < 2:
        raise HemotkError(f"‹folds› {folds}: must be 2 or more.")
    return 1 / folds


def _dealt(items: tuple[SplitItem, ...], parts: Mapping[str, Part]) -> tuple[SplitItem, ...]:
    return tuple(_with_part(item, parts[item.group]) for item in items)


def _with_part(item: SplitItem, part: Part) -> SplitItem:
    """`item` in `part`; itself where it is there, since there may be a million in each of several folds."""
    return item if item.part == part else replace(item, part=part)


def _fold_parts(
    where: str, classes: tuple[str, str], counts: Counts, folds: int, config: SplitConfig
) -> Iterator[dict[str, Part]]:
    """The part of each group in each fold."""
    _check_groups(where, classes, counts, folds)
    totals = np.sum([counts[name] for name in sorted(counts)], axis=0)
    tests = deal(counts, np.tile(totals / folds, (folds, 1)), config.seed)
    for fold in range(folds):
        rest = {name: count for name, count in counts.items() if tests[name] != fold}
        totals = np.sum([rest[name] for name in sorted(rest)], axis=0)
        validation = np.maximum(np.rint(config.validation * totals), 1)
        dealt = deal(rest, np.stack([totals - validation, validation]), config.seed)
        parts: dict[str, Part] = dict.fromkeys(counts, "test")
        parts.update({name: "validation" if part else "train" for name, part in dealt.items()})
        check_parts(where, classes, counts, parts)
        yield parts


def _check_groups(where: str, classes: tuple[str, str], counts: Counts, folds: int) -> None:
    least = max(folds, 4) if folds == 2 else folds  # what one fold leaves must fill training and validation
    for label, word in enumerate(classes):
        groups = sum(count[label] > 0 for count in counts.values())
        if groups < least:
            raise HemotkError(
                f"{where}: class '{word}' has {groups} independent group{'' if groups == 1 else 's'}, ‹folds› {folds} "
                f"needs {least}; choose fewer folds, or add images of other patients."
            )
