"""Classifiers as other tools export them, written tensor by tensor: every score is known exactly."""

import numpy as np
from mean_models import DEQUANTIZE, LOGISTIC, MEAN, QUANTIZE, Writer

from ai_edge_litert import schema_py_generated as schema  # isort: skip

FULLY_CONNECTED, SOFTMAX, TRANSPOSE = 9, 25, 39
SIDE = 16


def foreign_model(
    *, channels=3, first=False, batch=1, weights=((1.0, 0.0, 0.0),), end="sigmoid",
    stored=None, out=None, inputs=1, size=(SIDE, SIDE),
):  # fmt: skip
    """The means of the picture's channels, times `weights` [K, channels], through `end` (sigmoid, softmax, logits).

    `stored` and `out` are (dtype, scale, zero point) of input and output, None for float32. `batch` −1 leaves it open.
    """
    writer, shape = Writer(), (1, channels, *size) if first else (1, *size, channels)
    pixels = writer.tensor("in", shape, *(stored or ()))
    if batch == -1:
        writer.graph.tensors[pixels].shapeSignature = [-1, *shape[1:]]
    real = writer.operator(DEQUANTIZE, [pixels], writer.tensor("real", shape)) if stored else pixels
    axes = np.array((2, 3) if first else (1, 2), np.int32)
    means = writer.operator(
        MEAN, [real, writer.tensor("axes", (2,), "int32", data=axes)], writer.tensor("m", (1, channels))
    )
    kernel = np.array(weights, np.float32)[:, :channels]
    held = writer.tensor("w", kernel.shape, data=np.ascontiguousarray(kernel))
    found = writer.operator(FULLY_CONNECTED, [means, held, -1], writer.tensor("z", (1, len(kernel))))
    writer.graph.operators[-1].builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    writer.graph.operators[-1].builtinOptions = schema.FullyConnectedOptionsT()
    if end != "logits":
        code = {"sigmoid": LOGISTIC, "softmax": SOFTMAX}[end]
        found = writer.operator(code, [found], writer.tensor("p", (1, len(kernel))))
    if end == "softmax":
        writer.graph.operators[-1].builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
        writer.graph.operators[-1].builtinOptions = schema.SoftmaxOptionsT()
        writer.graph.operators[-1].builtinOptions.beta = 1.0
    if out:
        found = writer.operator(QUANTIZE, [found], writer.tensor("out", (1, len(kernel)), *out))
    extra = [writer.tensor(f"more{number}", shape) for number in range(inputs - 1)]
    writer.graph.inputs, writer.graph.outputs = [pixels, *extra], [found]
    return writer.bytes()
