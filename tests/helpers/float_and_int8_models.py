"""A small network as float32 and as int8, written tensor by tensor: nothing but an interpreter is needed.

A convolution finds what is bright, a maximum, a mean and a dense layer turn that into the logit. Both forms have the
operators, types and signature of real ones, the int8 one takes and gives uint8.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from mean_models import QUANTIZE, Writer

from hemotk.artifacts import PreprocessSpec

SIZE = 32
SPEC = PreprocessSpec(size=SIZE)
CHANNELS = 4
BIAS, FLOOR, SLOPE, OFFSET = 1.0, 0.1, 4.0, -5.5

# (type, scale, zero point) of what the int8 network holds; its bytes at both ends.
BYTES = ("uint8", SPEC.scale, SPEC.zero_point)
PIXELS = ("int8", SPEC.scale, SPEC.zero_point - 128)
BRIGHT = ("int8", 3.5 / 255, -128)
LOGIT = ("int8", 24 / 255, 0)
PROBABILITY = ("int8", 1 / 256, -128)


class _Network(Writer):
    def run(self, name, inputs, output, **options):
        """An operator by its name in the schema, and its options."""
        self.operator(getattr(schema.BuiltinOperator, name.upper()), inputs, output)
        if options:
            kind = options.pop("kind")
            self.graph.operators[-1].builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            self.graph.operators[-1].builtinOptions = getattr(schema, kind + "T")()
            for key, value in options.items():
                setattr(self.graph.operators[-1].builtinOptions, key, value)
        return output

    def convolve(self, source, kernel, bias, output):
        fused = schema.ActivationFunctionType.RELU
        return self.run(
            "conv_2d", [source, kernel, bias], output,
            kind="Conv2DOptions", strideH=2, strideW=2, fusedActivationFunction=fused,
        )  # fmt: skip

    def rest(self, bright, constants, middle=(), logit=(), probability=()):
        """From the convolution's output to logit and probability, of those types; without, all is float32."""
        floor, dense, offset = constants
        over = self.tensor("over", (2,), "int32", data=np.array([1, 2], np.int32))
        half = SIZE // 2
        above = self.run("maximum", [bright, floor], self.tensor("above", (1, half, half, CHANNELS), *middle))
        mean = self.run("mean", [above, over], self.tensor("mean", (1, CHANNELS), *middle), kind="ReducerOptions")
        names = ("logit_int8", "probability_int8") if middle else ("logit", "probability")
        score = self.run(
            "fully_connected", [mean, dense, offset], self.tensor(names[0], (1, 1), *logit),
            kind="FullyConnectedOptions",
        )  # fmt: skip
        return score, self.run("logistic", [score], self.tensor(names[1], (1, 1), *probability))

    def finish(self, pixels, logit, probability):
        self.graph.inputs, self.graph.outputs = [pixels], [probability, logit]
        self.signature({"pixels": pixels}, {"logit": logit, "probability": probability})
        return self.bytes()


def float_model():
    """The float32 network."""
    network = _Network()
    pixels = network.tensor("pixels", (1, SIZE, SIZE, 1))
    kernel = network.tensor("kernel", (CHANNELS, 3, 3, 1), data=np.full((CHANNELS, 3, 3, 1), 1 / 9, np.float32))
    bias = network.tensor("bias", (CHANNELS,), data=np.full(CHANNELS, BIAS, np.float32))
    half = SIZE // 2
    bright = network.convolve(pixels, kernel, bias, network.tensor("bright", (1, half, half, CHANNELS)))
    floor = network.tensor("floor", (1, 1, 1, CHANNELS), data=np.full((1, 1, 1, CHANNELS), FLOOR, np.float32))
    dense = network.tensor("dense", (1, CHANNELS), data=np.full((1, CHANNELS), SLOPE, np.float32))
    offset = network.tensor("offset", (1,), data=np.array([OFFSET], np.float32))
    return network.finish(pixels, *network.rest(bright, (floor, dense, offset)))


def int8_model():
    """The same network with 8-bit weights and activations, bytes in and bytes out."""
    network = _Network()
    half = SIZE // 2
    pixels = network.tensor("pixels", (1, SIZE, SIZE, 1), *BYTES)
    signed = network.operator(QUANTIZE, [pixels], network.tensor("pixels_int8", (1, SIZE, SIZE, 1), *PIXELS))
    kernel = np.full((CHANNELS, 3, 3, 1), 127, np.int8)
    weight = 1 / 9 / 127
    bright = network.convolve(
        signed,
        network.tensor("kernel", kernel.shape, "int8", weight, data=kernel),
        _whole(network, "bias", np.full(CHANNELS, BIAS), PIXELS[1] * weight),
        network.tensor("bright", (1, half, half, CHANNELS), *BRIGHT),
    )
    floor = np.full((1, 1, 1, CHANNELS), round(FLOOR / BRIGHT[1]) + BRIGHT[2], np.int8)
    constants = (
        network.tensor("floor", floor.shape, *BRIGHT, data=floor),
        network.tensor("dense", (1, CHANNELS), "int8", SLOPE / 127, data=np.full((1, CHANNELS), 127, np.int8)),
        _whole(network, "offset", np.array([OFFSET]), BRIGHT[1] * SLOPE / 127),
    )
    logit, probability = network.rest(bright, constants, BRIGHT, LOGIT, PROBABILITY)
    ends = [
        network.operator(QUANTIZE, [index], network.tensor(name, (1, 1), "uint8", scale, zero_point + 128))
        for index, name, (_, scale, zero_point) in ((logit, "logit", LOGIT), (probability, "probability", PROBABILITY))
    ]
    return network.finish(pixels, *ends)


def _whole(network, name, values, scale):
    """A bias in whole steps of `scale`."""
    return network.tensor(name, values.shape, "int32", scale, data=np.rint(values / scale).astype(np.int32))
