"""The groups of images that belong together, without naming anybody."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import ImageRef


def group_numbers(names: Sequence[str | None]) -> list[int | None]:
    """A number from 1 for each of `names`, the same for the same name; None for all if one is not known."""
    if None in names:
        return [None] * len(names)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names), 1)}
    return [numbers[name] for name in names]


def groups_of(images: Sequence[ImageRef]) -> NDArray[np.intp] | None:
    """The group of each image [n]; None where they are not known, or where no two images are of one group."""
    groups = [image.group for image in images if image.group is not None]
    alone = len(groups) < len(images) or len(set(groups)) == len(groups)
    return None if alone else np.array(groups, np.intp)
