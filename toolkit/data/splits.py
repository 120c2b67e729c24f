"""Training, validation and test parts that share no patient and no picture."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from hemotk.artifacts import PARTS, Grouping, Part, SplitGroup, SplitItem, SplitManifest, require
from hemotk.data.grouping import Grouped, Progress, class_counts, group_images
from hemotk.data.scan import FoundFolder
from hemotk.errors import HemotkError

Counts = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class SplitConfig:
    """Shares as fractions: `test` of all images, `validation` of what is not test; `grouping` as in the manifest."""

    test: float = 0.2
    validation: float = 0.2
    seed: int = 0
    grouping: Grouping = "auto"

    def __post_init__(self) -> None:
        require(0 < self.test < 1, "test", "between 0 and 1")
        require(0 < self.validation < 1, "validation", "between 0 and 1")
        require(self.seed >= 0, "seed", "0 or more")


def make_split(found: FoundFolder, config: SplitConfig, progress: Progress | None = None) -> SplitManifest:
    """Split a scanned folder; the same folder, configuration and seed give the same parts.

    Raises:
        HemotkError: as `group_images`, or too few groups for three parts.
    """
    grouped = group_images(found, config.grouping, progress)
    counts = class_counts([image.label for image in found.images], grouped.groups)
    parts = assign(counts, config)
    check_parts(found.folder.as_posix(), found.classes, counts, parts)
    return manifest(found, grouped, config, parts)


def manifest(found: FoundFolder, grouped: Grouped, config: SplitConfig, parts: Mapping[str, Part]) -> SplitManifest:
    """The manifest of `found` with each group in its part."""
    items = tuple(
        SplitItem(image.path, fingerprint.file if fingerprint else None, image.label, group, parts[group])
        for image, fingerprint, group in zip(found.images, grouped.prints, grouped.groups, strict=True)
    )
    sizes = Counter(grouped.groups)
    groups = tuple(SplitGroup(name, sizes[name], reasons) for name, reasons in sorted(grouped.reasons.items()))
    return SplitManifest(
        created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        folder=found.folder.resolve().as_posix(),
        classes=found.classes,
        seed=config.seed,
        test=config.test,
        validation=config.validation,
        grouping=grouped.grouping,
        items=items,
        groups=groups,
    )


def assign(counts: Counts, config: SplitConfig) -> dict[str, Part]:
    """Give each group (name → images of label 0, of label 1) to a part, near the configured shares."""
    totals = np.sum([counts[name] for name in sorted(counts)], axis=0)
    test = np.maximum(np.rint(config.test * totals), 1)
    validation = np.maximum(np.rint(config.validation * (totals - test)), 1)
    dealt = deal(counts, np.stack([totals - test - validation, validation, test]), config.seed)
    return {name: PARTS[part] for name, part in dealt.items()}


def deal(counts: Counts, targets: np.ndarray, seed: int) -> dict[str, int]:
    """Give each group (name → images of label 0, of label 1) to one of the P parts; `targets` is [P, 2].

    Groups come in random order, larger ones first, and each goes where the most is still missing, class by class
    relative to the part's target; with single images whole targets are met exactly. Where that leaves a part without
    a class, groups go first to parts that lack one of their classes.
    """
    names = sorted(counts)
    order = np.random.default_rng(seed).permutation(len(names))
    shuffled = [names[index] for index in order]
    shuffled.sort(key=lambda name: -sum(counts[name]))
    images = [counts[name] for name in shuffled]
    for lacking_first in (False, True):
        parts, held = _dealt(images, targets.astype(float).tolist(), lacking_first)
        if all(map(all, held)):
            break
    return dict(zip(shuffled, parts, strict=True))


def _dealt(
    images: Sequence[tuple[int, int]], targets: list[list[float]], lacking_first: bool
) -> tuple[list[int], list[list[int]]]:
    """The part of each group, and how much each part then holds [P, 2].

    In plain numbers, since there may be a million groups: arrays of three parts are ten times as slow.
    """
    held = [[0, 0] for _ in targets]
    rows = range(len(targets))
    parts = []
    for normal, hemorrhage in images:
        need = [
            normal * (want[0] - has[0]) / max(want[0], 1) + hemorrhage * (want[1] - has[1]) / max(want[1], 1)
            for want, has in zip(targets, held, strict=True)
        ]
        choice: Iterable[int] = rows
        if lacking_first:
            lacks = [(not has[0] and normal > 0) + (not has[1] and hemorrhage > 0) for has in held]
            choice = [row for row in rows if lacks[row] == max(lacks)]
        best = max(choice, key=need.__getitem__)
        held[best][0] += normal
        held[best][1] += hemorrhage
        parts.append(best)
    return parts, held


def check_parts(where: str, classes: tuple[str, str], counts: Counts, parts: Mapping[str, Part]) -> None:
    """Each part holds both classes.

    Raises:
        HemotkError: it does not.
    """
    for part in PARTS:
        for label, word in enumerate(classes):
            if not any(counts[group][label] for group, place in parts.items() if place == part):
                raise HemotkError(
                    f"{where}: too few independent groups of class '{word}' to put one into each of "
                    f"{', '.join(PARTS)} (missing in {part}); add images, or choose other --test and --validation "
                    "shares."
                )
