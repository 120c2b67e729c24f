"""The ranges that activations take on calibration images, in one batched pass over the graph.

Least and greatest values are kept, so neither the order of the images nor the batches matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from hemotk.artifacts import PreprocessSpec
from hemotk.data.preprocess import normalize
from hemotk.errors import HemotkError
from hemotk.export.convert import Tensor, TensorFlowOps
from hemotk.export.flatbuffer import INPUT, SIGNATURE
from hemotk.export.graph.ir import Array, Graph
from hemotk.export.graph.walk import walk
from hemotk.export.quiet import quiet
from hemotk.export.recipe import Recipe

Progress = Callable[[int, int], None]
BATCH = 8


@dataclass(frozen=True)
class ChannelRange:
    """Least and greatest value of each channel [C] of one activation."""

    low: Array
    high: Array

    def joined(self, other: "ChannelRange") -> "ChannelRange":
        """The range that holds both."""
        return ChannelRange(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def whole(self) -> tuple[float, float]:
        """Of all channels together."""
        return float(self.low.min()), float(self.high.max())


def channel_ranges(
    graph: Graph, pixels: np.ndarray, spec: PreprocessSpec, progress: Progress | None = None
) -> dict[str, ChannelRange]:
    """Run the graph on uint8 `pixels` [n, size, size] and note every activation, by the name of its operation.

    Raises:
        HemotkError: an activation is not finite.
    """
    listen = _listener(graph, spec.size)
    found: dict[str, ChannelRange] = {}
    for start in range(0, len(pixels), BATCH):
        batch = normalize(pixels[start : start + BATCH, :, :, np.newaxis], spec)
        for name, (low, high) in listen(tf.constant(batch)).items():
            new = ChannelRange(low.numpy().astype(np.float64), high.numpy().astype(np.float64))
            found[name] = new.joined(found.get(name, new))
        if progress:
            progress(min(start + BATCH, len(pixels)), len(pixels))
    for name, range_ in found.items():
        if not (np.isfinite(range_.low).all() and np.isfinite(range_.high).all()):
            raise HemotkError(f"calibration: activation '{name}' is not finite; train again at a lower learning rate.")
    return found


def _listener(graph: Graph, size: int) -> Callable[[Tensor], Mapping[str, tuple[Tensor, Tensor]]]:
    @tf.function(input_signature=[tf.TensorSpec((None, size, size, 1), tf.float32)])
    def listen(h: Tensor) -> Mapping[str, tuple[Tensor, Tensor]]:
        ops = _ListeningOps()
        walk(graph, h, ops)
        return ops.heard

    return listen


class _ListeningOps(TensorFlowOps):
    """TensorFlow operations that note the extremes of every result per channel."""

    def __init__(self) -> None:
        self.heard: dict[str, tuple[Tensor, Tensor]] = {}

    def made(self, name: str, result: Tensor) -> Tensor:
        others = range(len(result.shape) - 1)
        self.heard[name] = tf.reduce_min(result, others), tf.reduce_max(result, others)
        return result


def tensor_ranges(
    content: bytes, pixels: np.ndarray, spec: PreprocessSpec, progress: Progress | None = None
) -> dict[str, tuple[float, float]]:
    """Least and greatest value of every tensor of any float32 .tflite of the pixel contract, by tensor name.

    One interpreter call per image: for networks that are no graph of ours.
    """
    from litert_quantizer import calibrator, recipe_manager
    from litert_quantizer.utils import qsv_utils

    rules = recipe_manager.RecipeManager()
    rules.load_quantization_recipe(Recipe("int8").rules())
    with quiet():
        tool = calibrator.Calibrator(content, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    for index, image in enumerate(pixels):
        with quiet():
            tool.calibrate({SIGNATURE: [{INPUT: normalize(image[np.newaxis, :, :, np.newaxis], spec)}]}, rules)
        if progress:
            progress(index + 1, len(pixels))
    found = tool.get_model_qsvs()
    return {name: (float(value["min"].min()), float(value["max"].max())) for name, value in found.items() if value}
