"""Pictures that can be told apart, and finished runs of small networks on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from random_networks import random_arrays

from hemotk.artifacts import PreprocessSpec, RunCard, SplitManifest
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.models.shape import DenseNetShape, Shape, densenet
from hemotk.store.publish import RunContent, publish_run

SIZE = 16
SMALL: DenseNetShape = densenet((1, 1), growth=8)

Prune = Callable[..., tuple[int, str]]


def split_of_squares(folder: Path, count: int = 30, side: int = 20) -> SplitManifest:
    """Pictures of noise; those with hemorrhage have a bright square."""
    square = side * 3 // 10
    rng = np.random.default_rng(0)
    for i in range(count):
        picture = rng.integers(40, 90, (side, side)).astype(np.uint8)
        if i % 2:
            x, y = rng.integers(side // 10, side * 3 // 5, 2)
            picture[y : y + square, x : x + square] += 120
        path = folder / ("hemorrhage" if i % 2 else "normal") / f"{i}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(picture).save(path)
    return make_split(scan(folder), SplitConfig())


def make_run(folder: Path, split: SplitManifest, shape: Shape = SMALL, **changes: Any) -> Path:
    """A finished run with random weights."""
    facts = {
        "name": folder.name,
        "created": "2026-01-01T00:00:00+00:00",
        "source": "trained",
        "arch": "densenet-tiny",
        "preprocess": PreprocessSpec(SIZE),
        "labels": split.classes,
        "parents": {},
        "settings": {},
        "metrics": {},
        "versions": {},
        "machine": {},
        "seconds": 1.0,
    }
    content = RunContent(shape, random_arrays(shape, 0, (1.0,)), split)
    publish_run(folder, content, lambda files: RunCard(**{**facts, "files": files, **changes}))
    return folder
