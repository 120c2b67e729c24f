"""Channels that never change: they take no part in quantization, their value goes into the biases of their readers."""

from dataclasses import replace

import numpy as np

from hemotk.exporting.graph.ir import Affine, Array, Graph, Linear, Reader, affine, readers, with_readers
from hemotk.exporting.integer.quantize import Range
from hemotk.exporting.integer.ranges import LEAST_WIDTH, Measured, effective_ranges

# A channel that changes by less than this share of its value would take biases and factors that int8 kernels refuse.
LEAST_CHANGE = 2.0**-12
# Biases are int32 in steps of (input step · weight step); this leaves a factor of 2 below their end.
LARGEST_BIAS = 2.0**30
WEIGHT_STEPS = 127


def without_constants(graph: Graph, measured: Measured) -> Graph:
    """Let no reader of the plain `graph` see a channel that was constant, or all but, on the calibration images.

    BatchNorm divides a dead channel by √ε, so that its readers have weights of several hundred for it: in int8 they
    would leave nothing of the other channels, which share their quantization step. Equal to `graph` wherever those
    channels keep the value they had.
    """
    for block in range(len(graph.blocks)):
        effective = effective_ranges(graph, block, measured)
        width = effective.high - effective.low
        constant = width <= np.maximum(max(width.max(), 0.0) * LEAST_WIDTH, np.abs(effective.high) * LEAST_CHANGE)
        found = tuple(_without(reader, constant, effective.high) for reader in readers(graph, block))
        graph = with_readers(graph, block, found)
    return graph


def _without(reader: Reader, constant: np.ndarray, value: Array) -> Reader:
    before = affine(reader)
    constant, value = constant[: before.scale.size], value[: before.scale.size]
    shift = np.where(constant, before.scale * value + before.shift, before.shift)
    return replace(reader, before=Affine(np.where(constant, 0, before.scale), shift))


def with_least_weights(graph: Graph, ranges: dict[str, Range], widths: tuple[float, ...]) -> Graph:
    """Give output channels that are all bias a weight just large enough that their bias fits into int32.

    A filter of zeros, as pruning leaves them, would get a step of next to nothing, and its bias would be cut off at
    2^31 of those. The added weight moves the output by at most 2^-15 of the bias. `widths` are those of the blocks.
    """
    blocks = tuple(
        tuple(replace(layer, reduce=_least(layer.reduce, width)) for layer in layers)
        for layers, width in zip(graph.blocks, widths, strict=True)
    )
    inputs = ["head_mean", *(f"hidden{index}" for index in range(1, len(graph.head.hidden)))]
    hidden = tuple(
        _least(linear, max(map(abs, ranges[name]))) for linear, name in zip(graph.head.hidden, inputs, strict=False)
    )
    return replace(graph, blocks=blocks, head=replace(graph.head, hidden=hidden))


def _least(linear: Linear, width: float) -> Linear:
    """`width` is the greatest input; its step is at least a 255th of that."""
    step = max(width, 1e-6) / 255
    least = np.abs(linear.bias) / (step * LARGEST_BIAS) * WEIGHT_STEPS
    weight = linear.weight.copy()
    greatest = np.abs(weight).argmax(axis=0), np.arange(weight.shape[1])
    weight[greatest] = np.where(
        np.abs(weight[greatest]) < least, np.copysign(least, weight[greatest]), weight[greatest]
    )
    return Linear(weight, linear.bias)
