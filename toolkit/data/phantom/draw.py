"""Synthetic head CT slices ("phantoms"): a head drawn in Hounsfield units, seen by a scanner that varies.

Head, scanner, hemorrhage and noise come from separate random streams: the same head can be drawn with and without a
hemorrhage, and nothing but the blood, and the tissue it pushes aside, depends on the label. Lengths are millimetres;
x runs to the picture's right, y to the back of the head, the level upwards from the third ventricle.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import Artifact, require
from hemotk.data.phantom.canvas import COLUMNS, PITCH, ROWS, Grid, Rng, field
from hemotk.data.phantom.head import brain, dense, outside, skull
from hemotk.data.phantom.lesions import bleed, plan, pushed
from hemotk.errors import HemotkError
from hemotk.files import new_folder
from hemotk.progress import Tell, silent

CLASS_FOLDERS = ("normal", "hemorrhage")
PHANTOM_CARD = "phantoms.json"
SLICE_STEP = 2.5
MAX_SLICE_OFFSET = 4

# One random stream for each, so that what one draws never changes another.
_HEAD, _SCANNER, _LESION, _NOISE, _LABELS = range(5)


@dataclass(frozen=True)
class PhantomConfig(Artifact):
    """The phantoms to draw: `count` slices, of which `hemorrhage_share` (a fraction) show a hemorrhage.

    Heights are spread over `size_low` to `size_high` pixels; widths are 0.78 to 1 times as much.
    """

    SCHEMA: ClassVar[str] = "hemotk.phantoms/1"

    count: int = 200
    seed: int = 0
    hemorrhage_share: float = 0.5
    size_low: int = 128
    size_high: int = 400

    def __post_init__(self) -> None:
        require(2 <= self.count <= 100_000, "count", "between 2 and 100000")
        require(self.seed >= 0, "seed", "0 or above")
        require(0 <= self.hemorrhage_share <= 1, "hemorrhage_share", "between 0 and 1")
        require(0 < self.positives < self.count, "hemorrhage_share", "such that both classes get a slice")
        require(32 <= self.size_low <= self.size_high <= 1024, "size_low", "32 or above, size_high at most 1024")

    @property
    def positives(self) -> int:
        """Number of slices with a hemorrhage."""
        return round(self.count * self.hemorrhage_share)

    def labels(self) -> tuple[int, ...]:
        """The label (1: hemorrhage) of each slice, shuffled, so that a slice's number says nothing about its class."""
        order = _rng(self.seed, _LABELS).permutation(self.count)
        return tuple(int(place < self.positives) for place in order)


def write_phantoms(
    folder: Path,
    config: PhantomConfig,
    overwrite: bool = False,
    tell: Tell = silent,
) -> None:
    """Draw slices of `config.count` patients into `folder`/normal and `folder`/hemorrhage, as 8-bit gray PNG.

    `config` is written beside them. `tell` receives the progress. The folder appears whole or not at all. All
    processors draw; each slice has random numbers of its own, so that their number changes nothing.

    Raises:
        HemotkError: `folder` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as aside:
        for name in CLASS_FOLDERS:
            (aside / name).mkdir()
        slices = [(config, aside, index, label) for index, label in enumerate(config.labels())]
        with _processes(len(slices)) as apply:
            for done, _ in enumerate(apply(_write_slice, slices), 1):
                tell("drawing", done, config.count)
        config.write(aside / PHANTOM_CARD)


def _write_slice(job: tuple[PhantomConfig, Path, int, int]) -> None:
    config, folder, index, label = job
    picture = draw_slice(config.seed, index, bool(label), sizes=(config.size_low, config.size_high))
    Image.fromarray(picture).save(folder / CLASS_FOLDERS[label] / f"{index:05d}.png")


@contextmanager
def _processes(jobs: int) -> Iterator[Callable[..., Iterable[None]]]:
    """A `map` over all processors; the plain one where there is little to do or a fork is not safe."""
    workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, jobs // 8)
    # A process that has threads, such as TensorFlow's, must not be forked; and other ways to start one import the
    # caller's script again.
    if workers < 2 or threading.active_count() > 1 or "tensorflow" in sys.modules:
        yield map
        return
    with multiprocessing.get_context("fork").Pool(workers, initializer=_ignore_interrupt) as pool:
        yield partial(pool.imap_unordered, chunksize=1)


def _ignore_interrupt() -> None:
    """Leave Ctrl-C to the parent, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def draw_slice(
    seed: int, index: int, hemorrhage: bool, *, slice_offset: int = 0, sizes: tuple[int, int] = (128, 400)
) -> NDArray[np.uint8]:
    """One slice of patient `index` of the series `seed`, uint8 [height, width], its height within `sizes`.

    Depends on nothing but its arguments. `slice_offset` moves along the same head in the same scan, by 2.5 mm a step;
    the hemorrhage is met in all of these slices.

    Raises:
        HemotkError: `seed` or `index` is negative, or `slice_offset` beyond ±4.
    """
    if seed < 0 or index < 0 or abs(slice_offset) > MAX_SLICE_OFFSET:
        raise HemotkError(
            f"phantom: seed {seed}, index {index}, slice_offset {slice_offset} cannot be drawn; seed and index start "
            f"at 0, slice_offset lies within ±{MAX_SLICE_OFFSET}."
        )
    hu = _head(_rng(seed, index, _HEAD), _rng(seed, index, _LESION), hemorrhage, slice_offset * SLICE_STEP)
    noise = _rng(seed, index, _NOISE, slice_offset + MAX_SLICE_OFFSET)
    return _scan(hu, _rng(seed, index, _SCANNER), noise, sizes)


def _rng(*key: int) -> Rng:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def _head(rng: Rng, blood: Rng, hemorrhage: bool, offset: float) -> Grid:
    """The slice in HU on the canvas; the same random numbers are drawn at any offset, so neighbours share a head."""
    centre = rng.uniform(-16, 46)
    head = skull(rng, centre, offset)
    lesions = plan(blood, centre) if hemorrhage else ()
    for lesion in lesions:
        head = pushed(head, lesion)
    warp = [1.6 * field(rng, head.level, 60) for _ in range(2)]
    head = replace(head, x=head.x + warp[0], y=head.y + warp[1])
    hu = outside(rng, head)
    fluid = brain(rng, hu, head)
    dense(rng, hu, head)
    for lesion in lesions:
        bleed(blood, hu, lesion, head, fluid)
    return hu


def _scan(hu: Grid, rng: Rng, noise: Rng, sizes: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture that one scanner and one export make of the slice: pose, kernel, noise, window, gray curve."""
    height = int(rng.integers(sizes[0], sizes[1] + 1))
    width = round(height * rng.uniform(0.78, 1.0))
    pitch = max(200 / height, 162 / width) * rng.uniform(0.88, 1.16)
    shift, turn = rng.normal(0, 3, 2), rng.normal(0, 0.09)
    rows = (np.arange(height)[:, None] - (height - 1) / 2) * pitch + shift[0]
    columns = (np.arange(width)[None, :] - (width - 1) / 2) * pitch + shift[1]
    c, s = np.cos(turn), np.sin(turn)
    picture = _sample(_reconstruct(hu, rng, noise, pitch), c * rows - s * columns, s * rows + c * columns)
    window, centre, gamma = np.exp(rng.uniform(np.log(85), np.log(120))), rng.normal(38, 4), rng.uniform(0.85, 1.2)
    black = rng.uniform(0, 25) * (rng.random() < 0.15)
    white = 255 - rng.uniform(0, 30) * (rng.random() < 0.3)
    gray = np.clip((picture - centre) / window + 0.5, 0, 1) ** gamma
    return np.floor(black + (white - black) * gray + 0.5).astype(np.uint8)


def _reconstruct(hu: Grid, rng: Rng, noise: Rng, pitch: float) -> Grid:
    """Blur as kernel and picture `pitch` do, and add noise of a ramp-like spectrum."""
    f = np.hypot(np.fft.fftfreq(ROWS, PITCH)[:, None], np.fft.rfftfreq(COLUMNS, PITCH)[None, :])
    blur, sigma, cutoff = max(rng.uniform(0.4, 0.9), 0.4 * pitch), rng.uniform(1.5, 4.5), rng.uniform(0.15, 0.4)
    grain = np.fft.rfft2(noise.standard_normal(hu.shape)) * f * np.exp(-((f / cutoff) ** 2))
    grain *= sigma * hu.size / np.sqrt(2 * (np.abs(grain) ** 2).sum())
    return np.fft.irfft2(np.fft.rfft2(hu) * np.exp(-2 * (np.pi * blur * f) ** 2) + grain, s=hu.shape)


def _sample(grid: Grid, rows: Grid, columns: Grid) -> Grid:
    """Bilinear samples at positions in mm from the centre; beyond the canvas its border goes on."""
    r = np.clip(rows / PITCH + (ROWS - 1) / 2, 0, ROWS - 1.001)
    c = np.clip(columns / PITCH + (COLUMNS - 1) / 2, 0, COLUMNS - 1.001)
    i, j = r.astype(np.intp), c.astype(np.intp)
    r, c = r - i, c - j
    upper = grid[i, j] * (1 - c) + grid[i, j + 1] * c
    lower = grid[i + 1, j] * (1 - c) + grid[i + 1, j + 1] * c
    return upper * (1 - r) + lower * r
