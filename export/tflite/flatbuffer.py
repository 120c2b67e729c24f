"""Reading and editing .tflite files: signature, tensor types, operators."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from hemotk.artifacts import TensorSpec
from hemotk.exporting.tflite.aligned import pack

SIGNATURE = "serving_default"
INPUT = "pixels"

Model = Any  # schema_py_generated.ModelT; the generated module carries no types


@dataclass(frozen=True)
class Operator:
    """One operator: builtin name, names of its inputs (without absent ones) and outputs."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_model(content: bytes) -> Model:
    """The file as objects that can be edited."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for buffer in model.buffers:
        if isinstance(buffer.data, bytearray):  # of a file whose arrays lie outside: packed byte by byte in Python
            buffer.data = np.frombuffer(buffer.data, np.uint8)
    return model


def write_model(model: Model) -> bytes:
    """The file with all arrays inside the flatbuffer, where old interpreters look for them, each at 16 bytes."""
    return pack(model)


def add_signature(content: bytes, outputs: Sequence[str]) -> bytes:
    """Name the input `pixels` and the outputs as given, in their order, in the tensors and in a signature."""
    model = read_model(content)
    graph = model.subgraphs[0]
    named = {INPUT: graph.inputs[0], **dict(zip(outputs, graph.outputs, strict=True))}
    for name, index in named.items():
        graph.tensors[index].name = name.encode()
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE.encode()
    signature.inputs = [_tensor_map(INPUT, named[INPUT])]
    signature.outputs = [_tensor_map(name, named[name]) for name in outputs]
    model.signatureDefs = [signature]
    return write_model(model)


def byte_interface(content: bytes) -> bytes:
    """Give an int8 model a uint8 input and uint8 outputs, 128 more than the int8 values: one QUANTIZE at each end.

    Outputs in float32 stay as they are.
    """
    model = read_model(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    code = operator_code(model, schema.BuiltinOperator.QUANTIZE)
    for entry in signature.inputs:
        outside = _byte_copy(graph, entry.tensorIndex)
        graph.operators.insert(0, _quantize(code, outside, entry.tensorIndex))
        graph.inputs = [outside if index == entry.tensorIndex else index for index in graph.inputs]
        entry.tensorIndex = outside
    for entry in signature.outputs:
        if graph.tensors[entry.tensorIndex].type == schema.TensorType.FLOAT32:
            continue
        outside = _byte_copy(graph, entry.tensorIndex)
        graph.operators.append(_quantize(code, entry.tensorIndex, outside))
        graph.outputs = [outside if index == entry.tensorIndex else index for index in graph.outputs]
        entry.tensorIndex = outside
    return write_model(model)


def operators(content: bytes) -> tuple[Operator, ...]:
    """The operators of the only subgraph, in the order in which they run."""
    model = read_model(content)
    graph = model.subgraphs[0]

    def names(indices: Sequence[int]) -> tuple[str, ...]:
        return tuple(graph.tensors[index].name.decode() for index in indices if index >= 0)

    return tuple(
        Operator(
            flatbuffer_utils.opcode_to_name(model, op.opcodeIndex) or "CUSTOM", names(op.inputs), names(op.outputs)
        )
        for op in graph.operators
    )


def specs(content: bytes) -> tuple[TensorSpec, Mapping[str, TensorSpec]]:
    """What the signature says about the input, and about each output by name."""
    model = read_model(content)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    outputs = {entry.name.decode(): _spec(graph, entry) for entry in signature.outputs}
    return _spec(graph, signature.inputs[0]), outputs


def _spec(graph: Any, entry: Any) -> TensorSpec:
    tensor = graph.tensors[entry.tensorIndex]
    dtype = flatbuffer_utils.type_to_name(tensor.type).lower()
    shape = tuple(int(size) for size in tensor.shape)
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return TensorSpec(entry.name.decode(), dtype, shape)
    scale, zero_point = float(np.float32(quantization.scale[0])), int(quantization.zeroPoint[0])
    return TensorSpec(entry.name.decode(), dtype, shape, scale, zero_point)


def _tensor_map(name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), index
    return entry


def _byte_copy(graph: Any, index: int) -> int:
    """A uint8 tensor of the same values takes over the name of the int8 one; its index."""
    inside = graph.tensors[index]
    outside = copy.deepcopy(inside)
    outside.type = schema.TensorType.UINT8
    outside.quantization.zeroPoint = [int(inside.quantization.zeroPoint[0]) + 128]
    inside.name += b"_int8"
    graph.tensors.append(outside)
    return len(graph.tensors) - 1


def _quantize(code: int, source: int, target: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [source], [target]
    return operator


def operator_code(model: Model, builtin: int) -> int:
    """The index of a builtin's code; where the model has none, one for floats and 8-bit integers is added."""
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 2  # the first that takes integers
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
