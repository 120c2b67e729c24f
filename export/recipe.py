"""What quantization is asked for, as data: it is kept in the bundle card and says how a variant was made."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from hemotk.artifacts import require

QuantizedKind = Literal["fp16", "dynamic", "int8", "int16x8"]
QUANTIZED_KINDS: tuple[QuantizedKind, ...] = ("fp16", "dynamic", "int8", "int16x8")

OutputType = Literal["float32", "uint8"]
OUTPUT_TYPES: tuple[OutputType, ...] = ("float32", "uint8")

# What is done on the calibration images besides noting least and greatest values; each can be left out.
Step = Literal["room", "roundings", "biases", "logit-bias"]
STEPS: tuple[Step, ...] = ("room", "roundings", "biases", "logit-bias")
# Those that are left out where there are too few images.
FITTED: tuple[Step, ...] = ("roundings", "biases", "logit-bias")

Rule = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How one variant is quantized.

    `keep_float` are names of operations (as in the graph's walk) that stay in float32. `logit_margin` widens the range
    of the logit beyond what calibration saw, as a share of its width, on both sides. `outputs` is the type of the
    outputs of int8: float32 leaves everything from the global average on in float32. `without` are the steps to leave
    out: `room` above the greatest values that calibration saw, `roundings` chosen per layer, `biases` corrected layer
    by layer, the mean error of the logit taken off (`logit-bias`).
    """

    kind: QuantizedKind
    keep_float: tuple[str, ...] = ()
    logit_margin: float = 0.1
    outputs: OutputType = "float32"
    without: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        require(self.kind in QUANTIZED_KINDS, "kind", "one of " + ", ".join(QUANTIZED_KINDS))
        require(self.logit_margin >= 0, "logit_margin", "at least 0")
        require(self.outputs in OUTPUT_TYPES, "outputs", "one of " + ", ".join(OUTPUT_TYPES))
        require({*self.without} <= {*STEPS}, "without", "some of " + ", ".join(STEPS))

    @property
    def calibrated(self) -> bool:
        """Whether ranges of activations are needed."""
        return self.kind in ("int8", "int16x8")

    @property
    def float_head(self) -> bool:
        """Whether bytes go in and float32 comes out."""
        return self.kind == "int8" and self.outputs == "float32"

    def does(self, step: Step) -> bool:
        """Whether this step is taken."""
        return self.calibrated and step not in self.without

    def rules(self) -> list[Rule]:
        """The recipe in litert-quantizer's words; later rules win."""
        if self.kind == "fp16":
            rules = [_rule("*", "float_casting", weights=_tensor(16, "FLOAT"), explicit=True)]
        elif self.kind == "dynamic":
            # XNNPACK has no dynamic depthwise convolution, so the pools stay in float32.
            rules = [_rule(name, weights=_tensor(8)) for name in ("CONV_2D", "FULLY_CONNECTED")]
        else:
            rules = [_rule("*", weights=_tensor(8), activations=_activation(16 if self.kind == "int16x8" else 8))]
        return rules + [_keep(name) for name in self.keep_float]


def _rule(
    operation: str,
    algorithm: str = "min_max_uniform_quantize",
    *,
    weights: Rule,
    activations: Rule | None = None,
    explicit: bool = False,
) -> Rule:
    config: Rule = {"weight_tensor_config": weights, "explicit_dequantize": explicit}
    config["compute_precision"] = "FLOAT" if explicit else "INTEGER"
    if activations is not None:
        config["activation_tensor_config"] = activations
    return {"regex": ".*", "operation": operation, "algorithm_key": algorithm, "op_config": config}


def _keep(name: str) -> Rule:
    return {"regex": f"(^|;){re.escape(name)}[/;]", "operation": "*", "algorithm_key": "no_quantize", "op_config": {}}


def _tensor(bits: int, dtype: str = "INT") -> Rule:
    return {"num_bits": bits, "symmetric": True, "granularity": "CHANNELWISE", "dtype": dtype}


def _activation(bits: int) -> Rule:
    return {"num_bits": bits, "symmetric": bits == 16, "granularity": "TENSORWISE", "dtype": "INT"}
