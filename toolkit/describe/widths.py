"""The widths of a DenseNet's layers as a picture of one line of block characters."""

from collections.abc import Sequence
from dataclasses import dataclass

from hemotk.models.families import DENSENETS
from hemotk.models.shape import DenseNetShape

MARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class WidthPicture:
    """Per block a mark for each layer's bottleneck, and one for each layer's growth; `█` stands for the full width."""

    full_bottleneck: int
    full_growth: int
    bottleneck: tuple[str, ...]
    growth: tuple[str, ...]


def width_picture(shape: DenseNetShape, arch: str) -> WidthPicture:
    """Draw a network; full widths are those of the architecture `arch` before pruning, or the network's own greatest.

    The greater of the two is taken; the network's own where the architecture is none that hemotk can name.
    """
    layers = [layer for network in (shape, DENSENETS.get(arch, shape)) for block in network.blocks for layer in block]
    bottleneck, growth = max(layer.bottleneck for layer in layers), max(layer.growth for layer in layers)
    return WidthPicture(
        bottleneck,
        growth,
        tuple(marks([layer.bottleneck for layer in block], bottleneck) for block in shape.blocks),
        tuple(marks([layer.growth for layer in block], growth) for block in shape.blocks),
    )


def marks(widths: Sequence[int], full: int) -> str:
    """A mark per width: as many eighths of `full` as it has whole, at least one; `█` is `full` or more."""
    last = len(MARKS) - 1
    return "".join(MARKS[max(0, min(last, len(MARKS) * width // full - 1))] for width in widths)
