"""The importance of each channel: how much a network would lose without it; numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import Weights, check_weights
from hemotk.pruning.channels.groups import INPUTS, Consumer, Group, groups

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChannelScores:
    """The importance of every channel: per group, in the order of `groups(shape)`, an array float64 [width], ≥ 0.

    The score of several channels is the sum of theirs. `layers` float64 [dense layers], ≥ 0, is the importance of each
    layer as a whole, whose channels may do more together; empty where nothing more is known than the sum of its growth.
    """

    values: tuple[Array, ...]
    layers: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        values = tuple(np.array(value, np.float64) for value in (*self.values, self.layers))
        for value in values:
            if value.ndim != 1 or not np.isfinite(value).all() or (value < 0).any():
                raise HemotkError(
                    "scores: hold a number that is negative, infinite or NaN; look for what went wrong in the weights "
                    "or gradients that they come from."
                )
            value.flags.writeable = False
        object.__setattr__(self, "values", values[:-1])
        object.__setattr__(self, "layers", values[-1])

    def check(self, shape: DenseNetShape) -> None:
        """Check that there is one score for every channel of the network.

        Raises:
            HemotkError: there is not.
        """
        of_layers = sum(map(len, shape.blocks))
        if [value.size for value in self.values] != [group.width for group in groups(shape)] or (
            self.layers.size not in (0, of_layers)
        ):
            raise HemotkError("scores: are not one for every channel of the network; score this network.")


def mean_scores(scores: Sequence[ChannelScores]) -> ChannelScores:
    """The mean over batches.

    Raises:
        HemotkError: there is none.
    """
    if not scores:
        raise HemotkError("scores: there is no batch to average over; give at least one.")
    return ChannelScores(
        tuple(np.mean(values, axis=0) for values in zip(*(one.values for one in scores), strict=True)),
        np.mean([one.layers for one in scores], axis=0),
    )


def magnitude(shape: DenseNetShape, weights: Weights) -> ChannelScores:
    """The share that each channel has in what its consumers compute, from weights and BatchNorm statistics alone.

    Consumer r sees channel c with the variance γ² · v / (v + ε), of scale γ and moving variance v of its BatchNorm, and
    hands it on through the row k of its kernel. e_rc = γ² · v / (v + ε) · ‖k‖² is the variance that c puts into what r
    makes, but for ReLU and correlations; the score of c is Σ_r e_rc / Σ_c' e_rc' over all channels c' that r reads.
    So layers count alike whatever their fan-in, a channel that many layers read counts in each, and no rescaling of a
    filter or a kernel changes a score. BatchNorm scales are the criterion of Liu et al. 2017 (arXiv 1708.06519), kernel
    norms that of Li et al. 2017 (arXiv 1608.08710); the norm of the channel's own filter counts as the variance v that
    it makes, since BatchNorm divides the rest of it out. A layer has the sum of the scores of its growth.

    Raises:
        HemotkError: the weights do not fit the network.
    """
    check_weights(weights, shape, Path("weights"))
    all_groups = groups(shape)
    shares = {
        consumer.kernel: _shares(weights, consumer, shape.bn_epsilon)
        for group in all_groups
        for consumer in group.consumers
    }
    values = tuple(
        np.sum([shares[consumer.kernel][consumer.start :][: group.width] for consumer in group.consumers], axis=0)
        for group in all_groups
    )
    return ChannelScores(values, _of_growth(all_groups, [value.sum() for value in values]))


def taylor(shape: DenseNetShape, weights: Weights, gradients: Weights) -> ChannelScores:
    """The squared change of the loss of one batch, to first order, when each channel is silenced.

    For channel c: (Σ_r γ_r · ∂L/∂γ_r + β_r · ∂L/∂β_r)² over the BatchNorms r that read it: the criterion of Molchanov
    et al. 2019 (arXiv 1906.10771) for a gate on what all consumers see of the channel. The step is that of `silenced`,
    where all these γ and β are zero. Nothing is normalized: changes of one loss compare across layers. A layer vanishes
    when all channels of its growth do: its score is the square of their sum.

    `gradients` are those of the mean loss of one batch with respect to the arrays of `shape.arrays()`, by name; only
    every BatchNorm's gamma and beta are read. Take them once per batch (smaller batches tell more) and average with
    `mean_scores`: squares are averaged, not gradients, for gradients of a trained network average to about zero.

    Raises:
        HemotkError: weights or gradients do not fit the network, or a gradient is missing.
    """
    check_weights(weights, shape, Path("weights"))
    _check_gradients(shape, gradients)
    changes = [_change(group, weights, gradients) for group in groups(shape)]
    layers = _of_growth(groups(shape), [change.sum() ** 2 for change in changes])
    return ChannelScores(tuple(map(np.square, changes)), layers)


def _of_growth(all_groups: Sequence[Group], values: Sequence[float]) -> Array:
    """The values of the groups that are the growth of a layer."""
    return np.array([value for group, value in zip(all_groups, values, strict=True) if group.kind == "growth"])


def _shares(weights: Weights, consumer: Consumer, epsilon: float) -> Array:
    """The share of every channel in what one consumer reads; zeros where it reads nothing."""
    gamma, variance, kernel = (
        np.asarray(weights[name], np.float64)
        for name in (f"{consumer.norm}/gamma", f"{consumer.norm}/moving_variance", consumer.kernel)
    )
    variance = np.maximum(variance, 0)
    rows = np.moveaxis(kernel, INPUTS, 0).reshape(gamma.size, -1)
    energy = np.square(gamma) * variance / (variance + epsilon) * np.square(rows).sum(axis=1)
    total = energy.sum()
    return energy / total if total > 0 else energy


def _change(group: Group, weights: Weights, gradients: Weights) -> Array:
    """The change of the loss, to first order, when each channel is silenced."""
    total = np.zeros(group.width)
    for consumer in group.consumers:
        mine = slice(consumer.start, consumer.start + group.width)
        for part in ("gamma", "beta"):
            name = f"{consumer.norm}/{part}"
            total += np.asarray(weights[name][mine], np.float64) * np.asarray(gradients[name][mine], np.float64)
    return total


def _check_gradients(shape: DenseNetShape, gradients: Weights) -> None:
    for name, size in shape.arrays().items():
        if not name.endswith(("/gamma", "/beta")):
            continue
        if name not in gradients or np.shape(gradients[name]) != size:
            raise HemotkError(
                f"gradients: '{name}' is missing or not {list(size)}; take them with respect to every array of the "
                "network."
            )
