"""The ranges that activations take on calibration images, in one batched pass over the graph.

Least and greatest values and means are kept, so neither the order of the images nor the batches matter.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from hemotk.artifacts import PreprocessSpec
from hemotk.data.read.preprocess import normalize
from hemotk.errors import HemotkError
from hemotk.exporting.graph.ir import Array, Conv, Graph
from hemotk.exporting.graph.walk import walk
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import Tensor, TensorFlowOps
from hemotk.exporting.tflite.flatbuffer import INPUT, SIGNATURE
from hemotk.progress import Tell, silent
from hemotk.quiet import quiet, without_remarks

BATCH = 10
DERIVED = ("_act", "_act_scaled", "_concat")
_REDUCTIONS = (tf.reduce_min, tf.reduce_max, tf.reduce_mean)


@dataclass(frozen=True)
class ChannelRange:
    """Least and greatest value of each channel [C] of one activation, and its `mean` before any ReLU."""

    low: Array
    high: Array
    mean: Array

    def behind_relu(self) -> "ChannelRange":
        """The range of what a ReLU leaves."""
        return ChannelRange(np.maximum(self.low, 0), np.maximum(self.high, 0), self.mean)

    def whole(self) -> tuple[float, float]:
        """Of all channels together."""
        return float(self.low.min()), float(self.high.max())


def channel_ranges(
    graph: Graph, pixels: np.ndarray, spec: PreprocessSpec, tell: Tell = silent
) -> dict[str, ChannelRange]:
    """Run the graph on uint8 `pixels` [n, size, size] and note what its operations make, by their names.

    Pre-activations and concats are left out: they are the widest tensors, and their ranges follow from the channels
    that they are made of.

    Raises:
        HemotkError: an activation is not finite.
    """
    parts: list[dict[str, ChannelRange]] = []
    for start in range(0, len(pixels), BATCH):
        ops = _ListeningOps()
        # Not traced: tracing takes longer than the hundred images, and would hold on to every activation.
        walk(graph, tf.constant(normalize(pixels[start : start + BATCH, :, :, np.newaxis], spec)), ops)
        parts.append(ops.heard)
        tell("calibrating", min(start + BATCH, len(pixels)), len(pixels))
    counts = [min(BATCH, len(pixels) - start) for start in range(0, len(pixels), BATCH)]
    found = {name: _joined([part[name] for part in parts], counts) for name in parts[0]}
    for name, range_ in found.items():
        if not (np.isfinite(range_.low).all() and np.isfinite(range_.high).all()):
            raise HemotkError(f"calibration: activation '{name}' is not finite; train again at a lower learning rate.")
    return found


def _joined(parts: list[ChannelRange], counts: list[int]) -> ChannelRange:
    """Of all images, where each part was heard on so many."""
    return ChannelRange(
        np.min([part.low for part in parts], 0),
        np.max([part.high for part in parts], 0),
        np.average([part.mean for part in parts], 0, counts),
    )


class _ListeningOps(TensorFlowOps):
    """TensorFlow operations that note extremes and mean of their results per channel."""

    def __init__(self) -> None:
        self.heard: dict[str, ChannelRange] = {}

    def made(self, name: str, result: Tensor) -> Tensor:
        if not name.endswith(DERIVED):
            reduced = (reduce(result, range(len(result.shape) - 1)) for reduce in _REDUCTIONS)
            self.heard[name] = ChannelRange(*(value.numpy().astype(np.float64) for value in reduced))
        return result

    def conv(self, name: str, x: Tensor, conv: Conv, *, stride: int, same: bool, relu: bool, apart: int = 1) -> Tensor:
        y = super().conv(name, x, conv, stride=stride, same=same, relu=False, apart=apart)
        if not relu:
            return y
        self.heard[name] = self.heard[name].behind_relu()
        return tf.nn.relu(y)


def tensor_ranges(
    content: bytes, pixels: np.ndarray, spec: PreprocessSpec, tell: Tell = silent
) -> dict[str, tuple[float, float]]:
    """Least and greatest value of every tensor of any float32 .tflite of the pixel contract, by tensor name.

    One interpreter call per image: for networks that are no graph of ours.
    """
    from litert_quantizer import calibrator, recipe_manager
    from litert_quantizer.utils import qsv_utils

    rules = recipe_manager.RecipeManager()
    rules.load_quantization_recipe(Recipe("int8").rules())
    with quiet(), without_remarks():
        tool = calibrator.Calibrator(content, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    for index, image in enumerate(pixels):
        with quiet():
            tool.calibrate({SIGNATURE: [{INPUT: normalize(image[np.newaxis, :, :, np.newaxis], spec)}]}, rules)
        tell("calibrating", index + 1, len(pixels))
    found = tool.get_model_qsvs()
    return {name: (float(value["min"].min()), float(value["max"].max())) for name, value in found.items() if value}
