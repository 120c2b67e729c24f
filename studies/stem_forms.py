"""Forms of the stem that compute the same: how long a small int8 network takes with each, timed in turns.

    python studies/stem_forms.py FOLDER [--size 224] [--stem 16] [--rounds 200]

writes FORM.tflite for each form to FOLDER, for `make bench-arm` too, and prints medians on one thread of this machine.
Weights are random: times do not depend on them. All forms must give the same bytes.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import tensorflow as tf

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.densenet import plain
from hemotk.exporting.graph import walk
from hemotk.exporting.graph.ir import Conv, Stem, build_graph
from hemotk.exporting.integer.calibrate import channel_ranges
from hemotk.exporting.integer.graph import INT8_STEPS, integer_graph
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.tflite.convert import TensorFlowOps, convert_network, graph_network
from hemotk.files import write_bytes
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.sweep.latency_ratio import random_arrays
from hemotk.tflite.scorer import Scorer

Form = Callable[[Stem, Any, Any], Any]
LAYERS = (LayerShape(16, 8),) * 2


def _pooled(stem: Stem, x: Any, ops: Any) -> Any:
    """A pool behind a PAD."""
    x = ops.max_pool("stem_pool", ops.pad("stem_pool_pad", x, 1, 1), same=False)
    return x if stem.copy is None else ops.pointwise("stem_copy", x, stem.copy, relu=False)


def _blocks_kernel(stem: Stem) -> Any:
    """The kernel for 2×2 blocks of pixels as channels, 4×4, from that for windows of 2×4, 4×2."""
    out = stem.conv.bias.size
    return stem.conv.kernel.reshape(4, 2, 2, 2, 2, out).transpose(0, 1, 3, 2, 4, 5).reshape(4, 4, 4, out)


def _blocks(stem: Stem, h: Any, ops: Any, size: int = 2) -> Any:
    with tf.name_scope("stem_windows"):
        return tf.nn.space_to_depth(ops.lift("stem_lift", h, stem.lift), size)


def picture_padded(stem: Stem, h: Any, ops: Any) -> Any:
    """The first form: the picture is padded, then made into blocks."""
    with tf.name_scope("stem_windows"):
        x = tf.nn.space_to_depth(ops.pad("stem_pad", ops.lift("stem_lift", h, stem.lift), 4, 2), 2)
    conv = Conv(_blocks_kernel(stem), stem.conv.bias)
    return _pooled(stem, ops.conv("stem_conv", x, conv, stride=1, same=False, relu=True), ops)


def blocks_padded(stem: Stem, h: Any, ops: Any) -> Any:
    """The blocks are padded, and so is what the pool reads."""
    x = ops.pad("stem_pad", _blocks(stem, h, ops), 2, 1)
    conv = Conv(_blocks_kernel(stem), stem.conv.bias)
    return _pooled(stem, ops.conv("stem_conv", x, conv, stride=1, same=False, relu=True), ops)


def pool_pads(stem: Stem, h: Any, ops: Any) -> Any:
    """The blocks are padded, and the pool pads by itself; for an even number of blocks a side."""
    x = ops.pad("stem_pad", _blocks(stem, h, ops), 2, 2)
    conv = Conv(_blocks_kernel(stem), stem.conv.bias)
    x = ops.conv("stem_conv", x, conv, stride=1, same=False, relu=True)
    x = ops.cut("stem_pool", ops.max_pool("stem_pool_uncut", x, same=True), h.shape[1] // 4)
    return x if stem.copy is None else ops.pointwise("stem_copy", x, stem.copy, relu=False)


def same_padding(stem: Stem, h: Any, ops: Any) -> Any:
    """A 5×5 convolution that pads by itself."""
    conv = Conv(np.pad(_blocks_kernel(stem), ((0, 1), (0, 1), (0, 0), (0, 0))), stem.conv.bias)
    return _pooled(stem, ops.conv("stem_conv", _blocks(stem, h, ops), conv, stride=1, same=True, relu=True), ops)


def blocks_of_four(stem: Stem, h: Any, ops: Any) -> Any:
    """Blocks of 4×4 pixels, a 3×3 convolution that makes 2×2 places at once, and depth-to-space."""
    out = stem.conv.bias.size
    pixels = _blocks_kernel(stem).reshape(4, 4, 2, 2, out).transpose(0, 2, 1, 3, 4).reshape(8, 8, out)
    kernel = np.zeros((12, 12, 2, 2, out))
    for row, column in np.ndindex(2, 2):
        kernel[2 * row : 2 * row + 8, 2 * column : 2 * column + 8, row, column] = pixels
    taps = kernel.reshape(3, 4, 3, 4, 4 * out).transpose(0, 2, 1, 3, 4).reshape(3, 3, 16, 4 * out)
    conv = Conv(taps, np.tile(stem.conv.bias, 4))
    x = ops.conv("stem_conv", _blocks(stem, h, ops, 4), conv, stride=1, same=True, relu=True)
    with tf.name_scope("stem_pool_pad_before"):
        return _pooled(stem, tf.nn.depth_to_space(x, 2), ops)


FORMS: dict[str, Form] = {
    "picture-padded": picture_padded,
    "blocks-padded": blocks_padded,
    "pool-pads": pool_pads,
    "windows": walk._stem,
    "same-5x5": same_padding,
    "blocks-of-4": blocks_of_four,
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--size", default=224)
@click.option("--stem", default=16)
@click.option("--rounds", default=200)
def main(folder: Path, size: int, stem: int, rounds: int) -> None:
    """Make the files, check that they agree, and time them."""
    spec = PreprocessSpec(size)
    shape = DenseNetShape(stem, (LAYERS,) * 4, (16,) * 3, 1)
    pixels = np.random.default_rng(0).integers(0, 256, (4, size, size)).astype(np.uint8)
    graph = plain(build_graph(shape, random_arrays(shape)))
    made = integer_graph(graph, channel_ranges(graph, pixels, spec), INT8_STEPS)
    ranges = {**made.ranges, "logit": (-8.0, 8.0), "probability": (0.0, 1.0)}
    ranges |= dict.fromkeys(("stem_pool_pad", "stem_pool_pad_before"), ranges["stem_pool"])
    scorers = {}
    for name, form in FORMS.items():
        walk._stem = form  # type: ignore[assignment]
        float32 = convert_network(graph_network(made.graph, TensorFlowOps()), size)
        write_bytes(folder / f"{name}.tflite", quantize(float32, Recipe("int8"), spec, ranges))
        scorers[name] = Scorer(folder / f"{name}.tflite", spec)
    scores = {name: [scorer.score(image) for image in pixels] for name, scorer in scorers.items()}
    if any(found != scores["windows"] for found in scores.values()):
        raise click.ClickException("the forms do not give the same bytes")
    seconds: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(rounds):
        for name, scorer in scorers.items():
            scorer.invoke()
            for _ in range(5):
                began = time.perf_counter()
                scorer.invoke()
                seconds[name].append(time.perf_counter() - began)
    before = np.median(seconds["picture-padded"])
    for name, found in seconds.items():
        click.echo(f"{name:15} {np.median(found) * 1e6:7.0f} µs  {np.median(found) / before:.3f}")


if __name__ == "__main__":
    main()
