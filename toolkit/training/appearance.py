"""Random changes of how a slice looks, as other scanners, windows, screens and file formats would make it look.

They change bytes, not places: flips, rotations and shifts are in `augment`. Where a picture is black it stays black, as
air does under any window.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from hemotk.training.config import AppearanceConfig

Gray = NDArray[np.uint8]


def random_appearance(config: AppearanceConfig, rng: np.random.Generator, pixels: Gray) -> Gray:
    """Pictures uint8 [n, N, N], each changed at random as `config` says; the same generator gives the same changes."""
    if not config.anything:
        return pixels
    return np.stack([_changed(config, rng, picture) for picture in pixels])


def _changed(config: AppearanceConfig, rng: np.random.Generator, picture: Gray) -> Gray:
    # Each change draws its numbers whether it is used or not, so that one setting does not move the others' numbers.
    chance, amount = rng.random(6), rng.uniform(-1, 1, 6)
    noise_seed, corner = int(rng.integers(2**32)), rng.random(2)
    used = chance < config.share
    if config.resolution and used[0]:
        picture = _coarser(picture, 1 - abs(amount[0]) * config.resolution)
    if config.blur and used[1]:
        picture = _through(picture, ImageFilter.GaussianBlur(float(abs(amount[1])) * config.blur * len(picture) / 100))
    if config.gamma and used[2]:
        picture = _gamma(picture, 2.0 ** (amount[2] * config.gamma))
    if config.noise and used[3]:
        picture = _noisy(picture, abs(amount[3]) * config.noise, np.random.default_rng(noise_seed))
    if config.jpeg and used[4]:
        picture = _jpeg(picture, round(95 - abs(amount[4]) * config.jpeg))
    if config.cutout and used[5]:
        picture = _cut_out(picture, abs(amount[5]) * config.cutout, corner)
    return picture


def _coarser(picture: Gray, share: float) -> Gray:
    """Scaled down to `share` of the side, and up again."""
    side = max(1, round(len(picture) * share))
    small = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(small.resize(picture.shape[::-1], Image.Resampling.BILINEAR))


def _through(picture: Gray, change: ImageFilter.Filter) -> Gray:
    return np.asarray(Image.fromarray(picture).filter(change))


def _gamma(picture: Gray, gamma: float) -> Gray:
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return table[picture]


def _noisy(picture: Gray, deviation: float, rng: np.random.Generator) -> Gray:
    noisy = np.clip(np.rint(picture + rng.normal(0, deviation, picture.shape)), 0, 255).astype(np.uint8)
    return np.where(picture > 0, noisy, picture)


def _jpeg(picture: Gray, quality: int) -> Gray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def _cut_out(picture: Gray, share: float, corner: NDArray[np.float64]) -> Gray:
    """A square of `share` of the side is made black; `corner` is where, 0 to 1 down and across."""
    side = round(len(picture) * share)
    top, left = (int(place * (len(picture) - side + 1)) for place in corner)
    cut = picture.copy()
    cut[top : top + side, left : left + side] = 0
    return cut
