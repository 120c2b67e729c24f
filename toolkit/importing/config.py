"""What is said about a model that is imported, and what is got from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hemotk.artifacts import PreprocessSpec, require
from hemotk.artifacts.normalizations import byte_affine
from hemotk.models.layered import LayeredShape
from hemotk.models.shape import DenseNetShape

DEFAULT_SIZE = 224


@dataclass(frozen=True)
class ImportConfig:
    """The caller's knowledge about the model.

    `size` None means the model's own, or 224 where it takes any. `normalization` is the change of bytes before the
    model (see `byte_affine`), 'auto' if the model does it itself. `positive_class` is the number of the class with
    hemorrhage in training. `output` is the number of the sigmoid for hemorrhage among several, None where there is one
    output. `head` is the activation behind the outputs in PyTorch, None for what the file says or the usual one.
    """

    size: int | None = None
    normalization: str = "auto"
    positive_class: int = 1
    output: int | None = None
    head: Literal["sigmoid", "softmax"] | None = None

    def __post_init__(self) -> None:
        byte_affine(self.normalization)
        require(self.positive_class in (0, 1), "positive_class", "0 or 1")
        require(self.output is None or self.output >= 0, "output", "0 or more")
        require(self.head in (None, "sigmoid", "softmax"), "head", "sigmoid or softmax")


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network as a run folder keeps it; `format` is the kind of file it was read from, in words.

    `notes` name possible differences from the model, and assumptions.
    """

    shape: DenseNetShape | LayeredShape
    weights: Mapping[str, np.ndarray]
    preprocess: PreprocessSpec
    format: str
    notes: tuple[str, ...] = ()
