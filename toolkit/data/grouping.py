"""Which images of a folder belong together and why, so that a split never parts them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hemotk.artifacts import REASONS, Grouping, Reason
from hemotk.data.preprocess import load_gray
from hemotk.data.scan import LABELS_CSV, FoundFolder, FoundImage
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes, sha256_file

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fingerprint:
    """SHA-256 of an image's file and of its decoded gray pixels with their shape."""

    file: str
    pixels: str


@dataclass(frozen=True)
class Grouped:
    """Fingerprint and group name of each image of a folder, in its order, and what joined each group of several."""

    prints: tuple[Fingerprint, ...]
    groups: tuple[str, ...]
    reasons: dict[str, tuple[Reason, ...]]


def group_images(found: FoundFolder, grouping: Grouping, progress: Progress | None = None) -> Grouped:
    """Join what must not be parted: copies of one picture, images of one patient ('patient', 'auto').

    Every file is decoded once, so an unreadable one is found here and not in the middle of a training.

    Raises:
        HemotkError: an unreadable image, equal pictures with different labels, or `grouping` is 'patient' and no
            patients are known.
    """
    if grouping == "patient" and not any(image.patient for image in found.images):
        raise HemotkError(
            f"{found.folder}: --groups patient needs a column 'patient' in {LABELS_CSV}; add it, or use --groups auto."
        )
    prints = _fingerprints(found, progress)
    _check_labels(found, prints)
    joins: list[tuple[Reason, Iterable[list[int]]]] = [("exact", _same([one.pixels for one in prints]))]
    if grouping != "none":
        joins.append(("patient", _same([image.patient for image in found.images])))
    return _grouped(found.images, prints, joins, named=grouping != "none")


def class_counts(labels: Sequence[int], groups: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Group name → how many of its images have label 0, and label 1."""
    counts: dict[str, tuple[int, int]] = {}
    for label, group in zip(labels, groups, strict=True):
        normal, hemorrhage = counts.get(group, (0, 0))
        counts[group] = (normal + 1 - label, hemorrhage + label)
    return counts


def _grouped(
    images: Sequence[FoundImage],
    prints: Sequence[Fingerprint],
    joins: Sequence[tuple[Reason, Iterable[list[int]]]],
    named: bool,
) -> Grouped:
    parent = list(range(len(images)))
    seen: list[tuple[Reason, int]] = []
    for reason, sets in joins:
        for members in sets:
            seen.append((reason, members[0]))
            for member in members[1:]:
                parent[_root(parent, member)] = _root(parent, members[0])
    roots = [_root(parent, index) for index in range(len(parent))]
    names = _names(images, roots, named)
    found: dict[str, set[Reason]] = {}
    for reason, member in seen:
        found.setdefault(names[member], set()).add(reason)
    reasons = {name: tuple(reason for reason in REASONS if reason in why) for name, why in found.items()}
    return Grouped(tuple(prints), tuple(names), reasons)


def _names(images: Sequence[FoundImage], roots: Sequence[int], named: bool) -> list[str]:
    """Each group is called after its first patient where `named`, else after its first image."""
    names: dict[int, str] = {}
    for index, root in enumerate(roots):
        patient = images[index].patient if named else None
        if root not in names or (patient and names[root].startswith("i")):
            names[root] = f"p{patient}" if patient else f"i{index:05d}"
    return [names[root] for root in roots]


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


def _same(keys: Sequence[str | None]) -> list[list[int]]:
    """The places of each key that stands there more than once."""
    places: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        if key is not None:
            places.setdefault(key, []).append(index)
    return [members for members in places.values() if len(members) > 1]


def _fingerprints(found: FoundFolder, progress: Progress | None) -> list[Fingerprint]:
    def look(image: FoundImage) -> Fingerprint:
        path = found.folder / image.path
        gray = load_gray(path)
        return Fingerprint(sha256_file(path), sha256_bytes(repr(gray.shape).encode() + gray.tobytes()))

    result = []
    with ThreadPoolExecutor(4) as pool:
        for done, fingerprint in enumerate(pool.map(look, found.images), 1):
            result.append(fingerprint)
            if progress:
                progress(done, len(found.images))
    return result


def _check_labels(found: FoundFolder, prints: Sequence[Fingerprint]) -> None:
    for members in _same([one.pixels for one in prints]):
        first = found.images[members[0]]
        for image in (found.images[index] for index in members[1:]):
            if image.label != first.label:
                raise HemotkError(
                    f"{found.folder / image.path}: shows the same picture as {first.path}, with another label; correct "
                    "or remove one of them."
                )
