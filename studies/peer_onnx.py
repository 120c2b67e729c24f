"""A trained DenseNet run as an ONNX graph, layer by layer as it was trained: NCHW, BatchNorms left for the runtimes."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hemotk.models.shape import DenseNetShape

OPSET, IR_VERSION = 17, 10
INPUT, OUTPUT = "pixels", "logit"


class _Graph:
    """Nodes and constants in the making; every method adds a node and returns its output's name."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def add(self, kind: str, name: str, *inputs: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)
        return name

    def conv(self, x: str, name: str, **attributes: object) -> str:
        kernel = self.weights[f"{name}/kernel"].transpose(3, 2, 0, 1)
        return self.add("Conv", name, x, self.constant(f"{name}/kernel", kernel), **attributes)

    def norm_relu(self, x: str, name: str, epsilon: float) -> str:
        parts = [
            self.constant(f"{name}/{part}", self.weights[f"{name}/{part}"])
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
        return self.add("Relu", f"{name}/relu", self.add("BatchNormalization", name, x, *parts, epsilon=epsilon))

    def dense(self, x: str, name: str) -> str:
        kernel, bias = (self.constant(f"{name}/{part}", self.weights[f"{name}/{part}"]) for part in ("kernel", "bias"))
        return self.add("Gemm", name, x, kernel, bias)


def to_onnx(shape: DenseNetShape, weights: Mapping[str, np.ndarray], size: int) -> onnx.ModelProto:
    """The network from h float32 [1, 1, size, size] to the logit float32 [1, 1]."""
    graph, epsilon = _Graph(weights), shape.bn_epsilon
    x = graph.conv(_channels(graph, shape), "conv1/conv", strides=[2, 2], pads=[3] * 4)
    x = graph.norm_relu(x, "conv1/bn", epsilon)
    x = graph.add("MaxPool", "pool1", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for b, block in enumerate(shape.blocks):
        for i in range(len(block)):
            name = f"conv{b + 2}_block{i + 1}"
            y = graph.conv(graph.norm_relu(x, f"{name}_0_bn", epsilon), f"{name}_1_conv")
            y = graph.conv(graph.norm_relu(y, f"{name}_1_bn", epsilon), f"{name}_2_conv", pads=[1] * 4)
            x = graph.add("Concat", f"{name}_concat", x, y, axis=1)
        if b < len(shape.transitions):
            name = f"pool{b + 2}"
            x = graph.conv(graph.norm_relu(x, f"{name}_bn", epsilon), f"{name}_conv")
            x = graph.add("AveragePool", f"{name}_pool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = graph.add("Flatten", "features", graph.add("GlobalAveragePool", "mean", graph.norm_relu(x, "bn", epsilon)))
    for i in range(len(shape.hidden)):
        x = graph.add("Relu", f"hidden{i + 1}/relu", graph.dense(x, f"hidden{i + 1}"))
    graph.dense(x, OUTPUT)
    return _model(graph, size)


def _channels(graph: _Graph, shape: DenseNetShape) -> str:
    if shape.channels == 1:
        return INPUT
    x = graph.add("Concat", "channels", *[INPUT] * shape.channels, axis=1)
    if shape.gray_mean is None or shape.gray_std is None:
        return x
    mean, std = (np.reshape(values, (1, -1, 1, 1)) for values in (shape.gray_mean, shape.gray_std))
    centered = graph.add("Sub", "centered", x, graph.constant("mean_of_channels", mean))
    return graph.add("Div", "normalized", centered, graph.constant("std_of_channels", std))


def _model(graph: _Graph, size: int) -> onnx.ModelProto:
    pixels = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 1, size, size])
    logit = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, 1])
    whole = helper.make_graph(graph.nodes, "densenet", [pixels], [logit], list(graph.constants.values()))
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model
