"""From a run to the .tflite of every variant."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hemotk.artifacts import WEIGHTS_FILE
from hemotk.export.calibrate import channel_ranges, tensor_ranges
from hemotk.export.config import ExportConfig
from hemotk.export.convert import Network, convert_graph, convert_network
from hemotk.export.graph.fold_batchnorm import fold_batchnorm
from hemotk.export.graph.gray_stem import gray_stem
from hemotk.export.graph.ir import Graph, read_graph
from hemotk.export.graph.pool_first import pool_first
from hemotk.export.quantize import Range, quantize
from hemotk.export.source import Source
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights

Progress = Callable[[str, int, int], None]
REWRITES: tuple[Callable[[Graph], Graph], ...] = (fold_batchnorm, gray_stem, pool_first)


def make_models(source: Source, config: ExportConfig, pixels: np.ndarray, progress: Progress) -> dict[str, bytes]:
    """The .tflite of each kind, float32 first; `pixels` uint8 [n, size, size] are the calibration images.

    Raises:
        HemotkError: weights that do not fit or are not finite, or a network that cannot be converted or quantized.
    """
    make = _graph_model if isinstance(source.shape, DenseNetShape) else _plain_model
    content, ranges = make(source, pixels, progress)
    models = {"float32": content}
    for index, recipe in enumerate(config.recipes):
        progress("quantizing", index, len(config.recipes))
        models[recipe.kind] = quantize(content, recipe, source.card.preprocess, ranges)
    return models


def rewritten(graph: Graph) -> Graph:
    """The graph after all exact rewrites."""
    for rewrite in REWRITES:
        graph = rewrite(graph)
    return graph


def _graph_model(source: Source, pixels: np.ndarray, progress: Progress) -> tuple[bytes, Mapping[str, Range]]:
    spec = source.card.preprocess
    graph = rewritten(read_graph(source.folder))
    ranges = {}
    if len(pixels):
        found = channel_ranges(graph, pixels, spec, lambda done, total: progress("calibrating", done, total))
        ranges = {name: range_.whole() for name, range_ in found.items()}
    progress("converting", 0, 1)
    return convert_graph(graph, spec.size), ranges


def _plain_model(source: Source, pixels: np.ndarray, progress: Progress) -> tuple[bytes, Mapping[str, Range]]:
    """For networks that are no DenseNet."""
    spec = source.card.preprocess
    progress("converting", 0, 1)
    content = convert_network(_keras_network(source), spec.size)
    ranges = {}
    if len(pixels):
        ranges = tensor_ranges(content, pixels, spec, lambda done, total: progress("calibrating", done, total))
    return content, ranges


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
