"""Pictures of one split that show what pictures of another folder show: the same slice, saved anew."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hemotk.artifacts import PARTS, SplitItem, SplitManifest
from hemotk.artifacts.split import COMPARED_BETWEEN
from hemotk.data.duplicates.blank import is_blank
from hemotk.data.duplicates.find import near_duplicates_between
from hemotk.data.duplicates.view import View, view
from hemotk.data.read.preprocess import load_gray
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.split.look import look_at_all
from hemotk.errors import HemotkError
from hemotk.progress import Tell, silent

MOST_PAIRS = 100_000_000  # some minutes on two cores


@dataclass(frozen=True)
class Viewed:
    """Images of a split that show something, with the views by which they are compared."""

    items: tuple[SplitItem, ...]
    views: tuple[View, ...]


def viewed(split: SplitManifest, items: Sequence[SplitItem], data: Path | None = None, tell: Tell = silent) -> Viewed:
    """The views of `items`, whose images lie in `data`, else where they lay when the split was made.

    Raises:
        HemotkError: images are missing or unreadable; all are named.
    """

    def look(path: Path) -> View | None:
        gray = load_gray(path, hu_offset=split.hu_offset)
        return None if is_blank(gray) else view(gray)

    looked = look_at_all(split.root(data), [item.path for item in items], look, tell)
    shown = [(item, one) for item, one in zip(items, looked, strict=True) if one is not None]
    return Viewed(tuple(item for item, _ in shown), tuple(one for _, one in shown))


def alike(first: Viewed, second: Viewed, tell: Tell = silent) -> Iterator[tuple[SplitItem, SplitItem]]:
    """The pairs of images of two folders that look like the same slice."""
    for one, two, _ in near_duplicates_between(first.views, second.views, tell):
        yield first.items[one], second.items[two]


def not_compared(
    first: SplitManifest, second: SplitManifest, count: int, other_count: int, data: Path | None = None
) -> str | None:
    """Why the pictures of two splits, so many of each, are not compared, as a sentence; None where they can be.

    `data` is where the images of `second` lie now.
    """
    for split, place in ((first, None), (second, data)):
        if not split.checked:
            return f"{split.folder} was split without reading its pictures, so none was compared with another folder's."
        if not split.root(place).is_dir():
            return f"{split.folder} is not here, so its pictures were not compared with another folder's."
    if count * other_count > MOST_PAIRS:
        return f"the pictures of {first.folder} and {second.folder} are too many to compare each with each."
    return None


def without_copies(
    splits: Sequence[SplitManifest], tell: Tell = silent
) -> tuple[tuple[SplitManifest, ...], tuple[str, ...]]:
    """The splits without images that look like one of another split in a later part, and what was left out, in words.

    A training image that looks like a test image of the other hospital is left out, and the test image stays.

    Raises:
        HemotkError: an image cannot be read.
    """
    lines: list[str] = []
    all_compared = True
    seen: dict[int, Viewed] = {}
    left: list[set[str]] = [set() for _ in splits]
    for second in range(len(splits)):
        for first in range(second):
            one, two = splits[first], splits[second]
            if (why := not_compared(one, two, len(one.items), len(two.items))) is not None:
                lines.append(why)
                all_compared = False
                continue
            for place in (first, second):
                if place not in seen:
                    seen[place] = viewed(splits[place], splits[place].items, tell=tell)
            pairs = [pair for pair in alike(seen[first], seen[second], tell) if pair[0].part != pair[1].part]
            for pair in pairs:
                early = min((0, 1), key=lambda which: PARTS.index(pair[which].part))
                left[(first, second)[early]].add(pair[early].path)
            if pairs:
                lines.append(_left_out(one, two, pairs))
    if all_compared:
        lines.append(COMPARED_BETWEEN)
    return tuple(_without(split, paths) for split, paths in zip(splits, left, strict=True)), tuple(dict.fromkeys(lines))


def _left_out(one: SplitManifest, two: SplitManifest, pairs: Sequence[tuple[SplitItem, SplitItem]]) -> str:
    shown = [f"{one.root() / a.path} and {two.root() / b.path}" for a, b in pairs]
    return (
        f"{counted(len(pairs), 'pair')} of images in different parts look like the same slice: {listed(shown, 3)}. "
        "Of each pair, the image in the earlier part was left out (training is before validation, that before test)."
    )


def _without(split: SplitManifest, paths: set[str]) -> SplitManifest:
    if not paths:
        return split
    items = tuple(item for item in split.items if item.path not in paths)
    before, after = ({(item.part, item.label) for item in each} for each in (split.items, items))
    if after != before:
        raise HemotkError(
            f"{split.folder}: all of its images of one class in one part look like images of the other folders in "
            "later parts; it seems to hold the same slices, so leave it out."
        )
    sizes = Counter(item.group for item in items)
    groups = tuple(replace(group, images=sizes[group.name]) for group in split.groups if sizes[group.name] > 1)
    return replace(split, items=items, groups=groups)
