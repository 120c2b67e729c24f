"""From a run to the .tflite of every variant."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hemotk.artifacts import WEIGHTS_FILE
from hemotk.errors import HemotkError
from hemotk.export.calibrate import channel_ranges, tensor_ranges
from hemotk.export.config import ExportConfig
from hemotk.export.convert import Network, convert_graph, convert_network
from hemotk.export.graph.cam_head import cam_head
from hemotk.export.graph.fold_batchnorm import fold_batchnorm
from hemotk.export.graph.gray_stem import gray_stem
from hemotk.export.graph.ir import Graph, read_graph
from hemotk.export.graph.pool_first import pool_first
from hemotk.export.graph.positive_scales import positive_scales
from hemotk.export.graph.preactivation import preactivation
from hemotk.export.integer import INT8_STEPS, INT16_STEPS, integer_graph
from hemotk.export.quantize import Range, logit_range, quantize
from hemotk.export.recipe import Recipe
from hemotk.export.source import Source
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights

Progress = Callable[[str, int, int], None]

# Exact rewrites up to where calibration listens, in their order.
PLAIN: tuple[Callable[[Graph], Graph], ...] = (fold_batchnorm, gray_stem, pool_first, positive_scales)


def make_models(source: Source, config: ExportConfig, pixels: np.ndarray, progress: Progress) -> dict[str, bytes]:
    """The .tflite of each kind, float32 first; `pixels` uint8 [n, size, size] are the calibration images.

    Raises:
        HemotkError: weights that do not fit or are not finite, or a network that cannot be converted or quantized.
    """
    make = _graph_models if isinstance(source.shape, DenseNetShape) else _plain_models
    return make(source, config, pixels, progress)


def plain(graph: Graph) -> Graph:
    """The graph as calibration listens to it: every BatchNorm folded but those before the ReLUs of a block."""
    for rewrite in PLAIN:
        graph = rewrite(graph)
    return graph


def exact(graph: Graph) -> Graph:
    """The graph after all exact rewrites: what float32, fp16 and dynamic variants are made of."""
    return preactivation(plain(graph))


def _graph_models(source: Source, config: ExportConfig, pixels: np.ndarray, progress: Progress) -> dict[str, bytes]:
    spec = source.card.preprocess
    graph = plain(read_graph(source.folder))
    if config.cam:
        graph = cam_head(graph)
    measured = {}
    if config.calibrated:
        measured = channel_ranges(graph, pixels, spec, lambda done, total: progress("calibrating", done, total))
    progress("converting", 0, 1)
    models = {"float32": convert_graph(preactivation(graph), spec.size)}
    for index, recipe in enumerate(config.recipes):
        progress("quantizing", index, len(config.recipes))
        if recipe.calibrated:
            integer = integer_graph(graph, measured, INT8_STEPS if recipe.kind == "int8" else INT16_STEPS)
            content = convert_graph(integer.graph, spec.size)
            models[recipe.kind] = quantize(content, recipe, spec, _with_logit(integer.ranges, recipe, source))
        else:
            models[recipe.kind] = quantize(models["float32"], recipe, spec, {})
    return models


def _plain_models(source: Source, config: ExportConfig, pixels: np.ndarray, progress: Progress) -> dict[str, bytes]:
    """For networks that are no DenseNet."""
    if config.cam:
        raise HemotkError(
            "--cam: only a DenseNet has a class-activation map, and the run is none; export without --cam."
        )
    spec = source.card.preprocess
    progress("converting", 0, 1)
    content = convert_network(_keras_network(source), spec.size)
    ranges = {}
    if config.calibrated:
        ranges = tensor_ranges(content, pixels, spec, lambda done, total: progress("calibrating", done, total))
    models = {"float32": content}
    for recipe in config.recipes:
        of = _with_logit(ranges, recipe, source) if recipe.calibrated else {}
        models[recipe.kind] = quantize(content, recipe, spec, of)
    return models


def _with_logit(ranges: Mapping[str, Range], recipe: Recipe, source: Source) -> dict[str, Range]:
    """The ranges with room around the logit that decides."""
    card = source.card
    decision = card.temperature * math.log(card.threshold / (1 - card.threshold))
    return {**ranges, "logit": logit_range(ranges["logit"], decision, recipe.logit_margin)}


def _keras_network(source: Source) -> Network:
    from hemotk.models.build import build_model, set_arrays, with_logit

    weights = read_weights(source.folder / WEIGHTS_FILE, source.shape)
    model = build_model(source.shape)
    set_arrays(model, weights)
    outputs = with_logit(model)

    def network(h: Any) -> Mapping[str, Any]:
        logit, probability = outputs(h, training=False)
        return {"logit": logit, "probability": probability}

    return network
