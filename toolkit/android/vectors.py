"""Pictures with what Python's resize makes of them, for the tests that go with the written project.

A picture is a formula and what becomes of it a checksum, so 200 of them take some 25 kB and are nobody's.
"""

import json

import numpy as np
from numpy.typing import NDArray

from hemotk.data.read.preprocess import to_pixels
from hemotk.files import sha256_bytes

RESIZE_SCHEMA = "hemotk.resize/1"
COUNT, SEED = 200, 29
LEAST, MOST = 16, 700  # pixels on a side


def resize_vectors(size: int) -> bytes:
    """JSON: for each picture its sides, the seed of `noise`, and the SHA-256 of its size·size pixels."""
    random = np.random.default_rng(SEED)
    sides = np.exp(random.uniform(np.log(LEAST), np.log(MOST + 1), (COUNT, 2))).astype(int)
    sides[:4] = (size, size), (size, LEAST), (LEAST, size), (size + 1, size + 1)
    pictures = [
        {"width": width, "height": height, "seed": seed, "pixels": _pixels(width, height, seed, size)}
        for seed, (width, height) in enumerate(sides.tolist())
    ]
    return json.dumps({"schema": RESIZE_SCHEMA, "size": size, "pictures": pictures}, indent=1).encode() + b"\n"


def noise(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """A picture, uint8 [height, width], that Kotlin makes as well: all arithmetic is that of 32 bits."""
    at = np.arange(width * height, dtype=np.uint32) + np.uint32(seed * 7919)
    mixed = at * np.uint32(2654435761)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(2246822519)
    return (mixed >> np.uint32(24)).astype(np.uint8).reshape(height, width)


def _pixels(width: int, height: int, seed: int, size: int) -> str:
    return sha256_bytes(to_pixels(noise(width, height, seed), size).tobytes())
