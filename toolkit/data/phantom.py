"""Synthetic head CT slices ("phantoms"): a head drawn in Hounsfield units, seen by a scanner that varies.

Head, scanner, hemorrhage and noise come from separate random streams: the same head can be drawn with and without a
hemorrhage, and nothing but the blood, and the tissue it pushes aside, depends on the label. Lengths are millimetres;
x runs to the picture's right, y to the back of the head, the level upwards from the third ventricle.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import Artifact, require
from hemotk.errors import HemotkError
from hemotk.files import new_folder

CLASS_FOLDERS = ("normal", "hemorrhage")
PHANTOM_CARD = "phantoms.json"
SLICE_STEP = 2.5
MAX_SLICE_OFFSET = 4

Grid = NDArray[np.float64]
Rng = np.random.Generator

# One random stream for each, so that what one draws never changes another.
_HEAD, _SCANNER, _LESION, _NOISE, _LABELS = range(5)

_PITCH = 0.75
_ROWS, _COLUMNS = 320, 256
_WAVES = 40

# Hounsfield units of what a brain window shows; bone and air lie far beyond it.
_AIR, _FAT, _MUSCLE, _BONE = -1000.0, -85.0, 45.0, 1200.0
_WHITE, _GRAY, _FLUID, _EDEMA, _FALX, _SINUS = 28.0, 37.0, 7.0, 18.0, 50.0, 56.0


@dataclass(frozen=True)
class PhantomConfig(Artifact):
    """What `write_phantoms` draws: `count` slices, of which `hemorrhage_share` (a fraction) show a hemorrhage.

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
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw slices of `config.count` patients into `folder`/normal and `folder`/hemorrhage, as 8-bit gray PNG.

    `config` is written beside them. `progress` is called with (done, count) after each slice. The folder appears whole
    or not at all.

    Raises:
        HemotkError: `folder` exists and `overwrite` is false, or it cannot be written.
    """
    with new_folder(folder, overwrite=overwrite) as aside:
        for name in CLASS_FOLDERS:
            (aside / name).mkdir()
        for index, label in enumerate(config.labels()):
            picture = draw_slice(config.seed, index, bool(label), sizes=(config.size_low, config.size_high))
            Image.fromarray(picture).save(aside / CLASS_FOLDERS[label] / f"{index:05d}.png")
            if progress is not None:
                progress(index + 1, config.count)
        config.write(aside / PHANTOM_CARD)


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


@cache
def _axes() -> tuple[Grid, Grid]:
    """x [1, columns] and y [rows, 1] of the canvas."""
    x = (np.arange(_COLUMNS, dtype=np.float64) - (_COLUMNS - 1) / 2) * _PITCH
    y = (np.arange(_ROWS, dtype=np.float64) - (_ROWS - 1) / 2) * _PITCH
    return x[None, :], y[:, None]


def _field(rng: Rng, level: float, wavelength: float) -> Grid:
    """A smooth random field of mean 0 and variance 1 that also varies along the level: a sum of plane waves."""
    x, y = _axes()
    waves = rng.standard_normal((3, _WAVES))
    waves *= rng.uniform(0.7, 1.3, _WAVES) * (2 * np.pi / wavelength) / np.sqrt((waves**2).sum(0))
    across = x.T * waves[0]
    along = y * waves[1] + (level * waves[2] + rng.uniform(0, 2 * np.pi, _WAVES))
    return (np.cos(along) @ np.cos(across).T - np.sin(along) @ np.sin(across).T) * np.sqrt(2 / _WAVES)


def _soft(depth: Grid, edge: float = 0.9) -> Grid:
    """The share of a pixel that lies inside, from its depth inside: 0 to 1 over `edge`."""
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

    def varied(self, rng: Rng, scale: float, spread: float) -> tuple["_Part", ...]:
        """The part as one head has it: on one or two sides, `scale` times as wide, each a little different."""
        parts = []
        paired = self.x != 0
        for side in (1, -1) if paired else (1,):
            jitter = rng.standard_normal(5) * spread
            x, y, tilt = side * self.x + 8 * jitter[0] * paired, self.y + 15 * jitter[1], side * self.tilt
            rx, ry = self.rx * scale * np.exp(jitter[2]), self.ry * (0.7 + 0.3 * scale) * np.exp(jitter[3])
            parts.append(_Part(x, y, rx, ry, tilt + 30 * jitter[4] * paired, self.low, self.high))
        return tuple(parts)

    def depth(self, x: Grid, y: Grid, level: float) -> Grid | None:
        """Depth inside the ellipse, None at levels where the part is not met."""
        size = np.sqrt(np.clip(min(level - self.low, self.high - level) / 6, 0, 1))
        if size == 0:
            return None
        c, s = np.cos(np.radians(self.tilt)) / size, np.sin(np.radians(self.tilt)) / size
        u, v = x - self.x, y - self.y
        across, along = (c / self.rx) * u + (s / self.rx) * v, (c / self.ry) * v - (s / self.ry) * u
        return (1 - np.sqrt(across * across + along * along)) * (min(self.rx, self.ry) * size)


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
# Choroid plexus, pineal gland, basal ganglia, falx in front and behind: how often, and how dense (HU).
_CALCIFICATIONS = (
    (_Part(23, 27, 2.4, 3.6, -28, -6, 26), 0.5, 260.0),
    (_Part(0, 24, 2.2, 2.8, 0, -8, 10), 0.5, 320.0),
    (_Part(22, -2, 2.2, 4.0, -18, -8, 14), 0.15, 120.0),
    (_Part(0, -52, 1.2, 5.0, 0, 0, 60), 0.25, 260.0),
    (_Part(0, 58, 1.2, 5.0, 0, 0, 60), 0.15, 220.0),
)


@dataclass(frozen=True)
class _Slice:
    """One level of one head: each pixel's depth under the skin and under the outer and inner table of the skull.

    `offset` is how far it lies from where a hemorrhage would be largest; `x`, `y` are the places that the tissue seen
    at a pixel would have in a head without distortion.
    """

    level: float
    offset: float
    skin: Grid
    outer: Grid
    inner: Grid
    x: Grid
    y: Grid

    def union(self, parts: tuple[_Part, ...], rng: Rng, scale: float, spread: float) -> Grid:
        """Depth inside whichever of the `parts`, varied for this head, is deepest."""
        total = np.full((_ROWS, _COLUMNS), -99.0)
        for part in parts:
            for one in part.varied(rng, scale, spread):
                depth = one.depth(self.x, self.y, self.level)
                if depth is not None:
                    np.maximum(total, depth, out=total)
        return total


def _shrink(level: float) -> float:
    """Size of the head at a level, relative to its largest."""
    return float(np.sqrt(1 - (min(max(level, 0.0), 70.0) / 92) ** 2))


def _head(rng: Rng, blood: Rng, hemorrhage: bool, offset: float) -> Grid:
    """The slice in HU on the canvas; the same random numbers are drawn at any offset, so neighbours share a head."""
    centre = rng.uniform(-16, 46)
    head = _skull(rng, centre, offset)
    lesions = _plan(blood, centre) if hemorrhage else ()
    for lesion in lesions:
        head = _pushed(head, lesion)
    warp = [1.6 * _field(rng, head.level, 60) for _ in range(2)]
    head = replace(head, x=head.x + warp[0], y=head.y + warp[1])
    hu = _outside(rng, head)
    fluid = _brain(rng, hu, head)
    _dense(rng, hu, head)
    for lesion in lesions:
        _bleed(blood, hu, lesion, head, fluid)
    return hu


def _skull(rng: Rng, centre: float, offset: float) -> _Slice:
    x, y = _axes()
    shrink = _shrink(centre + offset)
    half_width, half_length = rng.normal(75, 2.5) * shrink, rng.normal(94, 3.5) * shrink
    power = rng.uniform(2.05, 2.4)
    radius, angle = np.hypot(x, y) + 1e-9, np.arctan2(y, x)
    cosine, sine = x / radius, y / radius
    outline = (np.abs(cosine / half_width) ** power + np.abs(sine / half_length) ** power) ** (-1 / power)
    outline *= 1 + rng.normal(0.03, 0.01) * sine * cosine**2
    wave = [np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4, 5, 7)]
    outline *= 1 + sum(rng.normal(0, 0.012) / k * wave[k - 1] for k in (1, 2, 3, 4))
    scalp = rng.uniform(3, 6) * (1 + 0.15 * wave[3] + 0.1 * wave[1])
    bone = rng.uniform(4, 9) / shrink * (1 + 0.15 * wave[2] + 0.08 * wave[4])
    bone += rng.uniform(1, 5) * np.exp(-((x / 9) ** 2)) * (1 + 0.5 * sine)
    skin = outline - radius
    flat_x, flat_y = np.broadcast_arrays(x, y)
    return _Slice(centre + offset, offset, skin, skin - scalp, skin - scalp - bone, flat_x, flat_y)


def _pushed(head: _Slice, lesion: "_Lesion") -> _Slice:
    """The head with its tissue pushed from the hemorrhage towards the middle; bone stays."""
    x, y = _axes()
    near = np.exp(-((x - lesion.x) ** 2 + (y - lesion.y) ** 2) / (2 * 60**2))
    move = np.clip(head.inner / 20, 0, 1) * near * (lesion.push / np.hypot(lesion.x, lesion.y))
    return replace(head, x=head.x + move * lesion.x, y=head.y + move * lesion.y)


def _outside(rng: Rng, head: _Slice) -> Grid:
    """Air, headrest, scalp, skull and frontal sinus; the skull is filled with fluid."""
    hu = np.full((_ROWS, _COLUMNS), _AIR)
    x, y = _axes()
    gap, thickness, value = rng.uniform(1, 9), rng.uniform(2, 7), rng.uniform(-60, 250)
    half_width, there = rng.uniform(40, 90), rng.random() < 0.5
    rest = _soft(np.minimum(-head.skin - gap, gap + thickness + head.skin), 1.5)
    _paint(hu, rest * _soft(half_width - np.abs(x)) * ((y > 0) & there), value)
    muscle = np.clip(0.5 + 0.8 * _field(rng, head.level, 45), 0, 1)
    _paint(hu, _soft(head.skin), _MUSCLE)
    _paint(hu, _soft(head.skin - 1.8), _FAT + muscle * (_MUSCLE - _FAT))
    _paint(hu, _soft(head.outer), _BONE)
    sinus = _Part(rng.normal(0, 5), rng.normal(-86, 2), rng.uniform(6, 20), rng.uniform(2, 4), 0, -60, 14)
    air = sinus.depth(x, y, head.level)
    if air is not None:
        _paint(hu, _soft(np.minimum(air, np.minimum(head.outer - 1, -1 - head.inner))), _AIR)
    _paint(hu, _soft(head.inner), _FLUID)
    return hu


def _brain(rng: Rng, hu: Grid, head: _Slice) -> tuple[Grid, Grid]:
    """Paint gray and white matter, fluid, falx and sagittal sinus; the older the brain, the wider the fluid.

    Returns the depths inside the ventricles, and inside the fluid around the brain (sulci, fissures, cisterns).
    """
    level, inside = head.level, _soft(head.inner)
    age = rng.beta(1.3, 2.2)
    depth = head.inner - (0.5 + 2.2 * age) * (1 + 0.4 * _field(rng, level, 25))
    fold = np.abs(_field(rng, level, 30)) * (30 / (2 * np.pi))
    sulci = (0.2 + 1.5 * age) * (1 - depth / rng.uniform(16, 28)) - fold
    ventricles = head.union(_VENTRICLES, rng, np.exp(rng.normal(0, 0.2)) * (0.75 + 0.9 * age), 0.08)
    cisterns = head.union(_CISTERNS, rng, 0.6 + 0.8 * age, 0.08)
    nuclei = head.union(_NUCLEI, rng, 1.0, 0.05)
    midline = np.minimum(np.abs(head.y + 3) - (37 if level < 24 else 0), 60 + level * 9 - head.y)
    fissure = np.minimum(midline, 0.3 + 1.6 * age - np.abs(head.x))
    outer = np.maximum(np.maximum(sulci, -depth), np.maximum(fissure, cisterns))
    gray = _soft(np.maximum(np.maximum(4 - depth, np.minimum(3.5 - fold, 24 - depth)), nuclei), 2)
    tissue = _WHITE + (_GRAY - _WHITE) * gray + 1.2 * _field(rng, level, 18) + 0.8 * _field(rng, level, 6)
    _infarct(rng, tissue, head)
    _paint(hu, _soft(depth), tissue)
    _paint(hu, np.maximum(_soft(outer), _soft(ventricles)) * inside, _FLUID)
    _paint(hu, _soft(np.minimum(midline, 0.7 - np.abs(head.x))) * inside, _FALX)
    _paint(hu, _soft(np.minimum(head.inner, 6.5 - head.inner - np.abs(head.x))) * (head.y > 0), _SINUS)
    return ventricles, outer


def _infarct(rng: Rng, tissue: Grid, head: _Slice) -> None:
    """An old infarct in one head of eight, as dark as edema: darkness alone is no sign of blood."""
    angle, radius, there = rng.uniform(0, 2 * np.pi), rng.uniform(8, 20), rng.random() < 0.125
    away = np.hypot(head.x - 40 * np.cos(angle), head.y - 52 * np.sin(angle))
    _paint(tissue, 0.8 * there * _soft(radius * (1 + 0.3 * _field(rng, head.level, 25)) - away, 4), _EDEMA)


def _dense(rng: Rng, hu: Grid, head: _Slice) -> None:
    """Paint what is bright without being blood: calcifications, bones of the skull base, beam hardening under bone."""
    inside = _soft(head.inner)
    for part, share, value in _CALCIFICATIONS:
        there, density = rng.random() < share, value * np.exp(rng.normal(0, 0.3))
        depth = head.union((part,), rng, rng.uniform(0.6, 1.2), 0.1)
        _paint(hu, there * _soft(depth, 1.5) * inside, density)
    base = head.union(_BASE, rng, 1.0, 0.05) + 1.5 * _field(rng, head.level, 12)
    _paint(hu, _soft(base, 2) * inside, _BONE)
    hu += rng.uniform(0, 7) * np.exp(-np.clip(head.inner, 0, None) / 7) * inside
    band = rng.uniform(0, 14) * min(max((-6 - head.level) / 10, 0), 1)
    hu -= band * np.exp(-(((head.y - 14) / 6) ** 2)) * inside


@dataclass(frozen=True)
class _Lesion:
    """A hemorrhage: place, size (radius or thickness), tilt in radians, blood in HU, how far it pushes tissue."""

    kind: str
    x: float
    y: float
    size: float
    tilt: float
    blood: float
    push: float


# Relative frequency of each kind, and its size: radius, thickness (sub- and epidural), or radius of the region reached.
_KINDS = {
    "parenchymal": (0.56, 13.0, 27.0),
    "intraventricular": (0.22, 38.0, 63.0),
    "subdural": (0.09, 11.0, 18.0),
    "epidural": (0.09, 18.0, 29.0),
    "subarachnoid": (0.09, 38.0, 63.0),
}


def _plan(rng: Rng, level: float) -> tuple[_Lesion, ...]:
    """One hemorrhage, or two in one head of three."""
    plans = (_lesion(rng, level), _lesion(rng, level))
    return plans if rng.random() < 0.35 else plans[:1]


def _lesion(rng: Rng, level: float) -> _Lesion:
    shares = np.cumsum([share for share, _, _ in _KINDS.values()])
    kind = list(_KINDS)[int(np.searchsorted(shares, rng.random() * shares[-1]))]
    if kind == "intraventricular" and not 8 < level < 23:  # some neighbouring slice would show no ventricle
        kind = "parenchymal"
    _, small, large = _KINDS[kind]
    size, reach, angle = rng.uniform(small, large), rng.uniform(0.35, 0.72), rng.uniform(-1, 1)
    side, deep = (1 if rng.random() < 0.5 else -1), rng.random() < 0.4
    x, y = 60 * reach * np.cos(1.45 * angle), 76 * reach * np.sin(1.45 * angle)
    if kind in ("epidural", "subdural"):
        angle *= 1.1 if kind == "epidural" else 0.7
        x, y = 62 * np.cos(angle), 80 * np.sin(angle)
    elif deep and -5 < level < 22:
        x, y = 24 + 4 * angle, 12 * angle
    shrink = _shrink(level)
    most = min(0.6 * size, 12) if size < 30 else 0
    tilt, blood = rng.uniform(0, np.pi), rng.uniform(60, 76)
    return _Lesion(kind, side * shrink * x, shrink * y, size, tilt, blood, most * rng.uniform(0.3, 1))


def _bleed(rng: Rng, hu: Grid, lesion: _Lesion, head: _Slice, fluid: tuple[Grid, Grid]) -> None:
    """Paint one hemorrhage; it is largest in the slice that it was planned for."""
    x, y = _axes()
    offset = head.offset
    size = np.sqrt(lesion.size**2 - (0.4 * offset) ** 2)
    rough, mottle, spread = _field(rng, offset, 25), _field(rng, offset, 8), rng.uniform(0.7, 1)
    u, v = x - lesion.x, y - lesion.y
    if lesion.kind == "parenchymal":
        c, s = np.cos(lesion.tilt), np.sin(lesion.tilt)
        depth = size * (1 + 0.2 * rough) - np.hypot((c * u + s * v) / spread, c * v - s * u)
        _paint(hu, 0.9 * _soft(depth + rng.uniform(2, 10), 4) * _soft(head.inner - 3, 4), _EDEMA)
    elif lesion.kind == "intraventricular":
        surface = np.where(x * lesion.x > 0, -30 * spread, 20 * spread)
        depth = np.minimum(fluid[0] + 1.5, y - surface)
    elif lesion.kind == "subarachnoid":
        depth = np.minimum(fluid[1] + 1.6, size - np.hypot(u, v) + 6 * rough)
    elif lesion.kind == "epidural":
        depth = size * (1 - (u * u + v * v) / (1.35 * size + 14) ** 2) - head.inner + 0.6 * rough
    else:
        depth = size * (1 - (np.hypot(u, v) / (50 + 25 * spread)) ** 4) - head.inner
        depth = np.minimum(depth, x * np.sign(lesion.x) - 1)
    _paint(hu, _soft(depth, 1.5) * _soft(head.inner), lesion.blood + 5 * mottle)


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
    f = np.hypot(np.fft.fftfreq(_ROWS, _PITCH)[:, None], np.fft.rfftfreq(_COLUMNS, _PITCH)[None, :])
    blur, sigma, cutoff = max(rng.uniform(0.4, 0.9), 0.4 * pitch), rng.uniform(1.5, 4.5), rng.uniform(0.15, 0.4)
    grain = np.fft.rfft2(noise.standard_normal(hu.shape)) * f * np.exp(-((f / cutoff) ** 2))
    grain *= sigma * hu.size / np.sqrt(2 * (np.abs(grain) ** 2).sum())
    return np.fft.irfft2(np.fft.rfft2(hu) * np.exp(-2 * (np.pi * blur * f) ** 2) + grain, s=hu.shape)


def _sample(grid: Grid, rows: Grid, columns: Grid) -> Grid:
    """Bilinear samples at positions in mm from the centre; beyond the canvas its border goes on."""
    r = np.clip(rows / _PITCH + (_ROWS - 1) / 2, 0, _ROWS - 1.001)
    c = np.clip(columns / _PITCH + (_COLUMNS - 1) / 2, 0, _COLUMNS - 1.001)
    i, j = r.astype(np.intp), c.astype(np.intp)
    r, c = r - i, c - j
    upper = grid[i, j] * (1 - c) + grid[i, j + 1] * c
    lower = grid[i + 1, j] * (1 - c) + grid[i + 1, j + 1] * c
    return upper * (1 - r) + lower * r
