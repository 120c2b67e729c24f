"""Training, validation and test parts that share no patient and no picture."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import numpy as np

from hemotk.artifacts import PARTS, Grouping, Part, Reason, SplitGroup, SplitItem, SplitManifest, require
from hemotk.data.scan.folder import FoundFolder
from hemotk.data.scan.offenders import counted
from hemotk.data.split.dealing import Counts, deal
from hemotk.data.split.given_parts import keep_parts, near_leaks
from hemotk.data.split.grouping import Before, Grouped, class_counts, group_images, without_blank
from hemotk.errors import HemotkError
from hemotk.progress import Tell, silent

_WHY: Mapping[Reason, str] = {"patient": "one patient", "exact": "equal pictures", "near": "near duplicates"}


@dataclass(frozen=True)
class SplitConfig:
    """Shares as fractions: `test` of all images, `validation` of what is not test; `grouping` as in the manifest.

    With `resplit`, parts that a table or folders give are not kept.
    """

    test: float = 0.2
    validation: float = 0.2
    seed: int = 0
    grouping: Grouping = "auto"
    resplit: bool = False

    def __post_init__(self) -> None:
        require(0 < self.test < 1, "test", "between 0 and 1")
        require(0 < self.validation < 1, "validation", "between 0 and 1")
        require(self.seed >= 0, "seed", "0 or more")


def make_split(
    scanned: FoundFolder, config: SplitConfig, tell: Tell = silent, before: Before | None = None
) -> SplitManifest:
    """Split a scanned folder; the same folder, configuration and seed give the same parts.

    Parts that a table or folders give are kept unless `config.resplit`. Blank slices are left out. Pictures that were
    seen `before` are not read again.

    Raises:
        HemotkError: as `group_images` and `keep_parts`, or too few groups for three parts.
    """
    scanned, grouped = without_blank(scanned, group_images(scanned, config.grouping, tell, before))
    labels = [image.label for image in scanned.images]
    if scanned.given and not config.resplit:
        leaks = _said_leaks(scanned, grouped)
        grouped, parts = keep_parts(scanned, grouped, config)
        counts = class_counts(labels, grouped.groups)
    else:
        counts = class_counts(labels, grouped.groups)
        parts = assign(counts, config)
        leaks = tuple(large_groups(grouped, config, parts))
    check_parts(scanned.folder.as_posix(), scanned.classes, counts, parts)
    split = manifest(scanned, grouped, config, parts)
    return replace(split, reading=(*(split.reading or ()), *leaks) or None)


def large_groups(grouped: Grouped, config: SplitConfig, parts: Mapping[str, Part]) -> Iterator[str]:
    """A warning for each group of several that alone is larger than the share of images of the part it lies in."""
    rest = 1 - config.test
    shares: dict[Part, float] = {
        "train": rest * (1 - config.validation),
        "validation": rest * config.validation,
        "test": config.test,
    }
    for name, size in Counter(grouped.groups).most_common():
        wanted = shares[parts[name]] * len(grouped.groups)
        if size > max(wanted, 1):
            why = " and ".join(_WHY[reason] for reason in grouped.reasons[name])
            yield (
                f"large      group {name} ({why}) has {counted(size, 'image')}, more than the {wanted:.0f} that part "
                f"'{parts[name]}' should have: figures there rest on it"
            )


def _said_leaks(scanned: FoundFolder, grouped: Grouped) -> tuple[str, ...]:
    leaks = near_leaks(grouped, [image.part for image in scanned.images if image.part is not None])
    if not leaks:
        return ()
    return (f"alike      {counted(len(leaks), 'group')} of near duplicates in several of the given parts",)


def manifest(scanned: FoundFolder, grouped: Grouped, config: SplitConfig, parts: Mapping[str, Part]) -> SplitManifest:
    """The manifest of `scanned` with each group in its part."""
    items = tuple(
        SplitItem(image.path, fingerprint.file if fingerprint else None, image.label, group, parts[group])
        for image, fingerprint, group in zip(scanned.images, grouped.prints, grouped.groups, strict=True)
    )
    sizes = Counter(grouped.groups)
    groups = tuple(SplitGroup(name, sizes[name], reasons) for name, reasons in sorted(grouped.reasons.items()))
    return SplitManifest(
        created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        folder=scanned.folder.resolve().as_posix(),
        classes=scanned.classes,
        seed=config.seed,
        test=config.test,
        validation=config.validation,
        grouping=grouped.grouping,
        items=items,
        groups=groups,
        reading=tuple(" ".join(line.split()) for line in (*scanned.lines(), *grouped.lines())) or None,
        hu_offset=scanned.hu_offset,
    )


def assign(counts: Counts, config: SplitConfig) -> dict[str, Part]:
    """Give each group (name → images of label 0, of label 1) to a part, near the configured shares."""
    totals = np.sum([counts[name] for name in sorted(counts)], axis=0)
    test = np.maximum(np.rint(config.test * totals), 1)
    validation = np.maximum(np.rint(config.validation * (totals - test)), 1)
    dealt = deal(counts, np.stack([totals - test - validation, validation, test]), config.seed)
    return {name: PARTS[part] for name, part in dealt.items()}


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
                    f"{', '.join(PARTS)} (missing in {part}){_largest(counts)}; add images, or choose other ‹test› and "
                    "‹validation› shares."
                )


def _largest(counts: Counts) -> str:
    """The cause, where one group has most of the images."""
    total, largest = sum(map(sum, counts.values())), max(map(sum, counts.values()))
    if largest * 2 <= total:
        return ""
    return f": {largest} of {total} images are in one group, of one patient or joined by equal or similar pictures"
