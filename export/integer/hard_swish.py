"""HARD_SWISH as operators that also run fast in integers: x · relu6(x + 3) / 6 = (x / 6) · relu6(x + 3).

The formula is that of Howard et al. 2019 (arXiv 1905.02244), section 5.2. XNNPACK leaves an int8 HARD_SWISH to the
interpreter, and litert-quantizer has none for 16 bits.
"""

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from hemotk.exporting.tflite.flatbuffer import Model, operator_code, read_model, write_model


def split_hard_swish(content: bytes) -> bytes:
    """The same float32 .tflite with every HARD_SWISH as MUL, ADD with RELU6, and MUL."""
    model = read_model(content)
    graph = model.subgraphs[0]
    if not any(_is_hard_swish(model, operator) for operator in graph.operators):
        return content
    split = _Split(model)
    found = []
    for operator in graph.operators:
        found += split.operators(operator) if _is_hard_swish(model, operator) else [operator]
    graph.operators = found
    return write_model(model)


def _is_hard_swish(model: Model, operator: Any) -> bool:
    return bool(model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.HARD_SWISH)


class _Split:
    """What the replacements in one model share: constants and operator codes."""

    def __init__(self, model: Model) -> None:
        self._model, self._graph = model, model.subgraphs[0]
        self._mul = operator_code(model, schema.BuiltinOperator.MUL)
        self._add = operator_code(model, schema.BuiltinOperator.ADD)
        self._sixth, self._three = (self._constant(name, value) for name, value in (("sixth", 1 / 6), ("three", 3.0)))

    def operators(self, hard_swish: Any) -> list[Any]:
        """What replaces one HARD_SWISH, in order."""
        (x,), (y,) = hard_swish.inputs, hard_swish.outputs
        scaled, clipped = (self._like(y, suffix) for suffix in ("_scaled", "_clipped"))
        return [
            self._multiply([x, self._sixth], scaled),
            self._raise([x, self._three], clipped),
            self._multiply([scaled, clipped], y),
        ]

    def _multiply(self, inputs: list[int], output: int) -> Any:
        return _operator(self._mul, inputs, output, schema.BuiltinOptions.MulOptions, schema.MulOptionsT())

    def _raise(self, inputs: list[int], output: int) -> Any:
        options = schema.AddOptionsT()
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        return _operator(self._add, inputs, output, schema.BuiltinOptions.AddOptions, options)

    def _constant(self, name: str, value: float) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.float32(value).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.hasRank = f"hard_swish_{name}".encode(), [], True
        tensor.type, tensor.buffer = schema.TensorType.FLOAT32, len(self._model.buffers) - 1
        return self._append(tensor)

    def _like(self, index: int, suffix: str) -> int:
        tensor = copy.deepcopy(self._graph.tensors[index])
        tensor.name += suffix.encode()
        return self._append(tensor)

    def _append(self, tensor: Any) -> int:
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1


def _operator(code: int, inputs: list[int], output: int, kind: int, options: Any) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, [output]
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator
