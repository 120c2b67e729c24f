"""The audit of an image folder: what is in it, what is in it twice, and what gives the label away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from PIL import Image

from hemotk.artifacts.audit import AuditPair, AuditReport, Unreadable
from hemotk.data.duplicates import Pair, near_duplicates
from hemotk.data.duplicates_groups import link
from hemotk.data.duplicates_view import View, view
from hemotk.data.grouping import Fingerprint, Progress, fingerprint, same, united
from hemotk.data.preprocess import load_with_colours
from hemotk.data.scan import FoundFolder, FoundImage
from hemotk.data.shortcuts import PERMUTATIONS, run_probes
from hemotk.data.shortcuts_features import Features, file_features
from hemotk.errors import HemotkError


@dataclass(frozen=True)
class _Looked:
    image: FoundImage
    bytes: int
    size: tuple[int, int]
    kind: str
    prints: Fingerprint
    view: View
    features: Features


def audit(found: FoundFolder, progress: Progress | None = None, permutations: int = PERMUTATIONS) -> AuditReport:
    """Look at every labelled image of a scanned folder; unreadable files are listed, not refused.

    Raises:
        HemotkError: not one image can be read, or there are too many to compare each with every other.
    """
    looked, unreadable = _look_at_all(found, progress)
    if not looked:
        raise HemotkError(f"{found.folder}: not one image can be read; the first: {unreadable[0].why}.")
    duplicates = _find_duplicates(looked)
    by_patient = same([one.image.patient for one in looked])
    alike, _ = link(duplicates.near, united(len(looked), duplicates.equal))
    units, _ = link(duplicates.near, united(len(looked), [*duplicates.equal, *by_patient]))
    positives = sum(one.image.label for one in looked)
    sizes = sorted((one.size for one in looked), key=lambda size: (size[0] * size[1], size))
    return AuditReport(
        created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        folder=found.folder.resolve().as_posix(),
        classes=found.classes,
        counts=(len(looked) - positives, positives),
        unlabelled=found.unlabelled,
        patients=len({one.image.patient for one in looked} - {None}) or None,
        bytes=sum(one.bytes for one in looked),
        kinds=dict(Counter(one.kind for one in looked).most_common()),
        sizes=(sizes[0], sizes[len(sizes) // 2], sizes[-1]),
        unreadable=tuple(unreadable),
        pairs=tuple(_pairs(looked, duplicates)),
        groups=_groups(looked, alike),
        probes=run_probes(
            [one.features for one in looked],
            [one.image.label for one in looked],
            [str(unit) for unit in units],
            permutations,
        ),
    )


def _look_at_all(found: FoundFolder, progress: Progress | None) -> tuple[list[_Looked], list[Unreadable]]:
    def look(image: FoundImage) -> _Looked | Unreadable:
        try:
            return _look(found.folder, image)
        except HemotkError as error:
            return Unreadable(image.path, str(error).removeprefix(f"{found.folder / image.path}: ").rstrip("."))

    looked, unreadable = [], []
    with ThreadPoolExecutor(4) as pool:
        for done, one in enumerate(pool.map(look, found.images), 1):
            if isinstance(one, _Looked):
                looked.append(one)
            else:
                unreadable.append(one)
            if progress:
                progress(done, len(found.images))
    return looked, unreadable


def _look(folder: Path, image: FoundImage) -> _Looked:
    path = folder / image.path
    gray, colours = load_with_colours(path)
    size = path.stat().st_size
    features = file_features(size, gray, colours)
    height, width = gray.shape
    return _Looked(image, size, (width, height), _kind(path), fingerprint(path, gray), view(gray), features)


def _kind(path: Path) -> str:
    """Format and mode, such as 'PNG RGB'; what Pillow does not open is DICOM."""
    try:
        with Image.open(path) as picture:
            return f"{picture.format} {picture.mode}"
    except OSError:
        return "DICOM"


@dataclass(frozen=True)
class _Duplicates:
    equal: list[list[int]]
    near: list[Pair]


def _find_duplicates(looked: Sequence[_Looked]) -> _Duplicates:
    """Sets of equal pictures, and the near duplicates among the first of each, strongest first."""
    equal = same([one.prints.pixels for one in looked])
    copies = {place for members in equal for place in members[1:]}
    single = [place for place in range(len(looked)) if place not in copies]
    near = [
        replace(pair, first=single[pair.first], second=single[pair.second])
        for pair in near_duplicates([looked[place].view for place in single])
    ]
    return _Duplicates(equal, sorted(near, key=lambda pair: (-pair.similarity, pair.first, pair.second)))


def _pairs(looked: Sequence[_Looked], found: _Duplicates) -> Iterator[AuditPair]:
    for members in found.equal:
        for other in members[1:]:
            yield _pair("exact", looked[members[0]].image, looked[other].image, 1.0, False)
    for pair in found.near:
        yield _pair("near", looked[pair.first].image, looked[pair.second].image, pair.similarity, pair.mirrored)


def _pair(
    kind: Literal["exact", "near"], first: FoundImage, second: FoundImage, similarity: float, mirrored: bool
) -> AuditPair:
    known = first.patient is not None and second.patient is not None
    return AuditPair(
        first.path,
        second.path,
        kind,
        round(similarity, 4),
        mirrored,
        same_label=first.label == second.label,
        same_patient=first.patient == second.patient if known else None,
    )


def _groups(looked: Sequence[_Looked], home: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Paths of each group of several, largest group first."""
    sets = same([str(group) for group in home])
    return tuple(
        tuple(looked[place].image.path for place in members) for members in sorted(sets, key=lambda m: -len(m))
    )
