"""Variants of networks that are no DenseNet: converted as they are, and quantized by litert-quantizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemotk.artifacts import WEIGHTS_FILE, PreprocessSpec, RunCard
from hemotk.errors import HemotkError
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.integer.calibrate import tensor_ranges
from hemotk.exporting.integer.hard_swish import split_hard_swish
from hemotk.exporting.integer.quantize import Range, pixel_ranges
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.selective.layers import Layers, file_layers
from hemotk.exporting.source import Source
from hemotk.exporting.tflite.convert import Network, convert_network
from hemotk.exporting.tflite.flatbuffer import INPUT, operators
from hemotk.exporting.variants import Candidate, integer_candidate
from hemotk.models.weights import read_weights
from hemotk.progress import Tell


@dataclass(frozen=True)
class OtherSource:
    """All that the variants of a network that is no DenseNet are quantized from, as `models.Convertible` says.

    `integer` is the float32 .tflite whose operators all have an int8 form; `ranges` are those of its tensors.
    """

    card: RunCard
    parent: bytes
    integer: bytes
    ranges: Mapping[str, Range]

    @property
    def layers(self) -> Layers:
        """Each operator with weights, and what follows it."""
        return file_layers(self.integer)

    def candidate(self, recipe: Recipe) -> Candidate:
        """What the integer variant of this recipe is quantized from."""
        return integer_candidate(self.integer, recipe, self.card, self.ranges)


def open_other(source: Source, config: ExportConfig, pixels: np.ndarray, tell: Tell) -> OtherSource:
    """Convert the run's network to float32, and note its ranges where `config` wants integers.

    Raises:
        HemotkError: a class-activation map is asked for; weights that do not fit or are not finite, or a network that
            cannot be converted.
    """
    if config.cam:
        raise HemotkError(
            "‹cam›: only a DenseNet has a class-activation map, and the run is none; export without ‹cam›."
        )
    spec = source.card.preprocess
    tell("converting", 0, 1)
    content = convert_network(_keras_network(source), spec.size)
    tell("converting", 1, 1)
    integer, ranges = split_hard_swish(content), {}
    if config.calibrated:
        ranges = tensor_ranges(integer, pixels, spec, tell) | _copied_pixels(integer, spec)
    return OtherSource(source.card, content, integer, ranges)


def _copied_pixels(content: bytes, spec: PreprocessSpec) -> dict[str, Range]:
    """The range of the gray channel's copies: that of the pixel bytes, so that int8 copies them unchanged."""
    pixels = pixel_ranges(spec)[INPUT]
    copies = (op for op in operators(content) if op.name == "CONCATENATION" and set(op.inputs) == {INPUT})
    return {name: pixels for copy in copies for name in copy.outputs}


def _keras_network(source: Source) -> Network:
    from hemotk.models.build import build_model, set_arrays, with_logit

    weights = read_weights(source.folder / WEIGHTS_FILE, source.shape)
    model = build_model(source.shape)
    set_arrays(model, weights)
    outputs = with_logit(model)

    def network(h: Any) -> Mapping[str, Any]:
        logit, probability = outputs(h, training=False)
        return {"logit": logit, "probability": probability}

    return network
