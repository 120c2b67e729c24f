"""The audit of an image folder: what is in it, what is in it twice, and what gives the label away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from hemotk.artifacts.audit import FEW_GRAYS, AuditPair, AuditReport, Probe, Unreadable
from hemotk.data.audit.features import Features, file_features
from hemotk.data.audit.scan import AuditFolder, AuditImage, for_audit
from hemotk.data.audit.shortcuts import PERMUTATIONS, run_probes
from hemotk.data.duplicates.blank import is_blank
from hemotk.data.duplicates.find import Compare, Pair, near_duplicates
from hemotk.data.duplicates.gather import link
from hemotk.data.duplicates.view import View, view
from hemotk.data.read.nifti import is_volume
from hemotk.data.read.preprocess import load_with_colours
from hemotk.data.scan.folder import FoundFolder
from hemotk.data.split.grouping import Fingerprint, fingerprint, same, united
from hemotk.data.split.look import look_at_each
from hemotk.errors import HemotkError
from hemotk.files import file_of
from hemotk.progress import Tell, silent


@dataclass(frozen=True)
class AuditedImage:
    """One image as the audit looked at it."""

    image: AuditImage
    bytes: int
    size: tuple[int, int]
    kind: str
    prints: Fingerprint
    view: View
    features: Features
    grays: int
    blank: bool


def audit(found: FoundFolder | AuditFolder, tell: Tell = silent, permutations: int = PERMUTATIONS) -> AuditReport:
    """Look at every image of a scanned folder; unreadable files are listed, not refused.

    Images without a label are looked at as others are, but take no part in the probes.

    Raises:
        HemotkError: not one image can be read, or there are too many to compare each with every other.
    """
    if isinstance(found, FoundFolder):
        found = for_audit(found)
    return audit_looked(found, *look_through(found, tell), tell, permutations=permutations)


def audit_looked(
    found: AuditFolder,
    looked: Sequence[AuditedImage],
    unreadable: Sequence[Unreadable],
    tell: Tell = silent,
    *,
    permutations: int = PERMUTATIONS,
    compare: Compare = near_duplicates,
) -> AuditReport:
    """The audit of a folder that `look_through` has looked at.

    Raises:
        HemotkError: as `audit`.
    """
    if not looked:
        raise HemotkError(f"{found.folder}: not one image can be read; the first: {unreadable[0].why}.")
    duplicates = _find_duplicates(looked, compare, tell)
    by_patient = same([one.image.patient for one in looked])
    known = [one.image.patient is not None for one in looked]
    alike, _ = link(duplicates.near, united(len(looked), duplicates.equal))
    units, _ = link(duplicates.near, united(len(looked), [*duplicates.equal, *by_patient]), known)
    labels = [one.image.label for one in looked if one.image.label is not None]
    patients = {one.image.patient for one in looked} - {None}
    probes = _probes(looked, [str(unit) for unit in units], permutations, tell)
    sizes = sorted((one.size for one in looked), key=lambda size: (size[0] * size[1], size))
    return AuditReport(
        created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        folder=found.folder.resolve().name or "/",
        classes=found.classes,
        counts=(len(labels) - sum(labels), sum(labels)),
        unlabelled=found.unlabelled,
        patients=len(patients) or None,
        bytes=sum(one.bytes for one in looked),
        kinds=dict(Counter(one.kind for one in looked).most_common()),
        sizes=(sizes[0], sizes[len(sizes) // 2], sizes[-1]),
        unreadable=tuple(unreadable),
        pairs=tuple(_pairs(looked, duplicates)),
        groups=_groups(looked, alike),
        probes=probes,
        reading=found.lines,
        problems=found.problems or None,
        unchecked=tuple(_unchecked(found, looked, labels, probes)),
        blank=tuple(one.image.path for one in looked if one.blank),
        few_grays=tuple(one.image.path for one in looked if not one.blank and one.grays <= FEW_GRAYS),
        shared_patients=_shared_patients(looked),
    )


def _probes(looked: Sequence[AuditedImage], units: Sequence[str], permutations: int, tell: Tell) -> tuple[Probe, ...]:
    """Probes of the labelled images; none without two classes."""
    known = [(one, one.image.label, unit) for one, unit in zip(looked, units, strict=True)]
    chosen = [(one, label, unit) for one, label, unit in known if label is not None]
    if len({label for _, label, _ in chosen}) < 2:
        return ()
    return run_probes(
        [one.features for one, _, _ in chosen],
        [label for _, label, _ in chosen],
        [unit for _, _, unit in chosen],
        permutations,
        tell,
    )


def _unchecked(
    folder: AuditFolder, looked: Sequence[AuditedImage], labels: Sequence[int], probes: Sequence[Probe]
) -> Iterator[str]:
    """The searches that were not possible, a sentence each."""
    if not labels:
        yield "No image has a label: contradictions and shortcuts were not looked for."
    elif not probes:
        missing = folder.classes[0 if sum(labels) else 1]
        yield f"No image is of class '{missing}': shortcuts were not looked for, which needs both classes."
    elif any(probe.groups.auc.value is None for probe in probes):
        yield "Too few independent groups are of one class: shortcuts were not looked for with groups apart."
    if all(one.image.patient is None for one in looked):
        yield "Patients are not known: which images are of one patient is told by likeness alone."
    if all(one.image.part is None for one in looked):
        yield "The folder gives no parts: leaks between training and test were not looked for."


def _shared_patients(looked: Sequence[AuditedImage]) -> int | None:
    """The number of patients who lie in several parts; None where the folder gives no parts."""
    if all(one.image.part is None for one in looked):
        return None
    parts: dict[str, set[str]] = {}
    for image in (one.image for one in looked):
        if image.patient is not None and image.part is not None:
            parts.setdefault(image.patient, set()).add(image.part)
    return sum(len(places) > 1 for places in parts.values())


def look_through(folder: AuditFolder, tell: Tell = silent) -> tuple[list[AuditedImage], list[Unreadable]]:
    """Every image of the folder that can be read, and the others with the reason."""
    images = {folder.folder / image.path: image for image in folder.images}
    looked: list[AuditedImage] = []
    unreadable: list[Unreadable] = []
    found = look_at_each(list(images), lambda path: _look(folder, images[path]), tell)
    for (path, image), one in zip(images.items(), found, strict=True):
        if isinstance(one, HemotkError):
            unreadable.append(Unreadable(image.path, str(one).removeprefix(f"{path}: ").rstrip(".")))
        else:
            looked.append(one)
    return looked, unreadable


def _look(folder: AuditFolder, image: AuditImage) -> AuditedImage:
    path = folder.folder / image.path
    gray, colours = load_with_colours(path, hu_offset=folder.hu_offset)
    size = file_of(path).stat().st_size
    features = file_features(size, gray, colours)
    height, width = gray.shape
    grays = len(np.unique(gray))
    prints = fingerprint(path, gray)
    return AuditedImage(image, size, (width, height), _kind(path), prints, view(gray), features, grays, is_blank(gray))


def _kind(path: Path) -> str:
    """Format and mode, such as 'PNG RGB'; what Pillow does not open is DICOM."""
    if is_volume(path):
        return "NIfTI"
    try:
        with Image.open(path) as picture:
            return f"{picture.format} {picture.mode}"
    except OSError:
        return "DICOM"


@dataclass(frozen=True)
class _Duplicates:
    equal: list[list[int]]
    near: list[Pair]


def _find_duplicates(looked: Sequence[AuditedImage], compare: Compare, tell: Tell) -> _Duplicates:
    """Sets of equal pictures, blank ones aside, and the near duplicates among the first of each, strongest first."""
    equal = same([None if one.blank else one.prints.pixels for one in looked])
    copies = {place for members in equal for place in members[1:]}
    single = [place for place in range(len(looked)) if place not in copies]
    views = [looked[place].view for place in single]
    pairs = compare(views, tell)
    near = [replace(pair, first=single[pair.first], second=single[pair.second]) for pair in pairs]
    return _Duplicates(equal, sorted(near, key=lambda pair: (-pair.similarity, pair.first, pair.second)))


def _pairs(looked: Sequence[AuditedImage], duplicates: _Duplicates) -> Iterator[AuditPair]:
    for members in duplicates.equal:
        for other in members[1:]:
            yield _pair("exact", looked[members[0]].image, looked[other].image, 1.0, False)
    for pair in duplicates.near:
        yield _pair("near", looked[pair.first].image, looked[pair.second].image, pair.similarity, pair.mirrored)


def _pair(
    kind: Literal["exact", "near"], first: AuditImage, second: AuditImage, similarity: float, mirrored: bool
) -> AuditPair:
    known = first.patient is not None and second.patient is not None
    labelled = first.label is not None and second.label is not None
    return AuditPair(
        first.path,
        second.path,
        kind,
        round(similarity, 4),
        mirrored,
        same_label=first.label == second.label or not labelled,
        same_patient=first.patient == second.patient if known else None,
        parts=None if first.part is None or second.part is None else (first.part, second.part),
    )


def _groups(looked: Sequence[AuditedImage], home: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Paths of each group of several, largest group first."""
    sets = same([str(group) for group in home])
    return tuple(
        tuple(looked[place].image.path for place in members) for members in sorted(sets, key=lambda m: -len(m))
    )
