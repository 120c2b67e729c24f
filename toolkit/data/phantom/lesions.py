"""The hemorrhages of a phantom: where they lie, how they push the tissue aside, and the blood itself."""

from dataclasses import dataclass, replace

import numpy as np

from hemotk.data.phantom.canvas import EDEMA, Grid, Rng, axes, field, paint, soft
from hemotk.data.phantom.head import Slice, relative_size


@dataclass(frozen=True)
class Lesion:
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


def plan(rng: Rng, level: float) -> tuple[Lesion, ...]:
    """One hemorrhage, or two in one head of three."""
    plans = (_lesion(rng, level), _lesion(rng, level))
    return plans if rng.random() < 0.35 else plans[:1]


def _lesion(rng: Rng, level: float) -> Lesion:
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
    shrink = relative_size(level)
    most = min(0.6 * size, 12) if size < 30 else 0
    tilt, blood = rng.uniform(0, np.pi), rng.uniform(60, 76)
    return Lesion(kind, side * shrink * x, shrink * y, size, tilt, blood, most * rng.uniform(0.3, 1))


def pushed(head: Slice, lesion: Lesion) -> Slice:
    """The head with its tissue pushed from the hemorrhage towards the middle; bone stays."""
    x, y = axes()
    near = np.exp(-((x - lesion.x) ** 2 + (y - lesion.y) ** 2) / (2 * 60**2))
    move = np.clip(head.inner / 20, 0, 1) * near * (lesion.push / np.hypot(lesion.x, lesion.y))
    return replace(head, x=head.x + move * lesion.x, y=head.y + move * lesion.y)


def bleed(rng: Rng, hu: Grid, lesion: Lesion, head: Slice, fluid: tuple[Grid, Grid]) -> None:
    """Paint one hemorrhage; it is largest in the slice that it was planned for."""
    x, y = axes()
    offset = head.offset
    size = np.sqrt(lesion.size**2 - (0.4 * offset) ** 2)
    rough, mottle, spread = field(rng, offset, 25), field(rng, offset, 8), rng.uniform(0.7, 1)
    u, v = x - lesion.x, y - lesion.y
    if lesion.kind == "parenchymal":
        c, s = np.cos(lesion.tilt), np.sin(lesion.tilt)
        depth = size * (1 + 0.2 * rough) - np.hypot((c * u + s * v) / spread, c * v - s * u)
        paint(hu, 0.9 * soft(depth + rng.uniform(2, 10), 4) * soft(head.inner - 3, 4), EDEMA)
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
    paint(hu, soft(depth, 1.5) * soft(head.inner), lesion.blood + 5 * mottle)
