"""The architectures that can be asked for by name."""

import difflib
from collections.abc import Mapping
from typing import cast

from hemotk.errors import HemotkError
from hemotk.models.shape import (
    APPLICATIONS,
    SMALLEST_APPLICATION,
    Application,
    CnnShape,
    DenseNetShape,
    Shape,
    densenet,
)

DENSENETS: Mapping[str, DenseNetShape] = {
    "densenet121": densenet((6, 12, 24, 16)),
    "densenet169": densenet((6, 12, 32, 32)),
    "densenet201": densenet((6, 12, 48, 32)),
    "densenet-tiny": densenet((2, 2, 2, 2), growth=8),
}
CNN = "cnn"
ARCHITECTURES = (*DENSENETS, CNN, *APPLICATIONS)


def named_shape(arch: str, size: int) -> Shape:
    """The shape of `arch` for `size`×`size` pictures; that of an application needs TensorFlow.

    Raises:
        HemotkError: no such architecture, or pictures too small for its poolings.
    """
    if arch not in ARCHITECTURES:
        near = difflib.get_close_matches(arch, ARCHITECTURES, 1, 0.5)
        advice = f"did you mean {near[0]}? Known are" if near else "choose one of"
        raise HemotkError(f"‹arch› {arch}: is unknown; {advice} {', '.join(ARCHITECTURES)}.")
    if size < smallest_input(arch):
        raise HemotkError(f"‹size› {size}: is too small for {arch}; take {smallest_input(arch)} or more.")
    if arch in DENSENETS:
        return DENSENETS[arch]
    if arch == CNN:
        return CnnShape(size=size)
    from hemotk.models.measure import application_shape

    return application_shape(cast(Application, arch), size)


def smallest_input(arch: str) -> int:
    """The smallest picture side that `arch`, one of `ARCHITECTURES`, takes."""
    return SMALLEST_APPLICATION if arch in APPLICATIONS else DENSENETS.get(arch, CnnShape()).smallest_input()


def is_densenet(shape: Shape) -> bool:
    """Whether the export engine's graph can be read from a run of this shape."""
    return isinstance(shape, DenseNetShape)
