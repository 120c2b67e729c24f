"""From a saved Keras model to shape, weights and pixel contract."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hemotk.artifacts import PreprocessSpec, require
from hemotk.artifacts.normalizations import byte_affine
from hemotk.artifacts.pixels import MAX_SIZE
from hemotk.errors import HemotkError
from hemotk.importing.backbone import read_backbone
from hemotk.importing.head import head_arrays, read_head
from hemotk.importing.layers import LayerGraph, open_layers
from hemotk.importing.normalization import apply_normalization, read_front
from hemotk.importing.stored import StoredModel, open_stored
from hemotk.importing.walk import Walk
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import check_weights

DEFAULT_SIZE = 224


@dataclass(frozen=True)
class ImportConfig:
    """The caller's knowledge about the model.

    `size` None means the model's own, or 224 where it takes any. `normalization` is the change of bytes before the
    model (see `byte_affine`), 'auto' if the model does it itself. `positive_class` is the number of the class with
    hemorrhage in training. `output` is the number of the sigmoid for hemorrhage among several, None where there is one
    output.
    """

    size: int | None = None
    normalization: str = "auto"
    positive_class: int = 1
    output: int | None = None

    def __post_init__(self) -> None:
        byte_affine(self.normalization)
        require(self.positive_class in (0, 1), "positive_class", "0 or 1")
        require(self.output is None or self.output >= 0, "output", "0 or more")


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network as a run folder keeps it; `format` is the kind of file it was read from, in words.

    `notes` name possible differences from the model, and assumptions.
    """

    shape: DenseNetShape
    weights: Mapping[str, np.ndarray]
    preprocess: PreprocessSpec
    format: str
    notes: tuple[str, ...] = ()


def read_network(path: Path, config: ImportConfig) -> ImportedNetwork:
    """Read the classifier at `path`; the logit is that of the saved model, up to float32 rounding.

    Raises:
        HemotkError: no saved Keras model, a network that is not supported, or a normalization that is not known.
    """
    stored = open_stored(path)
    try:
        return _read(path, stored, config)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise HemotkError(
            f"{path}: its description of the layers is not as Keras writes it ({type(error).__name__}: {error}); load "
            "the model in the Keras that wrote it, and save it as .h5."
        ) from error


def _read(path: Path, stored: StoredModel, config: ImportConfig) -> ImportedNetwork:
    graph = open_layers(stored.config, path)
    walk = Walk(graph)
    normalization, picture = read_front(walk, stored.arrays, config.normalization)
    shape, weights = read_backbone(walk, stored.arrays)
    size = _size(graph, picture.side, config.size, shape.smallest_input())
    hidden, last, output = read_head(walk, stored.arrays, shape.features, shape.last_side(size))
    logit = last.then(output.pick(config.positive_class, config.output), np.zeros(1))
    stored.arrays.check_all_read()
    preprocess, shape, kernel = apply_normalization(normalization, shape, weights["conv1/conv/kernel"], size)
    shape = replace(shape, hidden=tuple(dense.bias.size for dense in hidden))
    weights = {**weights, "conv1/conv/kernel": kernel, **head_arrays(hidden, logit)}
    check_weights(weights, shape, path)
    notes = (*picture.notes, *output.notes(config.output), *_precision_note(graph))
    return ImportedNetwork(shape, weights, preprocess, stored.format, notes)


def _precision_note(graph: LayerGraph) -> tuple[str, ...]:
    half = any("float16" in str(layer.config.get("dtype")) for layer in graph.layers)
    return ("The model computes in half precision and the run in float32: logits differ by its rounding.",) * half


def _size(graph: LayerGraph, own: int | None, asked: int | None, smallest: int) -> int:
    """The picture size that the model is fixed to, or was asked for."""
    if own is not None and asked not in (None, own):
        raise HemotkError(f"‹size› {asked}: {graph.where} was made for pictures of {own}×{own}; leave ‹size› out.")
    size = own or asked or DEFAULT_SIZE
    if not smallest <= size <= MAX_SIZE:
        raise HemotkError(
            f"‹size› {size}: must be between {smallest} and {MAX_SIZE} for {graph.where}; choose another."
        )
    return size
