"""Taking channels out of a network, and the network of full size that it must then equal."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import Weights, check_weights
from hemotk.pruning.channels.groups import OUTPUTS, groups, with_widths
from hemotk.pruning.channels.keep import KeepSet

Indices = npt.NDArray[np.intp]


def positions(shape: DenseNetShape, keep: KeepSet) -> dict[tuple[str, int], Indices]:
    """(array, axis) → the indices that stay, ascending; axes are counted from the end.

    Arrays and axes that are not named stay whole: the network input, the hidden layers' outputs, the biases.

    Raises:
        HemotkError: the keep-set does not fit the network.
    """
    keep.check(shape)
    places: dict[tuple[str, int], list[Indices]] = {}
    for group, channels in zip(groups(shape), keep.flat(), strict=True):
        for place in group.places():
            places.setdefault((place.array, place.axis), []).append(np.array(channels, np.intp) + place.start)
    return {where: np.concatenate(indices) for where, indices in places.items()}


def cut(shape: DenseNetShape, weights: Weights, keep: KeepSet) -> tuple[DenseNetShape, dict[str, np.ndarray]]:
    """The network without the channels that are not kept: its shape, and copies of the entries that stay, float32.

    It computes the same function as `silenced`. Layers of which nothing stays are gone, and those behind them in their
    block take their numbers.

    Raises:
        HemotkError: keep-set or weights do not fit the network.
    """
    check_weights(weights, shape, Path("weights"))
    indices = positions(shape, keep)
    smaller = cut_shape(shape, keep)
    arrays = {}
    for name, source in zip(smaller.arrays(), _stay(shape, keep), strict=True):
        array = np.array(weights[source], np.float32)
        for axis in range(-array.ndim, 0):
            if (source, axis) in indices:
                array = np.take(array, indices[source, axis], axis)
        arrays[name] = array
    return smaller, arrays


def silenced(shape: DenseNetShape, weights: Weights, keep: KeepSet) -> dict[str, np.ndarray]:
    """Weights of full size, float32, in which the channels that are not kept carry nothing.

    The convolution that makes such a channel is zero there, and so are gamma and beta of each BatchNorm that it
    enters: a BatchNorm would otherwise make a constant of a channel that is zero.

    Raises:
        HemotkError: keep-set or weights do not fit the network.
    """
    check_weights(weights, shape, Path("weights"))
    keep.check(shape)
    arrays = {name: np.array(weights[name], np.float32) for name in shape.arrays()}
    for group, channels in zip(groups(shape), keep.flat(), strict=True):
        gone = np.setdiff1d(np.arange(group.width), channels)
        for place in group.places():
            if place.axis == OUTPUTS and not place.array.endswith(("/moving_mean", "/moving_variance")):
                arrays[place.array][..., gone + place.start] = 0
    return arrays


def cut_shape(shape: DenseNetShape, keep: KeepSet) -> DenseNetShape:
    """The widths that are left; `keep` must fit."""
    return with_widths(shape, map(len, keep.flat()))


def _stay(shape: DenseNetShape, keep: KeepSet) -> list[str]:
    """The arrays of the layers that stay, in the order of `shape.arrays()`, which is also that of the cut network."""
    gone = tuple(
        f"conv{b + 2}_block{i + 1}_"
        for b, block in enumerate(keep.blocks)
        for i, layer in enumerate(block)
        if layer.vanishes
    )
    return [name for name in shape.arrays() if not name.startswith(gone)]
