"""The graph that int8 and int16x8 variants are made of, and the ranges of its tensors."""

from collections.abc import Mapping
from dataclasses import dataclass

from hemotk.exporting.graph.equalize import equalize
from hemotk.exporting.graph.ir import Array, Graph
from hemotk.exporting.integer.calibrate import ChannelRange
from hemotk.exporting.integer.constants import with_least_weights, without_constants
from hemotk.exporting.integer.quantize import Range
from hemotk.exporting.integer.ranges import block_widths, choose_scalings, scaled_means, scaled_ranges
from hemotk.exporting.integer.thresholds import Grid, fit_levels

INT8_STEPS = 255
INT16_STEPS = 32767


@dataclass(frozen=True)
class IntegerGraph:
    """A graph that fits the grids of its blocks, and the range of each of its operations.

    `means` are the mean outputs [C] that its convolutions have on the calibration images where nothing is rounded,
    before any ReLU.
    """

    graph: Graph
    ranges: Mapping[str, Range]
    means: Mapping[str, Array]


def integer_graph(plain: Graph, measured: Mapping[str, ChannelRange], steps: int) -> IntegerGraph:
    """Equalize the plain graph's channels and put its thresholds on grids of `steps` steps.

    Equal to `plain` but for the rounding of thresholds, on images whose activations stay within what was measured.
    """
    changing = without_constants(plain, measured)
    scalings = choose_scalings(changing, measured)
    scaled = equalize(changing, scalings)
    widths = block_widths(changing, measured, scalings)
    ranges = scaled_ranges(changing, scaled, measured, scalings)
    means = scaled_means(changing, measured, scalings)
    fitted = fit_levels(scaled, [Grid(width, steps) for width in widths])
    return IntegerGraph(with_least_weights(fitted, ranges, widths), ranges, means)
