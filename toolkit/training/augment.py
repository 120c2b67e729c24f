"""Random flips, rotations, zooms, shifts and contrast for a batch of pictures, repeatable from a seed."""

import math

import numpy as np

from hemotk.training.config import AugmentConfig


def random_transforms(config: AugmentConfig, rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Projective transforms float32 [count, 8] from output to input pixels, as `ImageProjectiveTransformV3` reads them.

    Each mirrors left and right (half of them), rotates and zooms about the middle, then shifts.
    """
    angle = rng.uniform(-1, 1, count) * math.radians(config.rotation_degrees)
    zoom = 1 + rng.uniform(-1, 1, count) * config.zoom
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0) if config.flip else np.ones(count)
    shift_x, shift_y = rng.uniform(-1, 1, (2, count)) * config.shift * size
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    middle = (size - 1) / 2
    a0, a1, b0, b1 = mirror * cos, -mirror * sin, sin, cos
    a2 = middle - a0 * (middle + shift_x) - a1 * (middle + shift_y)
    b2 = middle - b0 * (middle + shift_x) - b1 * (middle + shift_y)
    zero = np.zeros(count)
    return np.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1).astype(np.float32)


def random_contrast(config: AugmentConfig, rng: np.random.Generator, count: int) -> np.ndarray:
    """Gain and offset float32 [count, 2] for bytes: p' = gain · p + offset, as if the window had been set otherwise."""
    gain = 1 + rng.uniform(-1, 1, count) * config.contrast
    offset = rng.uniform(-1, 1, count) * config.contrast * 64
    return np.stack([gain, offset], axis=1).astype(np.float32)
