"""The head of a phantom at one level, without blood: skull, brain, the fluid in and around it, and what is dense."""

from dataclasses import dataclass

import numpy as np

from hemotk.data.phantom.canvas import (
    AIR,
    BONE,
    COLUMNS,
    EDEMA,
    FALX,
    FAT,
    FLUID,
    GRAY,
    MUSCLE,
    ROWS,
    SINUS,
    WHITE,
    Grid,
    Rng,
    axes,
    field,
    paint,
    soft,
)


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
class Slice:
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
        total = np.full((ROWS, COLUMNS), -99.0)
        for part in parts:
            for one in part.varied(rng, scale, spread):
                depth = one.depth(self.x, self.y, self.level)
                if depth is not None:
                    np.maximum(total, depth, out=total)
        return total


def relative_size(level: float) -> float:
    """Size of the head at a level, relative to its largest."""
    return float(np.sqrt(1 - (min(max(level, 0.0), 70.0) / 92) ** 2))


def skull(rng: Rng, centre: float, offset: float) -> Slice:
    """The outlines of one head at `offset` from the level `centre`."""
    x, y = axes()
    shrink = relative_size(centre + offset)
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
    return Slice(centre + offset, offset, skin, skin - scalp, skin - scalp - bone, flat_x, flat_y)


def outside(rng: Rng, head: Slice) -> Grid:
    """Air, headrest, scalp, skull and frontal sinus; the skull is filled with fluid."""
    hu = np.full((ROWS, COLUMNS), AIR)
    x, y = axes()
    gap, thickness, value = rng.uniform(1, 9), rng.uniform(2, 7), rng.uniform(-60, 250)
    half_width, there = rng.uniform(40, 90), rng.random() < 0.5
    rest = soft(np.minimum(-head.skin - gap, gap + thickness + head.skin), 1.5)
    paint(hu, rest * soft(half_width - np.abs(x)) * ((y > 0) & there), value)
    muscle = np.clip(0.5 + 0.8 * field(rng, head.level, 45), 0, 1)
    paint(hu, soft(head.skin), MUSCLE)
    paint(hu, soft(head.skin - 1.8), FAT + muscle * (MUSCLE - FAT))
    paint(hu, soft(head.outer), BONE)
    sinus = _Part(rng.normal(0, 5), rng.normal(-86, 2), rng.uniform(6, 20), rng.uniform(2, 4), 0, -60, 14)
    air = sinus.depth(x, y, head.level)
    if air is not None:
        paint(hu, soft(np.minimum(air, np.minimum(head.outer - 1, -1 - head.inner))), AIR)
    paint(hu, soft(head.inner), FLUID)
    return hu


def brain(rng: Rng, hu: Grid, head: Slice) -> tuple[Grid, Grid]:
    """Paint gray and white matter, fluid, falx and sagittal sinus; the older the brain, the wider the fluid.

    Returns the depths inside the ventricles, and inside the fluid around the brain (sulci, fissures, cisterns).
    """
    level, inside = head.level, soft(head.inner)
    age = rng.beta(1.3, 2.2)
    depth = head.inner - (0.5 + 2.2 * age) * (1 + 0.4 * field(rng, level, 25))
    fold = np.abs(field(rng, level, 30)) * (30 / (2 * np.pi))
    sulci = (0.2 + 1.5 * age) * (1 - depth / rng.uniform(16, 28)) - fold
    ventricles = head.union(_VENTRICLES, rng, np.exp(rng.normal(0, 0.2)) * (0.75 + 0.9 * age), 0.08)
    cisterns = head.union(_CISTERNS, rng, 0.6 + 0.8 * age, 0.08)
    nuclei = head.union(_NUCLEI, rng, 1.0, 0.05)
    midline = np.minimum(np.abs(head.y + 3) - (37 if level < 24 else 0), 60 + level * 9 - head.y)
    fissure = np.minimum(midline, 0.3 + 1.6 * age - np.abs(head.x))
    outer = np.maximum(np.maximum(sulci, -depth), np.maximum(fissure, cisterns))
    gray = soft(np.maximum(np.maximum(4 - depth, np.minimum(3.5 - fold, 24 - depth)), nuclei), 2)
    tissue = WHITE + (GRAY - WHITE) * gray + 1.2 * field(rng, level, 18) + 0.8 * field(rng, level, 6)
    _infarct(rng, tissue, head)
    paint(hu, soft(depth), tissue)
    paint(hu, np.maximum(soft(outer), soft(ventricles)) * inside, FLUID)
    paint(hu, soft(np.minimum(midline, 0.7 - np.abs(head.x))) * inside, FALX)
    paint(hu, soft(np.minimum(head.inner, 6.5 - head.inner - np.abs(head.x))) * (head.y > 0), SINUS)
    return ventricles, outer


def _infarct(rng: Rng, tissue: Grid, head: Slice) -> None:
    """An old infarct in one head of eight, as dark as edema: darkness alone is no sign of blood."""
    angle, radius, there = rng.uniform(0, 2 * np.pi), rng.uniform(8, 20), rng.random() < 0.125
    away = np.hypot(head.x - 40 * np.cos(angle), head.y - 52 * np.sin(angle))
    paint(tissue, 0.8 * there * soft(radius * (1 + 0.3 * field(rng, head.level, 25)) - away, 4), EDEMA)


def dense(rng: Rng, hu: Grid, head: Slice) -> None:
    """Paint what is bright without being blood: calcifications, bones of the skull base, beam hardening under bone."""
    inside = soft(head.inner)
    for part, share, value in _CALCIFICATIONS:
        there, density = rng.random() < share, value * np.exp(rng.normal(0, 0.3))
        depth = head.union((part,), rng, rng.uniform(0.6, 1.2), 0.1)
        paint(hu, there * soft(depth, 1.5) * inside, density)
    base = head.union(_BASE, rng, 1.0, 0.05) + 1.5 * field(rng, head.level, 12)
    paint(hu, soft(base, 2) * inside, BONE)
    hu += rng.uniform(0, 7) * np.exp(-np.clip(head.inner, 0, None) / 7) * inside
    band = rng.uniform(0, 14) * min(max((-6 - head.level) / 10, 0), 1)
    hu -= band * np.exp(-(((head.y - 14) / 6) ** 2)) * inside
