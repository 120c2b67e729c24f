"""Finished run folders of tiny networks, with the images of their split."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from random_networks import random_pixels, trained_like

from hemotk.artifacts import Part, PreprocessSpec, RunCard, SeriesPoint, SplitItem, SplitManifest
from hemotk.files import sha256_file
from hemotk.models.shape import DenseNetShape, Shape
from hemotk.store.publish import RunContent, publish_run

PER_PART: dict[Part, int] = {"train": 12, "validation": 6, "test": 6}


def make_split(images: Path, classes: tuple[str, str] = ("normal", "hemorrhage")) -> SplitManifest:
    """Blobs as PNG files, half of each class in every part."""
    images.mkdir(parents=True)
    pixels = iter(random_pixels(sum(PER_PART.values()), 70, seed=3))
    items = []
    for part, count in PER_PART.items():
        for index in range(count):
            name = f"{part}_{index}.png"
            Image.fromarray(next(pixels)).save(images / name)
            items.append(SplitItem(name, sha256_file(images / name), index % 2, name, part))
    return SplitManifest("2026-01-01T00:00:00+00:00", str(images), classes, 0, 0.2, 0.2, "none", tuple(items))


def make_run(folder: Path, split: SplitManifest, shape: Shape, arrays: dict[str, np.ndarray], size: int) -> Path:
    """A finished run with the given weights."""
    content = RunContent(shape, arrays, split)
    publish_run(folder, content, lambda files: _card(folder.name, split, size, files))
    return folder


def make_densenet_run(folder: Path, split: SplitManifest, shape: DenseNetShape, size: int, seed: int = 7) -> Path:
    return make_run(folder, split, shape, trained_like(shape, seed, size), size)


def card_for(folder: Path, split: SplitManifest, size: int) -> RunCard:
    """A card that fits the files as they are now."""
    files = {name: sha256_file(folder / name) for name in ("shape.json", "split.json", "weights.npz")}
    return _card(folder.name, split, size, files)


def _card(name: str, split: SplitManifest, size: int, files: Mapping[str, str]) -> RunCard:
    return RunCard(
        name=name,
        created="2026-01-01T00:00:00+00:00",
        source="trained",
        arch="densenet-tiny",
        preprocess=PreprocessSpec(size),
        labels=split.classes,
        files=files,
        parents={},
        settings={},
        metrics={},
        versions={},
        machine={},
        seconds=1.0,
        threshold=0.5,
        temperature=1.25,
        study=SeriesPoint(2, 0.7),
    )


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
