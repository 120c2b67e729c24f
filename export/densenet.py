"""A DenseNet's variants: its graph is rewritten first, so that int8 loses less and runs faster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hemotk.artifacts import RunCard
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.graph.cam_head import cam_head
from hemotk.exporting.graph.floor_stem import floor_stem
from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.gray_stem import check_plane, gray_stem
from hemotk.exporting.graph.ir import Graph, read_graph
from hemotk.exporting.graph.pool_first import pool_first
from hemotk.exporting.graph.positive_scales import positive_scales
from hemotk.exporting.graph.preactivation import preactivation
from hemotk.exporting.graph.stem_windows import stem_windows
from hemotk.exporting.integer.calibrate import ChannelRange, channel_ranges
from hemotk.exporting.integer.fit import Fitting, fit
from hemotk.exporting.integer.graph import INT8_STEPS, INT16_STEPS, IntegerGraph, integer_graph
from hemotk.exporting.integer.headroom import with_room
from hemotk.exporting.integer.logit_bias import FEWEST
from hemotk.exporting.recipe import FITTED, Recipe
from hemotk.exporting.selective.layers import Layers, graph_layers
from hemotk.exporting.source import Source
from hemotk.exporting.tflite.convert import convert_graph
from hemotk.exporting.variants import Candidate, integer_candidate
from hemotk.models.shape import DenseNetShape
from hemotk.progress import Tell

# Exact rewrites up to where calibration listens, in their order.
PLAIN: tuple[Callable[[Graph], Graph], ...] = (
    fold_batchnorm,
    gray_stem,
    pool_first,
    positive_scales,
    floor_stem,
    stem_windows,
)


def plain(graph: Graph) -> Graph:
    """The graph as calibration listens to it: every BatchNorm folded but those before the ReLUs of a block."""
    for rewrite in PLAIN:
        graph = rewrite(graph)
    return graph


def exact(graph: Graph) -> Graph:
    """The graph after all exact rewrites: what float32, fp16 and dynamic variants are made of."""
    return preactivation(plain(graph))


@dataclass(frozen=True)
class DenseNetSource:
    """All that a DenseNet's variants are quantized from, as `models.Convertible` says.

    `graph` is the plain one; `measured` its ranges on the calibration images `pixels` uint8 [n, size, size], empty
    where nothing is calibrated.
    """

    card: RunCard
    graph: Graph
    parent: bytes
    measured: Mapping[str, ChannelRange]
    pixels: np.ndarray
    tell: Tell

    @property
    def layers(self) -> Layers:
        """Stem, dense layers, transitions and head."""
        return graph_layers(self.graph)

    def candidate(self, recipe: Recipe) -> Candidate:
        """What the integer variant of this recipe is quantized from; too few images leave out what is fitted."""
        if len(self.pixels) < FEWEST:
            recipe = replace(recipe, without=tuple(dict.fromkeys((*recipe.without, *FITTED))))
        steps = INT8_STEPS if recipe.kind == "int8" else INT16_STEPS
        measured = with_room(self.graph, self.measured) if recipe.does("room") else self.measured
        integer = integer_graph(self.graph, measured, steps)
        content = convert_graph(self._fitted(integer, recipe, steps), self.card.preprocess.size)
        return integer_candidate(content, recipe, self.card, integer.ranges)

    def _fitted(self, integer: IntegerGraph, recipe: Recipe, steps: int) -> Graph:
        """With roundings and biases fitted to the calibration images, as far as the recipe says."""
        roundings, biases = recipe.does("roundings"), recipe.does("biases")
        if not (roundings or biases):
            return integer.graph
        floats = frozenset({"cam"}) if recipe.float_head else frozenset[str]()
        fitting = Fitting(steps, roundings, biases, floats)
        return fit(integer, self.pixels, self.card.preprocess, fitting, self.tell)


def open_densenet(
    source: Source, shape: DenseNetShape, config: ExportConfig, pixels: np.ndarray, tell: Tell
) -> DenseNetSource:
    """Read the run's graph, calibrate it where `config` wants integers, and convert it to float32.

    Raises:
        HemotkError: weights that do not fit or are not finite, or a network that cannot be converted.
    """
    spec = source.card.preprocess
    graph = plain(read_graph(source.folder, shape))
    check_plane(graph, spec)
    if config.cam:
        graph = cam_head(graph)
    measured = channel_ranges(graph, pixels, spec, tell) if config.calibrated else {}
    tell("converting", 0, 1)
    parent = convert_graph(preactivation(graph), spec.size)
    tell("converting", 1, 1)
    return DenseNetSource(source.card, graph, parent, measured, pixels, tell)
