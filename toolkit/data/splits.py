"""Training, validation and test parts that share no patient and no picture."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from hemotk.artifacts import PARTS, Part, SplitItem, SplitManifest, require
from hemotk.data.preprocess import load_gray
from hemotk.data.scan import FoundFolder, FoundImage
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes, sha256_file

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SplitConfig:
    """Shares as fractions: `test` of all images, `validation` of what is not test."""

    test: float = 0.2
    validation: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        require(0 < self.test < 1, "test", "between 0 and 1")
        require(0 < self.validation < 1, "validation", "between 0 and 1")
        require(self.seed >= 0, "seed", "0 or more")


@dataclass(frozen=True)
class _Fingerprint:
    file: str
    pixels: str


def make_split(found: FoundFolder, config: SplitConfig, progress: Progress | None = None) -> SplitManifest:
    """Split a scanned folder; the same folder, configuration and seed give the same parts.

    Every file is decoded once, so an unreadable one is found here and not in the middle of a training.

    Raises:
        HemotkError: an unreadable image, equal pictures with different labels, or too few groups for three parts.
    """
    prints = _fingerprints(found, progress)
    groups = _groups(found, prints)
    counts = _class_counts(found.images, groups)
    parts = assign(counts, config)
    _check_parts(found, counts, parts)
    items = tuple(
        SplitItem(image.path, fingerprint.file, image.label, group, parts[group])
        for image, fingerprint, group in zip(found.images, prints, groups, strict=True)
    )
    return SplitManifest(
        created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
        folder=found.folder.resolve().as_posix(),
        classes=found.classes,
        seed=config.seed,
        test=config.test,
        validation=config.validation,
        grouping="patient" if any(image.patient for image in found.images) else "none",
        items=items,
    )


def assign(counts: dict[str, tuple[int, int]], config: SplitConfig) -> dict[str, Part]:
    """Give each group (name → images of label 0, of label 1) to a part.

    Groups come in random order, larger ones first, and each goes where the most is still missing, class by class
    relative to the part's target; with single images the targets are met exactly.
    """
    names = sorted(counts)
    order = np.random.default_rng(config.seed).permutation(len(names))
    shuffled = [names[index] for index in order]
    shuffled.sort(key=lambda name: -sum(counts[name]))
    targets = _targets(np.sum([counts[name] for name in names], axis=0), config)
    missing = targets.copy()
    result: dict[str, Part] = {}
    for name in shuffled:
        images = np.array(counts[name], float)
        need = (images * missing / np.maximum(targets, 1)).sum(axis=1)
        best = int(np.argmax(need))
        missing[best] -= images
        result[name] = PARTS[best]
    return result


def _targets(totals: np.ndarray, config: SplitConfig) -> np.ndarray:
    test = np.maximum(np.rint(config.test * totals), 1)
    validation = np.maximum(np.rint(config.validation * (totals - test)), 1)
    return np.stack([totals - test - validation, validation, test]).astype(float)


def _fingerprints(found: FoundFolder, progress: Progress | None) -> list[_Fingerprint]:
    def look(image: FoundImage) -> _Fingerprint:
        path = found.folder / image.path
        gray = load_gray(path)
        return _Fingerprint(sha256_file(path), sha256_bytes(repr(gray.shape).encode() + gray.tobytes()))

    result = []
    with ThreadPoolExecutor(4) as pool:
        for done, fingerprint in enumerate(pool.map(look, found.images), 1):
            result.append(fingerprint)
            if progress:
                progress(done, len(found.images))
    return result


def _groups(found: FoundFolder, prints: Sequence[_Fingerprint]) -> list[str]:
    """One group name per image: images are joined by patient and by equal pixels."""
    parent = list(range(len(found.images)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, (image, fingerprint) in enumerate(zip(found.images, prints, strict=True)):
        twin = first.get(("pixels", fingerprint.pixels))
        if twin is not None and found.images[twin].label != image.label:
            raise HemotkError(
                f"{found.folder / image.path}: shows the same picture as {found.images[twin].path}, with another "
                "label; correct or remove one of them."
            )
        keys = [("pixels", fingerprint.pixels)]
        if image.patient:
            keys.append(("patient", image.patient))
        for key in keys:
            parent[root(index)] = root(first.setdefault(key, index))
    roots = [root(index) for index in range(len(parent))]
    return [f"p{found.images[r].patient}" if found.images[r].patient else f"i{r:05d}" for r in roots]


def _class_counts(images: Sequence[FoundImage], groups: Sequence[str]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for image, group in zip(images, groups, strict=True):
        normal, hemorrhage = counts.get(group, (0, 0))
        counts[group] = (normal + 1 - image.label, hemorrhage + image.label)
    return counts


def _check_parts(found: FoundFolder, counts: dict[str, tuple[int, int]], parts: dict[str, Part]) -> None:
    for part in PARTS:
        for label, word in enumerate(found.classes):
            if not any(counts[group][label] for group, where in parts.items() if where == part):
                raise HemotkError(
                    f"{found.folder}: too few independent groups of class '{word}' to put one into each of "
                    f"{', '.join(PARTS)} (missing in {part}); add images, or choose other --test and --validation "
                    "shares."
                )
