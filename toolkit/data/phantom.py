"""Synthetic head CT slices ("phantoms"): a drawn head in Hounsfield units, seen by a scanner that varies.

Head, scanner, hemorrhage and noise are drawn from separate random streams, so the same head can be drawn with and
without a hemorrhage, and nothing but the hemorrhage (and the tissue it pushes aside) depends on the label.
Lengths are millimetres; x runs to the picture's right, y to the back of the head, the level upwards, with the third ventricle at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import require
from hemotk.errors import HemotkError
from hemotk.files import new_folder

CLASS_FOLDERS = ("normal", "hemorrhage")
MAX_SLICE_OFFSET = 4

Grid = NDArray[np.float64]
Rng = np.random.Generator

_SLICE_STEP = 2.5
_PITCH = 0.75
_ROWS, _COLUMNS = 320, 256
_AIR, _FAT, _SKIN, _BONE, _DIPLOE = -1000.0, -85.0, 35.0, 1200.0, 600.0
_WHITE, _GRAY, _CSF, _FALX, _SINUS = 28.0, 37.0, 7.0, 50.0, 56.0
_HEAD, _SCANNER, _LESION, _NOISE, _LABELS = range(5)


@dataclass(frozen=True)
class PhantomConfig:
    """What `write_phantoms` draws: `count` slices, of which `hemorrhage_share` (a fraction) show a hemorrhage.

    Heights are spread over `size_low`…`size_high` pixels; widths are 0.78 to 1 times as much.
    """

    count: int = 200
    seed: int = 0
    hemorrhage_share: float = 0.5
    size_low: int = 128
    size_high: int = 400

    def __post_init__(self) -> None:
        require(2 <= self.count <= 100_000, "count", "between 2 and 100000")
        require(self.seed >= 0, "seed", "0 or above")
        require(0 < self.positives < self.count, "hemorrhage_share", "a fraction that leaves slices for both classes")
        require(32 <= self.size_low <= self.size_high, "size_low", "between 32 and size_high")
        require(self.size_high <= 1024, "size_high", "at most 1024")

    @property
    def positives(self) -> int:
        """Number of slices with a hemorrhage."""
        return round(self.count * self.hemorrhage_share)

    def labels(self) -> tuple[int, ...]:
        """The label (1: hemorrhage) of each slice, shuffled, so that a file's number says nothing about its class."""
        order = _rng(self.seed, _LABELS).permutation(self.count)
        return tuple(int(place < self.positives) for place in order)


def write_phantoms(
    folder: Path,
    config: PhantomConfig,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw `config.count` slices of as many patients into `folder`/normal and `folder`/hemorrhage as 8-bit gray PNG.

    `progress` is called with (done, count) after each slice. The folder appears whole or not at all.

    Raises:
        HemotkError: `folder` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as aside:
        for name in CLASS_FOLDERS:
            (aside / name).mkdir()
        for index, label in enumerate(config.labels()):
            sizes = (config.size_low, config.size_high)
            picture = draw_slice(config.seed, index, bool(label), sizes=sizes)
            Image.fromarray(picture).save(aside / CLASS_FOLDERS[label] / f"{index:05d}.png")
            if progress is not None:
                progress(index + 1, config.count)


def draw_slice(
    seed: int,
    index: int,
    hemorrhage: bool,
    *,
    slice_offset: int = 0,
    sizes: tuple[int, int] = (128, 400),
) -> NDArray[np.uint8]:
    """One slice of patient `index` of the series `seed`, uint8 [height, width], height within `sizes`.

    Depends on nothing but its arguments. `slice_offset` moves along the same head, in the same scan, by 2.5 mm a step;
    the hemorrhage is met in all of these slices.

    Raises:
        HemotkError: a negative `seed` or `index`, or a `slice_offset` beyond ±4.
    """
    if seed < 0 or index < 0 or abs(slice_offset) > MAX_SLICE_OFFSET:
        raise HemotkError(
            f"phantom: seed {seed}, index {index}, slice_offset {slice_offset} cannot be drawn; "
            f"seed and index start at 0, slice_offset lies within ±{MAX_SLICE_OFFSET}."
        )
    hu = _head(_rng(seed, index, _HEAD), _rng(seed, index, _LESION) if hemorrhage else None, slice_offset * _SLICE_STEP)
    noise = _rng(seed, index, _NOISE, slice_offset + MAX_SLICE_OFFSET)
    return _scan(hu, _rng(seed, index, _SCANNER), noise, sizes)


# --- geometry -------------------------------------------------------------------------------------------------------


def _rng(*key: int) -> Rng:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


@cache
def _axes() -> tuple[Grid, Grid]:
    """x [1, columns] and y [rows, 1] of the canvas."""
    x = (np.arange(_COLUMNS) - (_COLUMNS - 1) / 2) * _PITCH
    y = (np.arange(_ROWS) - (_ROWS - 1) / 2) * _PITCH
    return x[None, :], y[:, None]


def _field(rng: Rng, level: float, wavelength: float) -> Grid:
    """A smooth random field, mean 0 and variance 1, that also varies along the level: a sum of 40 plane waves."""
    x, y = _axes()
    direction = rng.standard_normal((3, 40))
    direction /= np.sqrt((direction**2).sum(0))
    k = direction * (2 * np.pi / wavelength) * rng.uniform(0.7, 1.3, 40)
    along_y = y * k[1] + (level * k[2] + rng.uniform(0, 2 * np.pi, 40))
    along_x = x.T * k[0]
    return (np.cos(along_y) @ np.cos(along_x).T - np.sin(along_y) @ np.sin(along_x).T) * np.sqrt(2 / 40)


def _soft(depth: Grid, edge: float = 0.9) -> Grid:
    """Share of a pixel that lies inside, from the depth inside: 0 to 1 over `edge`."""
    return np.clip(depth / edge + 0.5, 0, 1)


def _paint(hu: Grid, share: Grid, value: Grid | float) -> None:
    hu += share * (value - hu)


@dataclass(frozen=True)
class _Part:
    """An elliptic part of the anatomy, on both sides unless on the midline, met between the levels `low` and `high`."""

    x: float
    y: float
    rx: float
    ry: float
    tilt: float
    low: float
    high: float

    def depth(self, x: Grid, y: Grid, level: float) -> Grid | None:
        """Depth inside the ellipse, None where the part is not met."""
        size = np.sqrt(np.clip(min(level - self.low, self.high - level) / 6, 0, 1))
        if size == 0:
            return None
        c, s = np.cos(np.radians(self.tilt)), np.sin(np.radians(self.tilt))
        dx, dy = x - self.x, y - self.y
        u, v = (c * dx + s * dy) / (self.rx * size), (c * dy - s * dx) / (self.ry * size)
        return (1 - np.sqrt(u * u + v * v)) * (min(self.rx, self.ry) * size)

    def varied(self, rng: Rng, scale: float, spread: float) -> tuple["_Part", ...]:
        """The part as one head has it: one or two sides, sizes times `scale`, everything a little different."""
        parts = []
        for side in (1,) if self.x == 0 else (1, -1):
            jitter = rng.standard_normal(5) * spread
            parts.append(
                replace(
                    self,
                    x=side * self.x + 8 * jitter[0] * (self.x != 0),
                    y=self.y + 15 * jitter[1],
                    rx=self.rx * scale * np.exp(jitter[2]),
                    ry=self.ry * (0.7 + 0.3 * scale) * np.exp(jitter[3]),
                    tilt=side * self.tilt + 30 * jitter[4] * (self.x != 0),
                )
            )
        return tuple(parts)


_VENTRICLES = (
    _Part(9, -27, 3.8, 13, 20, -3, 22),
    _Part(12, -2, 4.5, 28, -7, 14, 36),
    _Part(22, 28, 4.5, 14, -28, -4, 27),
    _Part(0, 3, 1.7, 13, 0, -12, 12),
    _Part(0, 44, 6, 4.5, 0, -40, -13),
    _Part(33, 4, 1.8, 8, 20, -22, -6),
)
_CISTERNS = (
    _Part(0, 28, 9, 3.5, 0, -14, 6),
    _Part(0, -8, 11, 8, 0, -32, -9),
    _Part(47, -10, 2.0, 17, 15, -14, 20),
    _Part(36, -18, 2.0, 13, 75, -20, -4),
)
_NUCLEI = (
    _Part(15, -22, 4.5, 10, 15, -6, 20),
    _Part(25, -4, 7.5, 17, -18, -10, 18),
    _Part(11, 13, 8.5, 14, -28, -8, 16),
)
_BASE = (
    _Part(42, 14, 26, 7, -28, -60, -13),
    _Part(42, -34, 24, 5, 18, -60, -15),
    _Part(0, -14, 9, 7, 0, -60, -17),
)
_CALCIFICATIONS = (
    (_Part(23, 27, 2.4, 3.6, -28, -6, 26), 0.5, 260.0),
    (_Part(0, 24, 2.2, 2.8, 0, -8, 10), 0.5, 320.0),
    (_Part(22, -2, 2.2, 4.0, -18, -8, 14), 0.15, 120.0),
    (_Part(0, -52, 1.2, 5.0, 0, 0, 60), 0.25, 260.0),
    (_Part(0, 58, 1.2, 5.0, 0, 0, 60), 0.15, 220.0),
)


def _union(parts: tuple[_Part, ...], x: Grid, y: Grid, level: float) -> Grid:
    """Depth inside whichever of the parts is deepest."""
    total = np.full((_ROWS, _COLUMNS), -99.0)
    for part in parts:
        depth = part.depth(x, y, level)
        if depth is not None:
            np.maximum(total, depth, out=total)
    return total


# --- the head -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shell:
    """Depths of every pixel under the skin, under the outer and under the inner table of the skull."""

    skin: Grid
    outer: Grid
    inner: Grid
    angle: Grid


def _shell(rng: Rng, level: float) -> _Shell:
    x, y = _axes()
    shrink = np.sqrt(1 - (np.clip(level, 0, 70) / 92) ** 2)
    half_width, half_length = rng.normal(75, 2.5) * shrink, rng.normal(94, 3.5) * shrink
    power = rng.uniform(2.05, 2.4)
    radius, angle = np.sqrt(x * x + y * y) + 1e-9, np.arctan2(y, x)
    cosine, sine = x / radius, y / radius
    outline = (np.abs(cosine / half_width) ** power + np.abs(sine / half_length) ** power) ** (-1 / power)
    outline *= 1 + rng.normal(0.03, 0.01) * sine * cosine**2
    for k in (2, 3, 4, 5):
        a, b = rng.normal(0, 0.012, 2) / (k - 1)
        outline *= 1 + a * np.cos(k * angle) + b * np.sin(k * angle)
    wave = [np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5, 7)]
    scalp = rng.uniform(3, 6) * (1 + 0.15 * wave[0] + 0.1 * wave[2])
    bone = rng.uniform(4, 10) / shrink * (1 + 0.15 * wave[1] + 0.08 * wave[3])
    bone += rng.uniform(1, 5) * np.exp(-((x / 9) ** 2)) * (1 + 0.5 * sine)
    skin = outline - radius
    return _Shell(skin, skin - scalp, skin - scalp - bone, angle)


def _head(rng: Rng, lesion_rng: Rng | None, offset: float) -> Grid:
    """The slice in HU on the canvas; every random number is drawn whatever the level, so neighbours share a head."""
    centre = rng.uniform(-16, 46)
    level = centre + offset
    shell = _shell(rng, level)
    lesions = () if lesion_rng is None else _plan(lesion_rng, centre)
    x, y = _pushed(shell, lesions)
    x, y = x + 1.6 * _field(rng, level, 60), y + 1.6 * _field(rng, level, 60)
    hu = _outside(rng, shell, level)
    csf = _brain(rng, hu, shell, x, y, level)
    if lesion_rng is not None:
        for lesion in lesions:
            _bleed(lesion_rng, hu, lesion, shell, csf, offset)
    return hu


def _pushed(shell: _Shell, lesions: tuple["_Lesion", ...]) -> tuple[Grid, Grid]:
    """For every pixel the place its tissue came from: a hemorrhage pushes tissue towards the midline, bone stays."""
    x, y = _axes()
    x, y = np.broadcast_to(x, shell.inner.shape), np.broadcast_to(y, shell.inner.shape)
    for lesion in lesions:
        share = np.clip(shell.inner / 20, 0, 1) * np.exp(-((x - lesion.x) ** 2 + (y - lesion.y) ** 2) / (2 * 45**2))
        out = np.hypot(lesion.x, lesion.y) + 1e-9
        x, y = x + share * (lesion.push * lesion.x / out), y + share * (lesion.push * lesion.y / out)
    return x, y


def _outside(rng: Rng, shell: _Shell, level: float) -> Grid:
    """Air, headrest, scalp and skull; the inside is left as cerebrospinal fluid."""
    hu = np.full((_ROWS, _COLUMNS), _AIR)
    gap, thickness, value = rng.uniform(1, 9), rng.uniform(2, 7), rng.uniform(-60, 250)
    half_arc, there = rng.uniform(0.5, 1.2), rng.random() < 0.5
    rest = _soft(np.minimum(-shell.skin - gap, gap + thickness + shell.skin), 1.5)
    _paint(hu, rest * (np.abs(shell.angle - np.pi / 2) < half_arc) * there, value)
    muscle = np.clip(0.5 + 0.8 * _field(rng, level, 45), 0, 1)
    _paint(hu, _soft(shell.skin), _SKIN)
    _paint(hu, _soft(shell.skin - 1.8), _FAT + muscle * (_SKIN - _FAT))
    _paint(hu, _soft(shell.outer), _BONE)
    _paint(hu, _soft(np.minimum(shell.outer, -shell.inner) - 1.6), _DIPLOE + 150 * _field(rng, level, 7))
    sinus = _Part(rng.normal(0, 5), -86 + rng.normal(0, 2), rng.uniform(6, 20), rng.uniform(2, 4), 0, -60, 14)
    air = sinus.depth(*_axes(), level)
    if air is not None:
        _paint(hu, _soft(np.minimum(air, np.minimum(shell.outer - 1, -1 - shell.inner))), _AIR)
    _paint(hu, _soft(shell.inner), _CSF)
    return hu


@dataclass(frozen=True)
class _Csf:
    """Depth inside the ventricles, and inside the fluid around the brain (sulci, fissures, cisterns)."""

    ventricles: Grid
    outer: Grid


def _brain(rng: Rng, hu: Grid, shell: _Shell, x: Grid, y: Grid, level: float) -> _Csf:
    """Paint brain, fluid, falx, calcifications and skull base into the skull."""
    atrophy = rng.beta(1.3, 2.2)
    scale = np.exp(rng.normal(0, 0.2)) * (0.75 + 0.9 * atrophy)
    depth = shell.inner - (0.5 + 2.2 * atrophy) * (1 + 0.4 * _field(rng, level, 25))
    fold = np.abs(_field(rng, level, 30)) * (30 / (2 * np.pi))
    width = (0.2 + 1.5 * atrophy) * (1 - depth / rng.uniform(16, 28))
    ventricles = sum((part.varied(rng, scale, 0.08) for part in _VENTRICLES), ())
    cisterns = sum((part.varied(rng, 0.6 + 0.8 * atrophy, 0.08) for part in _CISTERNS), ())
    nuclei = sum((part.varied(rng, 1.0, 0.05) for part in _NUCLEI), ())
    middle = np.minimum(np.abs(y + 3) - (37 if level < 24 else 0), 60 + level * 9 - y)
    fissure = np.minimum(middle, 0.3 + 1.6 * atrophy - np.abs(x))
    csf = _Csf(
        _union(ventricles, x, y, level),
        np.maximum(np.maximum(width - fold, -depth), np.maximum(fissure, _union(cisterns, x, y, level))),
    )
    gray = np.maximum(
        _soft(np.maximum(4 - depth, np.minimum(3.5 - fold, 24 - depth)), 2), _soft(_union(nuclei, x, y, level), 2)
    )
    tissue = _WHITE + (_GRAY - _WHITE) * gray + 1.2 * _field(rng, level, 18) + 0.8 * _field(rng, level, 6)
    _infarct(rng, tissue, x, y, level)
    _paint(hu, _soft(depth), tissue)
    _paint(hu, _soft(csf.outer) * _soft(shell.inner), _CSF)
    _paint(hu, _soft(csf.ventricles), _CSF)
    _paint(hu, _soft(np.minimum(middle, 0.7 - np.abs(x))) * _soft(shell.inner), _FALX)
    _paint(hu, _soft(np.minimum(shell.inner, 6.5 - shell.inner - np.abs(x))) * (y > 0), _SINUS)
    _dense(rng, hu, shell, x, y, level)
    return csf


def _infarct(rng: Rng, tissue: Grid, x: Grid, y: Grid, level: float) -> None:
    """An old infarct in one head of eight, as dark as oedema: darkness alone is no sign of blood."""
    angle, radius, there = rng.uniform(0, 2 * np.pi), rng.uniform(8, 20), rng.random() < 0.125
    away = np.hypot(x - 40 * np.cos(angle), y - 52 * np.sin(angle))
    share = _soft(radius * (1 + 0.3 * _field(rng, level, 25)) - away, 4)
    if there:
        _paint(tissue, 0.8 * share, 17.0)


def _dense(rng: Rng, hu: Grid, shell: _Shell, x: Grid, y: Grid, level: float) -> None:
    """Calcifications, the bones of the skull base, and the beam hardening that bone causes."""
    inside = _soft(shell.inner)
    for part, share, value in _CALCIFICATIONS:
        there = rng.random() < share
        brightness = value * np.exp(rng.normal(0, 0.3))
        for one in part.varied(rng, rng.uniform(0.6, 1.2), 0.1):
            depth = one.depth(x, y, level)
            if there and depth is not None:
                _paint(hu, _soft(depth, 1.5) * inside, brightness)
    base = _union(sum((part.varied(rng, 1.0, 0.05) for part in _BASE), ()), x, y, level)
    _paint(hu, _soft(base + 1.5 * _field(rng, level, 12), 2) * inside, 900.0)
    hu += rng.uniform(0, 9) * np.exp(-np.clip(shell.inner, 0, None) / 7) * inside
    band = np.clip((-6 - level) / 10, 0, 1) * rng.uniform(0, 14)
    hu -= band * np.exp(-(((y - 14) / 6) ** 2)) * inside


# --- hemorrhage -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Lesion:
    """A hemorrhage: place, size, tilt (radians), blood in HU, and how far it pushes the tissue beside it."""

    kind: str
    x: float
    y: float
    radius: float
    tilt: float
    blood: float
    push: float


_KINDS = (
    ("parenchymal", 0.54),
    ("subdural", 0.11),
    ("epidural", 0.11),
    ("subarachnoid", 0.09),
    ("intraventricular", 0.15),
)


def _plan(rng: Rng, level: float) -> tuple[_Lesion, ...]:
    """One hemorrhage, or two in one head of three."""
    plans = (_lesion(rng, level), _lesion(rng, level))
    return plans if rng.random() < 0.35 else plans[:1]


def _lesion(rng: Rng, level: float) -> _Lesion:
    names, shares = zip(*_KINDS, strict=True)
    kind = names[int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares)))]
    if kind == "intraventricular" and not 0 < level < 31:
        kind = "parenchymal"
    shrink = np.sqrt(1 - (max(level, 0) / 92) ** 2)
    side, deep, reach = rng.choice((-1, 1)), rng.random() < 0.4, rng.uniform(0.35, 0.72)
    angle = rng.uniform(-1, 1) * {"epidural": 1.1, "subdural": 0.7}.get(kind, 1.45)
    radius, tilt, blood, push = rng.uniform(0, 1), rng.uniform(0, np.pi), rng.uniform(62, 80), rng.uniform(0.3, 1)
    if kind in ("epidural", "subdural"):
        x, y = 62 * shrink * np.cos(angle), 80 * shrink * np.sin(angle)
    elif deep and -5 < level < 22:
        x, y = 24 + 4 * angle, 12 * angle
    else:
        x, y = 60 * shrink * reach * np.cos(angle), 76 * shrink * reach * np.sin(angle)
    size = {"parenchymal": 13 + 14 * radius, "subdural": 10 + 7 * radius, "epidural": 16 + 12 * radius}.get(
        kind, 38 + 25 * radius
    )
    most = 0 if size >= 30 else min(0.6 * size, 10)
    return _Lesion(kind, side * x, y, size, tilt, blood, most * push)


def _bleed(rng: Rng, hu: Grid, lesion: _Lesion, shell: _Shell, csf: _Csf, offset: float) -> None:
    """Paint one hemorrhage; it is largest at the slice it was planned for."""
    x, y = _axes()
    size = np.sqrt(lesion.radius**2 - (0.4 * offset) ** 2) if lesion.radius > 6 else lesion.radius
    rough, mottle = _field(rng, offset, 20), _field(rng, offset, 8)
    dx, dy = x - lesion.x, y - lesion.y
    away = np.hypot(dx, dy)
    spread, water = rng.uniform(0.7, 1.0), rng.uniform(2, 9)
    if lesion.kind == "parenchymal":
        c, s = np.cos(lesion.tilt), np.sin(lesion.tilt)
        depth = size * (1 - np.hypot((c * dx + s * dy) / spread, c * dy - s * dx) / size + 0.25 * rough)
        _paint(hu, 0.75 * _soft(depth + water, 4) * _soft(shell.inner - 3, 4), 19.0)
    elif lesion.kind in ("epidural", "subdural"):
        bow, length = (2, 1.35 * size + 14) if lesion.kind == "epidural" else (4, 50 + 25 * spread)
        depth = size * (1 - (away / length) ** bow) - shell.inner + 0.6 * rough
        if lesion.kind == "subdural":
            depth = np.minimum(depth, x * np.sign(lesion.x) - 1)
    elif lesion.kind == "intraventricular":
        level = np.where(x * lesion.x > 0, -30 * spread, 20 * spread)
        depth = np.minimum(csf.ventricles + 1.5, y - level)
    else:
        depth = np.minimum(csf.outer + 1.6, size - away + 6 * rough)
    _paint(hu, _soft(depth, 1.5) * _soft(shell.inner), lesion.blood + 5 * mottle)


# --- the scanner ----------------------------------------------------------------------------------------------------


def _scan(hu: Grid, rng: Rng, noise_rng: Rng, sizes: tuple[int, int]) -> NDArray[np.uint8]:
    """Blur, noise, pose, window and gray curve of one scanner and one picture export."""
    height = int(rng.integers(sizes[0], sizes[1] + 1))
    width = max(round(height * rng.uniform(0.78, 1.0)), 1)
    pitch = max(200 / height, 162 / width) * rng.uniform(0.88, 1.2)
    shift, turn = rng.normal(0, 3, 2), rng.normal(0, 0.09)
    blurred = _reconstruct(hu, rng, noise_rng, pitch)
    rows = (np.arange(height)[:, None] - (height - 1) / 2) * pitch + shift[0]
    columns = (np.arange(width)[None, :] - (width - 1) / 2) * pitch + shift[1]
    picture = _sample(
        blurred, rows * np.cos(turn) - columns * np.sin(turn), rows * np.sin(turn) + columns * np.cos(turn)
    )
    window, centre = np.exp(rng.uniform(np.log(85), np.log(120))), rng.normal(38, 4)
    gamma, lift, ceiling = rng.uniform(0.85, 1.2), rng.uniform(0, 25), rng.uniform(225, 255)
    black = lift * (rng.random() < 0.15)
    white = ceiling if rng.random() < 0.3 else 255.0
    gray = np.clip((picture - centre) / window + 0.5, 0, 1) ** gamma
    return np.floor(black + (white - black) * gray + 0.5).astype(np.uint8)


def _reconstruct(hu: Grid, rng: Rng, noise_rng: Rng, pitch: float) -> Grid:
    """Blur by the kernel (at least what the picture's `pitch` asks for) and add noise of a ramp-like spectrum."""
    f = np.hypot(np.fft.fftfreq(_ROWS, _PITCH)[:, None], np.fft.rfftfreq(_COLUMNS, _PITCH)[None, :])
    blur = max(rng.uniform(0.4, 0.9), 0.4 * pitch)
    sigma, cutoff = rng.uniform(1.5, 4.5), rng.uniform(0.15, 0.4)
    ramp = f * np.exp(-((f / cutoff) ** 2))
    white = np.fft.rfft2(noise_rng.standard_normal(hu.shape)) * ramp
    white *= sigma * np.sqrt(hu.size / (2 * (np.abs(white) ** 2).sum())) * np.sqrt(hu.size)
    return np.fft.irfft2(np.fft.rfft2(hu) * np.exp(-2 * (np.pi * blur * f) ** 2) + white, s=hu.shape)


def _sample(grid: Grid, rows: Grid, columns: Grid) -> Grid:
    """Bilinear samples at positions in mm from the centre; air beyond the canvas."""
    r = np.clip(rows / _PITCH + (_ROWS - 1) / 2, 0, _ROWS - 1.001)
    c = np.clip(columns / _PITCH + (_COLUMNS - 1) / 2, 0, _COLUMNS - 1.001)
    i, j = r.astype(np.intp), c.astype(np.intp)
    r, c = r - i, c - j
    upper = grid[i, j] * (1 - c) + grid[i, j + 1] * c
    lower = grid[i + 1, j] * (1 - c) + grid[i + 1, j + 1] * c
    return upper * (1 - r) + lower * r
