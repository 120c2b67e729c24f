"""Group the images of a folder that belong together, so that a split never parts them, and keep the reasons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from hemotk.artifacts import REASONS, Grouping, Reason
from hemotk.data.duplicates.blank import is_blank
from hemotk.data.duplicates.find import Compare, Pair, near_duplicates
from hemotk.data.duplicates.gather import link
from hemotk.data.duplicates.view import View, view
from hemotk.data.read.preprocess import load_gray
from hemotk.data.scan.folder import LABELS_CSV, FoundFolder, FoundImage
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.scan.patients import numbered
from hemotk.data.scan.rsna_patients import read_patients
from hemotk.data.split.look import look_at_all
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes, sha256_file
from hemotk.progress import Tell, silent


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 of an image's file and of its decoded gray pixels with their shape."""

    file: str
    pixels: str


class SeenImage(Protocol):
    """One picture as somebody has looked at it before."""

    @property
    def prints(self) -> Fingerprint:
        """Its fingerprint."""

    @property
    def view(self) -> View:
        """What it is compared by."""

    @property
    def blank(self) -> bool:
        """Whether it shows nothing."""


Seen = Mapping[str, SeenImage]


@dataclass(frozen=True)
class Grouped:
    """Fingerprint and group name of each image of a folder, in its order, and what joined each group of several.

    Fingerprints are None where the folder is unread. `grouping` is what was done. `blank` are the places of slices that
    show nothing, `alike` the pairs of slices of different patients that look alike and were not joined for it.
    """

    prints: tuple[Fingerprint | None, ...]
    groups: tuple[str, ...]
    reasons: dict[str, tuple[Reason, ...]]
    grouping: Grouping
    blank: tuple[int, ...] = ()
    alike: tuple[Pair, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Observations on the pictures, a sentence each."""
        lines = []
        if self.blank:
            lines.append(
                f"left out   {len(self.blank):6} blank slices: of one gray value, or almost nothing in them lies "
                "inside the window"
            )
        if self.alike:
            lines.append(
                f"alike      {counted(len(self.alike), 'pair')} of pictures of different patients look alike; they are "
                "not joined, and `hemotk data audit` lists them"
            )
        return tuple(lines)


def without_blank(scanned: FoundFolder, grouped: Grouped) -> tuple[FoundFolder, Grouped]:
    """Both without blank slices: equal black files of several patients could not be told apart in a split.

    Raises:
        HemotkError: a class has no other slices.
    """
    blank = set(grouped.blank)
    if not blank:
        return scanned, grouped
    _check_not_all_blank(scanned, blank)
    kept = [place for place in range(len(scanned.images)) if place not in blank]
    groups = tuple(grouped.groups[place] for place in kept)
    sizes = Counter(groups)
    return replace(scanned, images=tuple(scanned.images[place] for place in kept)), replace(
        grouped,
        prints=tuple(grouped.prints[place] for place in kept),
        groups=groups,
        reasons={name: why for name, why in grouped.reasons.items() if sizes[name] > 1},
    )


def _check_not_all_blank(scanned: FoundFolder, blank: set[int]) -> None:
    for label, word in enumerate(scanned.classes):
        places = [place for place, image in enumerate(scanned.images) if image.label == label]
        if places and blank.issuperset(places):
            raise HemotkError(
                f"{scanned.folder.as_posix()}: all {counted(len(places), 'picture')} of class '{word}' are blank, such "
                f"as {scanned.images[places[0]].path}: of one gray value, black and white alone, or with almost "
                "nothing inside the window; save them in the gray levels of the head, and masks elsewhere."
            )


@dataclass(frozen=True)
class Before:
    """What an audit of the same folder has done already: the pictures `seen`, by path, and how it compared them."""

    seen: Seen = field(default_factory=dict)
    compare: Compare = near_duplicates


def group_images(
    scanned: FoundFolder, grouping: Grouping, tell: Tell = silent, before: Before | None = None
) -> Grouped:
    """Join what must not be parted: equal pictures; images of one patient unless 'none'; near duplicates in 'auto'.

    Two patients are joined by equal pictures alone, never by likeness. Blank slices are equal to nothing.

    Every file is decoded once, or was seen `before`: so an unreadable one is found here and not in the middle of a
    training. In an `unread` folder no picture is compared: patients are joined unless 'none'; where they are not known,
    headers are read.

    Raises:
        HemotkError: an unreadable image, equal pictures with different labels, or `grouping` is 'patient' and no
            patients are known.
    """
    if scanned.unread:
        return _group_unread(scanned, grouping, tell)
    if grouping == "patient" and not any(image.patient for image in scanned.images):
        raise HemotkError(
            f"{scanned.folder}: ‹groups› patient needs a column 'patient' in {LABELS_CSV}; add it, or use "
            "‹groups› auto."
        )
    before = before or Before()
    looked = _look_at_all(scanned, grouping == "auto", before.seen, tell)
    prints = [one.prints for one in looked]
    keys = [None if one.blank else one.prints.pixels for one in looked]
    _check_labels(scanned, keys)
    alike: tuple[Pair, ...] = ()
    joins: list[tuple[Reason, list[list[int]]]] = [("exact", same(keys))]
    if grouping != "none":
        joins.append(("patient", same([image.patient for image in scanned.images])))
    home = united(len(scanned.images), [members for _, sets in joins for members in sets])
    if grouping == "auto":
        pairs = before.compare([one.view for one in looked if one.view], tell)
        alike = _of_different_patients(scanned.images, pairs, home)
        home, used = link(pairs, home, [image.patient is not None for image in scanned.images])
        joins.append(("near", [[pair.first, pair.second] for pair in used]))
    names = _names(scanned.images, home, patients=grouping != "none")
    blank = tuple(place for place, one in enumerate(looked) if one.blank)
    return Grouped(tuple(prints), tuple(names), _reasons(names, joins), grouping, blank, alike)


def _of_different_patients(
    images: Sequence[FoundImage], pairs: Sequence[Pair], home: Sequence[int]
) -> tuple[Pair, ...]:
    """The pairs whose patients are both known and not already one group."""
    return tuple(
        pair
        for pair in pairs
        if home[pair.first] != home[pair.second]
        and images[pair.first].patient is not None
        and images[pair.second].patient is not None
    )


def _group_unread(scanned: FoundFolder, grouping: Grouping, tell: Tell) -> Grouped:
    nothing = (None,) * len(scanned.images)
    if grouping == "none":
        return Grouped(nothing, tuple(f"i{index:06d}" for index in range(len(nothing))), {}, grouping)
    patients = [image.patient for image in scanned.images]
    if None in patients:
        patients = list(read_patients(scanned, tell))
    groups = tuple(f"p{patient}" for patient in patients)
    sizes = Counter(groups)
    return Grouped(nothing, groups, {name: ("patient",) for name, size in sizes.items() if size > 1}, "patient")


def united(count: int, sets: Iterable[Sequence[int]]) -> list[int]:
    """A group number for each of `count` places, so that those of one set share it, and sets with a common member."""
    parent = list(range(count))
    for members in sets:
        for member in members[1:]:
            parent[_root(parent, member)] = _root(parent, members[0])
    return [_root(parent, place) for place in range(count)]


def same(keys: Sequence[str | None]) -> list[list[int]]:
    """The places of each key that stands there more than once; None is no key."""
    places: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        if key is not None:
            places.setdefault(key, []).append(index)
    return [members for members in places.values() if len(members) > 1]


def class_counts(labels: Sequence[int], groups: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Group name → how many of its images have label 0, and label 1."""
    counts: dict[str, tuple[int, int]] = {}
    for label, group in zip(labels, groups, strict=True):
        normal, hemorrhage = counts.get(group, (0, 0))
        counts[group] = (normal + 1 - label, hemorrhage + label)
    return counts


def fingerprint(path: Path, gray: np.ndarray) -> Fingerprint:
    """The fingerprint of the image file `path`, which decodes to `gray`."""
    return Fingerprint(sha256_file(path), sha256_bytes(repr(gray.shape).encode() + gray.tobytes()))


@dataclass(frozen=True)
class _GroupedImage:
    prints: Fingerprint
    view: View | None
    blank: bool


def _look_at_all(scanned: FoundFolder, views: bool, seen: Seen, tell: Tell) -> list[_GroupedImage]:
    paths = [image.path for image in scanned.images]
    if all(path in seen for path in paths):
        return [_GroupedImage(seen[path].prints, seen[path].view, seen[path].blank) for path in paths]

    def look(path: Path) -> _GroupedImage:
        gray = load_gray(path, hu_offset=scanned.hu_offset)
        return _GroupedImage(fingerprint(path, gray), view(gray) if views else None, is_blank(gray))

    return look_at_all(scanned.folder, paths, look, tell)


def _reasons(
    names: Sequence[str], joins: Sequence[tuple[Reason, Sequence[Sequence[int]]]]
) -> dict[str, tuple[Reason, ...]]:
    reasons: dict[str, set[Reason]] = {}
    for reason, sets in joins:
        for members in sets:
            reasons.setdefault(names[members[0]], set()).add(reason)
    return {name: tuple(reason for reason in REASONS if reason in why) for name, why in reasons.items()}


def _names(images: Sequence[FoundImage], home: Sequence[int], patients: bool) -> list[str]:
    """Each group is called after the number of its first patient where `patients`, else after its first image."""
    known = [image.patient for image in images if image.patient is not None]
    numbers = dict(zip(known, numbered(known), strict=True))
    names: dict[int, str] = {}
    for index, group in enumerate(home):
        patient = images[index].patient if patients else None
        if group not in names or (patient and names[group].startswith("i")):
            names[group] = f"p{numbers[patient]}" if patient else f"i{index:05d}"
    return [names[group] for group in home]


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


def _check_labels(scanned: FoundFolder, keys: Sequence[str | None]) -> None:
    odd = []
    for members in same(keys):
        first = scanned.images[members[0]]
        others = (scanned.images[index] for index in members[1:])
        odd += [(image.path, first.path) for image in others if image.label != first.label]
    if odd:
        (path, first_path), more = odd[0], ""
        if len(odd) > 1:
            more = f" ({len(odd)} such pairs: {listed([f'{one} and {other}' for one, other in odd])})"
        raise HemotkError(
            f"{scanned.folder / path}: shows the same picture as {first_path}, with another label; correct or remove "
            f"one of them{more}."
        )
