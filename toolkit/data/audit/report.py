"""The audit of an image folder: what is in it, what is in it twice, and what gives the label away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from hemotk.data.duplicates.find import Pair, near_duplicates
from hemotk.data.duplicates.gather import link
from hemotk.data.duplicates.view import View, view
from hemotk.data.read.nifti import is_volume
from hemotk.data.read.preprocess import load_with_colours
from hemotk.data.scan.folder import FoundFolder
from hemotk.data.split.grouping import Fingerprint, fingerprint, same, united
from hemotk.errors import HemotkError
from hemotk.files import file_of
from hemotk.progress import Tell, silent


@dataclass(frozen=True)
class _AuditedImage:
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
    looked, unreadable = _look_at_all(found, tell)
    if not looked:
        raise HemotkError(f"{found.folder}: not one image can be read; the first: {unreadable[0].why}.")
    duplicates = _find_duplicates(looked, tell)
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


def _probes(looked: Sequence[_AuditedImage], units: Sequence[str], permutations: int, tell: Tell) -> tuple[Probe, ...]:
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
    folder: AuditFolder, looked: Sequence[_AuditedImage], labels: Sequence[int], probes: Sequence[Probe]
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


def _shared_patients(looked: Sequence[_AuditedImage]) -> int | None:
    """The number of patients who lie in several parts; None where the folder gives no parts."""
    if all(one.image.part is None for one in looked):
        return None
    parts: dict[str, set[str]] = {}
    for image in (one.image for one in looked):
        if image.patient is not None and image.part is not None:
            parts.setdefault(image.patient, set()).add(image.part)
    return sum(len(places) > 1 for places in parts.values())


def _look_at_all(folder: AuditFolder, tell: Tell) -> tuple[list[_AuditedImage], list[Unreadable]]:
    def look(image: AuditImage) -> _AuditedImage | Unreadable:
        try:
            return _look(folder, image)
        except HemotkError as error:
            return Unreadable(image.path, str(error).removeprefix(f"{folder.folder / image.path}: ").rstrip("."))

    looked, unreadable = [], []
    with ThreadPoolExecutor(4) as pool:
        for done, one in enumerate(pool.map(look, folder.images), 1):
            if isinstance(one, _AuditedImage):
                looked.append(one)
            else:
                unreadable.append(one)
            tell("reading images", done, len(folder.images))
    return looked, unreadable


def _look(folder: AuditFolder, image: AuditImage) -> _AuditedImage:
    path = folder.folder / image.path
    gray, colours = load_with_colours(path, hu_offset=folder.hu_offset)
    size = file_of(path).stat().st_size
    features = file_features(size, gray, colours)
    height, width = gray.shape
    grays = len(np.unique(gray))
    prints = fingerprint(path, gray)
    return _AuditedImage(image, size, (width, height), _kind(path), prints, view(gray), features, grays, is_blank(gray))


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


def _find_duplicates(looked: Sequence[_AuditedImage], tell: Tell) -> _Duplicates:
    """Sets of equal pictures, blank ones aside, and the near duplicates among the first of each, strongest first."""
    equal = same([None if one.blank else one.prints.pixels for one in looked])
    copies = {place for members in equal for place in members[1:]}
    single = [place for place in range(len(looked)) if place not in copies]
    views = [looked[place].view for place in single]
    pairs = near_duplicates(views, tell)
    near = [replace(pair, first=single[pair.first], second=single[pair.second]) for pair in pairs]
    return _Duplicates(equal, sorted(near, key=lambda pair: (-pair.similarity, pair.first, pair.second)))


def _pairs(looked: Sequence[_AuditedImage], duplicates: _Duplicates) -> Iterator[AuditPair]:
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


def _groups(looked: Sequence[_AuditedImage], home: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Paths of each group of several, largest group first."""
    sets = same([str(group) for group in home])
    return tuple(
        tuple(looked[place].image.path for place in members) for members in sorted(sets, key=lambda m: -len(m))
    )
