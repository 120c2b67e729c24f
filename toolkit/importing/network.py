"""From a saved model, of Keras or PyTorch, to shape, weights and pixel contract."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hemotk.artifacts.pixels import MAX_SIZE
from hemotk.errors import HemotkError
from hemotk.importing.backbone import read_backbone
from hemotk.importing.config import DEFAULT_SIZE, ImportConfig, ImportedNetwork
from hemotk.importing.elsewhere import refuse_known
from hemotk.importing.head import head_arrays, read_head
from hemotk.importing.layers import LayerGraph, open_layers
from hemotk.importing.normalization import apply_normalization, read_front
from hemotk.importing.pytorch.files import is_torch_file
from hemotk.importing.pytorch.network import read_torch_network
from hemotk.importing.stored import StoredModel, open_stored
from hemotk.importing.walk import Walk
from hemotk.models.weights import check_weights


def read_network(path: Path, config: ImportConfig) -> ImportedNetwork:
    """Read the classifier at `path`; the logit is that of the saved model, up to float32 rounding.

    Raises:
        HemotkError: no saved model, a network that is not supported, or a normalization that is not known.
    """
    if is_torch_file(path):
        return read_torch_network(path, config)
    if config.head is not None:
        raise HemotkError(f"‹head› {config.head}: is for files of PyTorch, and {path} is none; leave it out.")
    refuse_known(path)
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
