"""Models written tensor by tensor: the logit is the mean of the network input, so every score is known exactly."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SIZE = 16
TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int16": 7, "int8": 9}
DEQUANTIZE, LOGISTIC, MEAN, QUANTIZE = 6, 14, 40, 114


class Writer:
    """One subgraph in the making."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version, self.model.buffers = 3, [schema.BufferT()]
        self.model.operatorCodes, self.model.signatureDefs = [], []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, name, shape, dtype="float32", scale=0.0, zero_point=0, *, data=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), list(shape), TYPES[dtype]
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        if data is not None:
            tensor.buffer = len(self.model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, code, inputs, output, keep=False):
        entry = schema.OperatorCodeT()
        entry.builtinCode = entry.deprecatedBuiltinCode = code
        entry.version = 2 if code == DEQUANTIZE else 1
        self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        if keep:
            operator.builtinOptionsType, operator.builtinOptions = 27, schema.ReducerOptionsT()
            operator.builtinOptions.keepDims = True
        self.graph.operators.append(operator)
        return output

    def signature(self, inputs, outputs):
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
        signature.inputs, signature.outputs = [], []
        for target, source in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for name, index in source.items():
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name.encode(), index
                target.append(entry)
        self.model.signatureDefs.append(signature)

    def bytes(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def mean_model(
    dtype="float32", scale=0.0, zero_point=0, *, shape=(1, SIZE, SIZE, 1), names=("logit", "probability"),
    out=None, axes=(1, 2), signature=True,
):  # fmt: skip
    """Its logit is the mean of its real-valued input; `out` is the (dtype, scale, zero point) of the outputs."""
    writer = Writer()
    pixels = writer.tensor("pixels", shape, dtype, scale, zero_point)
    real = pixels
    if scale:
        real = writer.operator(DEQUANTIZE, [pixels], writer.tensor("real", shape))
    over = writer.tensor("over", (len(axes),), "int32", data=np.array(axes, np.int32))
    small = [1 if axis in axes else size for axis, size in enumerate(shape)]
    suffix = "_real" if out else ""
    logit = writer.operator(MEAN, [real, over], writer.tensor(names[0] + suffix, small), keep=True)
    probability = writer.operator(LOGISTIC, [logit], writer.tensor(names[1] + suffix, small))
    outputs = [logit, probability]
    if out:
        outputs = [
            writer.operator(QUANTIZE, [index], writer.tensor(name, small, *out))
            for index, name in zip(outputs, names, strict=True)
        ]
    writer.graph.inputs, writer.graph.outputs = [pixels], outputs[::-1]
    if signature:
        writer.signature({"pixels": pixels}, dict(zip(names, outputs, strict=True)))
    return writer.bytes()
