"""Scores of classifiers in .tflite files: hemotk's own and those that other tools made."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.foreign import ForeignSpec
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.tflite.runtime import Delegate, Runtime
from hemotk.tflite.scorer import Scorer, Scores

# The least that a float32 probability is taken to be away from 0 and 1, where its logit would be infinite.
_LEAST = 1e-7


class ForeignScorer(Scorer):
    """A foreign classifier, ready to score gray bytes; used like a `Scorer`.

    The logit of a probability is taken no nearer to 0 and 1 than a quarter of a step of a quantized output, or 1e-7.

    Raises:
        HemotkError: the model is missing or cut short, or is not what `spec` says.
    """

    def __init__(
        self,
        model: Path | bytes,
        spec: ForeignSpec,
        *,
        runtime: Runtime | None = None,
        threads: int = 1,
        delegate: Delegate | None = None,
    ) -> None:
        self._spec = spec
        super().__init__(model, PreprocessSpec(spec.size), runtime=runtime, threads=threads, delegate=delegate)

    def stored(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """The input tensor's values for one image, uint8 [N, N].

        Raises:
            HemotkError: the image is of another size or type.
        """
        self.check_size(pixels)
        picture = self._values[pixels]
        return (np.moveaxis(picture, 2, 0) if self._spec.channels_first else picture)[np.newaxis]

    def read(self) -> Scores:
        """The outputs of the last `invoke`, dequantized.

        Raises:
            HemotkError: the interpreter refuses to say it.
        """
        index, scale, zero_point = self._outputs[0]
        with self._refusing():
            stored = self._interpreter.get_tensor(index).reshape(-1).astype(np.float64)
        values = scale * (stored - zero_point)
        least = _LEAST if scale == 1.0 else scale / 4
        return _scores(values, self._spec, least)

    def _only_input(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        (pixels,) = inputs.values()
        return pixels

    def _stored_values(self, detail: Mapping[str, Any], preprocess: PreprocessSpec) -> NDArray[Any]:
        real = np.arange(256)[:, np.newaxis] * np.array(self._spec.scale) + np.array(self._spec.shift)
        dtype = np.dtype(detail["dtype"])
        if dtype == np.float32:
            return real.astype(np.float32)
        scale, zero_point = self._quantization(detail, "the input")
        limits = np.iinfo(dtype)
        return np.clip(np.rint(real / scale) + zero_point, limits.min, limits.max).astype(dtype)

    def _bind(self, outputs: Mapping[str, Any]) -> None:
        (numbers,) = outputs.values()
        self._outputs = [self._place(numbers, numbers["name"])]
        self.has_cam, self._cam = False, None


def _scores(values: NDArray[np.float64], spec: ForeignSpec, least: float) -> Scores:
    """Logit and probability of hemorrhage by the numbers [K] of the output."""
    sign = 1.0 if spec.positive_class == 1 else -1.0
    value = float(values[spec.output])
    if spec.activation in ("logit", "two logits"):
        logit = sign * (value - float(values[0]) if spec.activation == "two logits" else value)
        return Scores(logit, 1 / (1 + math.exp(-logit)) if abs(logit) < 700 else float(logit > 0))
    probability = value if spec.positive_class == 1 else 1 - value
    if math.isnan(probability):
        return Scores(probability, probability)
    inside = min(max(probability, least), 1 - least)
    return Scores(math.log(inside / (1 - inside)), probability)


def open_scorer(
    model: Path,
    preprocess: PreprocessSpec,
    foreign: ForeignSpec | None,
    *,
    runtime: Runtime | None = None,
    threads: int = 1,
    delegate: Delegate | None = None,
) -> Scorer:
    """A scorer for the .tflite at `model`: a foreign one as `foreign` says, else one of the pixel contract.

    Raises:
        HemotkError: as `Scorer`.
    """
    if foreign is None:
        return Scorer(model, preprocess, runtime=runtime, threads=threads, delegate=delegate)
    return ForeignScorer(model, foreign, runtime=runtime, threads=threads, delegate=delegate)
