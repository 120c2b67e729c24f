"""One split out of several, such as those of two hospitals, in which every image keeps its part."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from hemotk.artifacts import Grouping, SplitGroup, SplitItem, SplitManifest
from hemotk.errors import FieldError, HemotkError

# One set with so large a share of a class swamps the others.
SWAMPED = 0.9

# A merged split claims no more than the least of its sources.
_FROM_LEAST: tuple[Grouping, ...] = ("none", "patient", "auto")


def merge_splits(splits: Sequence[SplitManifest]) -> SplitManifest:
    """All images of `splits` under the folder that theirs have in common; groups are told apart by their folder.

    A file that two of them have is refused. Pictures are not looked at; see `without_copies` for near duplicates.

    Raises:
        HemotkError: fewer than two splits, one folder twice, other class names, a fold, checksums in some only, folders
            that have none in common, or a file that two splits have.
    """
    _check_mergeable(splits)
    _check_once(splits)
    folder = _common([split.folder for split in splits])
    items = tuple(item for split in splits for item in _items(split, _below(folder, split)))
    groups = tuple(group for split in splits for group in _groups(split, _below(folder, split)))
    tests = sum(item.part == "test" for item in items)
    validations = sum(item.part == "validation" for item in items)
    try:
        return SplitManifest(
            created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
            folder=folder,
            classes=splits[0].classes,
            seed=splits[0].seed,
            test=tests / len(items),
            validation=validations / (len(items) - tests),
            grouping=min((split.grouping for split in splits), key=_FROM_LEAST.index),
            items=items,
            groups=groups,
            hu_offset=splits[0].hu_offset,
        )
    except FieldError as error:
        raise HemotkError(f"{folder}: {error}; split one of the folders anew without that file.") from error


def _check_mergeable(splits: Sequence[SplitManifest]) -> None:
    if len(splits) < 2:
        raise HemotkError("SPLIT: one is no merger; name two or more split files.")
    folders = [split.folder for split in splits]
    for index, split in enumerate(splits):
        if split.folder in folders[:index]:
            raise HemotkError(f"{split.folder}: two of the splits are of this folder; name it once.")
        if split.fold is not None:
            raise HemotkError(f"{split.folder}: its split is one of {split.folds} folds; merge whole splits.")
        if split.classes != splits[0].classes:
            raise HemotkError(
                f"{split.folder}: its classes are {' and '.join(split.classes)}, those of {folders[0]} are "
                f"{' and '.join(splits[0].classes)}; split it anew with ‹classes›."
            )
        if split.hu_offset != splits[0].hu_offset:
            raise HemotkError(
                f"{split.folder}: its 16-bit pictures are read with another offset of Hounsfield units than those of "
                f"{folders[0]}; save the pictures of both alike."
            )
        if split.checked != splits[0].checked:
            raise HemotkError(
                f"{split.folder}: its images have {'' if split.checked else 'no '}checksums, other than those of "
                f"{folders[0]}, so that equal files would not be found; merge splits that all have them, or none."
            )


def _check_once(splits: Sequence[SplitManifest]) -> None:
    """One file in two splits would count twice, with the label of each, and be of two groups."""
    first: dict[str, tuple[SplitManifest, int]] = {}
    twice: list[str] = []
    contradicting = 0
    for split in splits:
        for item in split.items:
            if item.sha256 is None:
                continue
            other, label = first.setdefault(item.sha256, (split, item.label))
            if other is not split:
                twice.append(f"{split.root() / item.path}: the same file lies in {other.folder}")
                contradicting += label != item.label
    if twice:
        raise HemotkError(
            f"{twice[0]} (files in two folders: {len(twice)}, of them with two labels: {contradicting}); split one of "
            "the folders anew without what both have."
        )


def swamped(merged: SplitManifest) -> str | None:
    """A sentence where one of the merged sets gives nearly all training images with or without hemorrhage."""
    for label, name in enumerate(merged.classes):
        sets = Counter(item.set for item in merged.part("train") if item.label == label)
        (largest, count), total = sets.most_common(1)[0], sets.total()
        if len(sets) > 1 and count >= SWAMPED * total:
            return (
                f"{largest} gives {count / total:.0%} of the training images of class {name}, so a training hardly "
                "sees the other sets; `--draw balanced` shows each set alike."
            )
    return None


def _common(folders: Sequence[str]) -> str:
    try:
        return Path(os.path.commonpath(folders)).as_posix()
    except ValueError as error:  # a relative one, or another drive
        raise HemotkError(
            f"{folders[0]}: has no folder in common with {' and '.join(folders[1:])}; split them anew on one drive."
        ) from error


def _below(folder: str, split: SplitManifest) -> str:
    return Path(split.folder).relative_to(folder).as_posix()


def _items(split: SplitManifest, below: str) -> Iterator[SplitItem]:
    for item in split.items:
        yield replace(item, path=(Path(below) / item.path).as_posix(), group=_name(item.group, below))


def _groups(split: SplitManifest, below: str) -> Iterator[SplitGroup]:
    for group in split.groups:
        yield replace(group, name=_name(group.name, below))


def _name(group: str, below: str) -> str:
    return f"{group}@{below}"
