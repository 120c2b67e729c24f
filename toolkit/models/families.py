"""The architectures that can be asked for by name."""

from collections.abc import Callable

from hemotk.errors import HemotkError
from hemotk.models.shape import CnnShape, DenseNetShape, Shape, densenet

_FAMILIES: dict[str, Callable[[int], Shape]] = {
    "densenet121": lambda size: densenet((6, 12, 24, 16)),
    "densenet169": lambda size: densenet((6, 12, 32, 32)),
    "densenet201": lambda size: densenet((6, 12, 48, 32)),
    "densenet-tiny": lambda size: densenet((2, 2, 2, 2), growth=8),
    "cnn": lambda size: CnnShape(size=size),
}

ARCHITECTURES = tuple(_FAMILIES)


def named_shape(arch: str, size: int) -> Shape:
    """The shape of `arch` for `size`×`size` pictures.

    Raises:
        HemotkError: no such architecture, or pictures too small for its poolings.
    """
    if arch not in _FAMILIES:
        raise HemotkError(f"--arch {arch}: is unknown; choose one of {', '.join(ARCHITECTURES)}.")
    shape = _FAMILIES[arch](size)
    if size < shape.smallest_input():
        raise HemotkError(f"--size {size}: is too small for {arch}; take {shape.smallest_input()} or more.")
    return shape


def is_densenet(shape: Shape) -> bool:
    """Whether the export engine's graph can be read from a run of this shape."""
    return isinstance(shape, DenseNetShape)
