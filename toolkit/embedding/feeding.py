"""How a bundle's models are fed and read: the one place that README, snippets and checks take these facts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import BundleCard, PreprocessSpec, TensorSpec, Variant
from hemotk.errors import HemotkError

# Red, green, blue and half of the divisor 65536: ITU-R 601-2 in integers.
LUMA = (19595, 38470, 7471)

_ABOUT = {
    "int8": "the one for apps: smallest, fastest, takes the picture's bytes",
    "fp16": "half the size of float32, for graphics processors",
    "dynamic": "int8 weights, float32 in and out; where the int8 file differs too much",
    "int16x8": "to compare with; phones run it slowly",
    "float32": "what the others are compared with",
    "given": "the file that was given",
}


@dataclass(frozen=True)
class Feeding:
    """What an app must know. `tolerances` has the logit's tolerance across runtimes by kind, where it was measured."""

    name: str
    labels: tuple[str, str]
    preprocess: PreprocessSpec
    threshold: float
    temperature: float
    variants: tuple[Variant, ...]
    tolerances: Mapping[str, float]

    @classmethod
    def of(cls, card: BundleCard) -> "Feeding":
        """The facts in a bundle's card."""
        found = {kind: spread.tolerance for kind, spread in (card.runtimes or {}).items()}
        return cls(card.name, card.labels, card.preprocess, card.threshold, card.temperature, card.variants, found)

    def label(self, logit: float) -> int:
        """0 or 1."""
        return int(self.probability(logit) >= self.threshold)

    def probability(self, logit: float) -> float:
        """sigmoid(logit / temperature), without overflow."""
        small = float(np.exp(-abs(logit) / self.temperature))
        return (1.0 if logit >= 0 else small) / (1.0 + small)

    @property
    def logit_at_threshold(self) -> float:
        """A picture whose logit is at least this is `labels[1]`."""
        return float(self.temperature * np.log(self.threshold / (1 - self.threshold)))


def about(kind: str) -> str:
    """What a kind of model is for."""
    return _ABOUT[kind]


def logit_of(variant: Variant) -> TensorSpec:
    """The output tensor that the decision is made by."""
    return next(output for output in variant.outputs if output.name == "logit")


def stored(variant: Variant, spec: PreprocessSpec, pixels: NDArray[np.uint8]) -> NDArray[np.generic]:
    """The input tensor's values for pixel bytes of any shape, in that shape and of the tensor's type."""
    tensor, network = variant.input, spec.scale * (np.arange(256) - spec.zero_point)
    if tensor.dtype == "uint8":
        return pixels
    if tensor.dtype == "float32":
        return network.astype("<f4")[pixels]
    if tensor.dtype != "int16" or tensor.scale <= 0:
        raise HemotkError(f"{variant.file}: takes {tensor.dtype}, which no app of hemotk's feeds; choose another kind.")
    return np.clip(np.rint(network / tensor.scale) + tensor.zero_point, -32768, 32767).astype("<i2")[pixels]


def how_stored(variant: Variant, spec: PreprocessSpec) -> str:
    """In words, the input tensor's value for the pixel byte p."""
    if variant.input.dtype == "uint8":
        return "p itself"
    formula = f"(p − {spec.zero_point}) · {spec.scale:.9g}"
    if variant.input.dtype == "float32":
        return formula
    return f"round({formula} / {variant.input.scale:.9g}) + {variant.input.zero_point}"


def how_read(variant: Variant) -> str:
    """In words, the logit that the output tensor holds."""
    tensor = logit_of(variant)
    if tensor.scale == 0:
        return "the value itself"
    return f"{tensor.scale:.9g} · (value − {tensor.zero_point})"


def where(folder: Path, variant: Variant) -> Path:
    """The path of a model."""
    return folder / variant.file
