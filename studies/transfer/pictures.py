"""The packed pictures in memory, and each of them as other scanners would show it, ready to be drawn from."""

import io
import json
import zipfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hemotk.training.appearance import random_appearance
from hemotk.training.config import SCANNERS

BRAIN = 0.2
LOOKS = 8


@dataclass(frozen=True)
class Pictures:
    """`pixels` uint8 [n, size, size] and what they are, each [n]."""

    pixels: np.ndarray
    sets: np.ndarray
    parts: np.ndarray
    groups: np.ndarray
    labels: np.ndarray
    tissue: np.ndarray

    def where(self, name: str, *parts: str) -> np.ndarray:
        """The places of a set's pictures, or of these parts of it."""
        inside = self.sets == name
        return np.flatnonzero(inside & np.isin(self.parts, parts) if parts else inside)


def read(folder: Path) -> Pictures:
    """What `transfer.pack` wrote."""
    rows = json.loads((folder / "pictures.json").read_text())
    with zipfile.ZipFile(folder / "pictures.zip") as packed:
        pixels = np.stack([np.asarray(_opened(packed.read(f"{index}.webp"))) for index in range(len(rows))])
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Pictures(
        pixels, columns["set"], columns["part"], columns["group"], columns["label"], columns["tissue"].astype(float)
    )


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def looks(pixels: np.ndarray, workers: int) -> np.ndarray:
    """uint8 [LOOKS, n, size, size]: each picture changed at random as `--appearance scanners` does."""
    chunks = np.array_split(np.arange(len(pixels)), 4 * workers)
    result = np.empty((LOOKS, *pixels.shape), np.uint8)
    with ProcessPoolExecutor(workers) as pool:
        for chunk, made in zip(chunks, pool.map(_looks, [pixels[chunk] for chunk in chunks]), strict=True):
            result[:, chunk] = made
    return result


def _looks(pixels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(int(pixels.sum()))
    return np.stack([random_appearance(SCANNERS, rng, pixels) for _ in range(LOOKS)])
