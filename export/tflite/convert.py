"""From a graph, or any callable network, to a float32 .tflite: batch 1, signature `serving_default`.

The input `pixels` float32 [1, size, size, 1] is the network input h of the pixel contract; the outputs are `logit`,
`probability` [1, 1] and, where the graph makes one, `cam`.
"""

import gc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from hemotk.errors import HemotkError
from hemotk.exporting.graph.ir import Affine, Array, Conv, Graph, Linear
from hemotk.exporting.graph.walk import walk
from hemotk.exporting.tflite.fill import fill, mark
from hemotk.exporting.tflite.flatbuffer import INPUT, add_signature
from hemotk.quiet import quiet

Tensor = Any
Network = Callable[[Tensor], Mapping[str, Tensor]]


def convert_graph(graph: Graph, size: int) -> bytes:
    """Trace the graph with its arrays as constants and convert it.

    Every activation tensor of the result is named after the operation of `walk` that made it, up to the first '/'.
    """
    ops = _MarkingOps()
    filled = fill(convert_network(graph_network(graph, ops), size), ops.arrays)
    return convert_network(graph_network(graph, TensorFlowOps()), size) if filled is None else filled


def graph_network(graph: Graph, ops: "TensorFlowOps") -> Network:
    """The graph as a TensorFlow function from h to its outputs by name."""

    def network(h: Tensor) -> Mapping[str, Tensor]:
        outputs = walk(graph, h, ops)
        found = {"logit": outputs.logit, "probability": outputs.probability}
        return found if outputs.cam is None else {**found, "cam": outputs.cam}

    return network


def convert_network(network: Network, size: int) -> bytes:
    """Convert a network that maps h float32 [1, size, size, 1] to a mapping with `logit` and `probability` [1, 1].

    Raises:
        HemotkError: the converter does not know an operation of the network.
    """
    content, outputs = _converted(network, size)
    gc.collect()  # the traced function and its constants hold on to each other
    return add_signature(content, outputs)


def _converted(network: Network, size: int) -> tuple[bytes, list[str]]:
    """The model without a signature, and its outputs' names in order."""
    function = tf.function(lambda pixels: dict(network(pixels)), autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec((1, size, size, 1), tf.float32, INPUT))
    with quiet():
        # Without the trackable object the converter takes a quarter of the time and half the memory, but leaves the
        # signature out.
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
        try:
            return bytes(converter.convert()), sorted(concrete.structured_outputs)
        except Exception as error:  # the converter raises its own undocumented types
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise HemotkError(f"conversion: the TFLite converter refused the network ({reason}); report it.") from error


class TensorFlowOps:
    """The operations of `walk.Ops` as TensorFlow operations with constant arrays, each under its own name scope."""

    def made(self, name: str, result: Tensor) -> Tensor:
        """Called with the result of every operation; a listener overrides it."""
        return result

    def weights(self, array: Array) -> Tensor:
        """Those of a convolution or a dense layer; a subclass may put something else of their shape there."""
        return _constant(array)

    def lift(self, name: str, x: Tensor, affine: Affine) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            parts = [_lifted(x, *pair) for pair in zip(affine.scale.tolist(), affine.shift.tolist(), strict=True)]
            return self.made(name, parts[0] if len(parts) == 1 else tf.concat(parts, -1))

    def pad(self, name: str, x: Tensor, before: int, after: int) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            return self.made(name, tf.pad(x, ((0, 0), (before, after), (before, after), (0, 0))))

    def cut(self, name: str, x: Tensor, side: int) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            return self.made(name, x[:, :side, :side])

    def windows(self, name: str, x: Tensor, places: int) -> Tensor:
        """From two copies, the second two pixels further left: every second window is a piece of each.

        Rows of pixels are padded and put together, and one transposition does the rest: all of it works on long runs
        of bytes. Five dimensions are what every runtime transposes.
        """
        _, height, width, channels = x.shape
        side = 2 * places + 6  # of each copy, in pixels
        with tf.name_scope(name):
            x = tf.reshape(x, (-1, height, width * channels))
            ends = side - 4 - height, (side + 2 - 4 - width) * channels
            x = tf.pad(x, ((0, 0), (4, ends[0]), (4 * channels, ends[1])))
            run = side * channels
            x = tf.concat([x[:, :, :run], x[:, :, 2 * channels : 2 * channels + run]], -1)
            x = tf.transpose(tf.reshape(x, (-1, 2, 2, side // 4, 4 * channels)), (0, 3, 2, 1, 4))
            x = tf.reshape(x, (-1, side // 2, side // 2, 8 * channels))
            return self.made(name, x[:, :, : places + 2])

    def conv(self, name: str, x: Tensor, conv: Conv, *, stride: int, same: bool, relu: bool, apart: int = 1) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            padding = "SAME" if same else "VALID"
            y = tf.nn.conv2d(x, self.weights(conv.kernel), stride, padding, dilations=(1, apart))
            return self.made(name, _relu(tf.nn.bias_add(y, _constant(conv.bias)), relu))

    def pointwise(self, name: str, x: Tensor, linear: Linear, *, relu: bool) -> Tensor:
        """See `walk.Ops`."""
        conv = Conv(linear.weight[np.newaxis, np.newaxis], linear.bias)
        return self.conv(name, x, conv, stride=1, same=False, relu=relu)

    def affine(self, name: str, x: Tensor, affine: Affine, *, relu: bool) -> Tensor:
        """As a MUL and an ADD, which takes the ReLU; the product is an operation of its own, `<name>_scaled`."""
        with tf.name_scope(f"{name}_scaled"):
            scaled = self.made(f"{name}_scaled", x * _constant(affine.scale))
        with tf.name_scope(name):
            return self.made(name, _relu(scaled + _constant(affine.shift), relu))

    def maximum(self, name: str, x: Tensor, level: Array) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            level = _constant(level.reshape(1, 1, 1, -1))  # the rank that int8 MAXIMUM asks for
            return self.made(name, tf.maximum(x, level))

    def max_pool(self, name: str, x: Tensor, *, same: bool) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            return self.made(name, tf.nn.max_pool2d(x, 3, 2, "SAME" if same else "VALID"))

    def average_pool(self, name: str, x: Tensor) -> Tensor:
        """As a depthwise convolution of weights ¼: XNNPACK takes no int8 AVERAGE_POOL_2D."""
        with tf.name_scope(name):
            quarter = tf.constant(0.25, tf.float32, (2, 2, x.shape[-1], 1))
            return self.made(name, tf.nn.depthwise_conv2d(x, quarter, (1, 2, 2, 1), "VALID"))

    def concat(self, name: str, parts: tuple[Tensor, ...]) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            return self.made(name, tf.concat(parts, -1))

    def mean(self, name: str, x: Tensor) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            return self.made(name, tf.reduce_mean(x, (1, 2)))

    def dense(self, name: str, x: Tensor, linear: Linear, *, relu: bool) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            y = tf.matmul(x, self.weights(linear.weight)) + _constant(linear.bias)
            return self.made(name, _relu(y, relu))

    def sigmoid(self, name: str, x: Tensor) -> Tensor:
        """See `walk.Ops`."""
        with tf.name_scope(name):
            return self.made(name, tf.sigmoid(x))


class _MarkingOps(TensorFlowOps):
    """TensorFlow operations with marks instead of their weights, which are kept for later."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def weights(self, array: Array) -> Tensor:
        self.arrays.append(array)
        return tf.constant(mark(len(self.arrays) - 1), tf.float32, array.shape)


def _constant(array: Array) -> Tensor:
    return tf.constant(array, tf.float32)


def _lifted(x: Tensor, scale: float, shift: float) -> Tensor:
    if scale == 0:
        return tf.fill(tf.shape(x), tf.constant(shift, tf.float32))
    return x if (scale, shift) == (1, 0) else x * scale + shift


def _relu(x: Tensor, wanted: bool) -> Tensor:
    return tf.nn.relu(x) if wanted else x
