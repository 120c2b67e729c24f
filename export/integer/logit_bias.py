"""The mean error of an integer variant's logit, measured on the calibration images and taken off its bias.

Rounding noise that passes a ReLU has a mean: E[max(x + n, T)] is above max(x, T). It adds up from layer to layer and
moves every logit the same way, so weights and mean inputs alone do not tell it (they do for the bias that Nagel et al.
2019, arXiv 1906.04721, correct). What the finished variant says on images tells it.
"""

import copy
import os
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.exporting.tflite.flatbuffer import Model, read_model, write_model
from hemotk.progress import Tell, silent
from hemotk.tflite.runtime import find_runtime
from hemotk.tflite.scorer import Scorer

# With fewer images the mean says more about them than about the network.
FEWEST = 8
# Operators between the logit and the one that adds its bias: they only average or hand on.
_PASSING = frozenset({"MEAN", "RESHAPE"})
_ADDING = frozenset({"CONV_2D", "FULLY_CONNECTED"})
_BIAS = 2  # its place among their inputs

Logits = npt.NDArray[np.float64]


def logits_of(content: bytes, pixels: npt.NDArray[np.uint8], spec: PreprocessSpec, tell: Tell = silent) -> Logits:
    """The logits [n] of a .tflite on images, uint8 [n, size, size]."""
    scorer = Scorer(content, spec, runtime=find_runtime(), threads=os.cpu_count() or 1)
    found = np.empty(len(pixels))
    for place, image in enumerate(pixels):
        found[place] = scorer.score(image).logit
        tell("measuring the logit", place + 1, len(pixels))
    return found


def shift_logit(content: bytes, by: float) -> bytes:
    """A float32 .tflite with `by` added to the bias of its logit.

    Raises:
        HemotkError: no bias is added to the logit.
    """
    model = read_model(content)
    graph = model.subgraphs[0]
    makers = {int(index): operator for operator in graph.operators for index in operator.outputs}
    names = {tensor.name.decode(): index for index, tensor in enumerate(graph.tensors)}
    operator = makers.get(names["logit"])
    while operator is not None:
        kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        if kind in _ADDING:
            inputs = list(operator.inputs)
            biased = len(inputs) > _BIAS and inputs[_BIAS] >= 0
            bias = _shifted(model, inputs[_BIAS], by) if biased else _new_bias(model, int(operator.outputs[0]), by)
            operator.inputs = [*inputs[:_BIAS], bias]
            return write_model(model)
        operator = makers.get(int(operator.inputs[0])) if kind in _PASSING else None
    raise HemotkError(
        "logit_bias: nothing adds a bias to the logit; export with ‹quantize› fp16, and report the network."
    )


def _new_bias(model: Model, output: int, by: float) -> int:
    """The index of a new bias `by` for the operator that makes tensor `output`; the converter leaves out a zero one."""
    graph = model.subgraphs[0]
    tensor = copy.deepcopy(graph.tensors[output])
    tensor.name, tensor.shape = tensor.name + b"_bias", [int(tensor.shape[-1])]
    tensor.shapeSignature = None
    return _append(model, tensor, np.full(tensor.shape, by))


def _shifted(model: Model, index: int, by: float) -> int:
    """The index of a new tensor: that of `index` with `by` added, in a buffer of its own, for others may share it."""
    graph = model.subgraphs[0]
    tensor = copy.deepcopy(graph.tensors[index])
    tensor.name += b"_shifted"
    return _append(model, tensor, np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32) + np.float32(by))


def _append(model: Model, tensor: Any, values: np.ndarray) -> int:
    """Add `tensor` with these numbers, float32, in a buffer of its own."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1
