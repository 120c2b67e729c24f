"""From a file of PyTorch to shape, weights and pixel contract."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hemotk.artifacts.normalizations import CHOICES, byte_affine
from hemotk.artifacts.pixels import MAX_SIZE
from hemotk.errors import HemotkError
from hemotk.importing.config import DEFAULT_SIZE, ImportConfig, ImportedNetwork
from hemotk.importing.head import Dense, head_arrays
from hemotk.importing.normalization import ByteScaling, apply_normalization, on_first_layer
from hemotk.importing.pytorch.backbone import EPSILON, Tensors, open_tensors, read_backbone
from hemotk.importing.pytorch.contents import DENSENET_MARK, find_network
from hemotk.importing.pytorch.families import read_layers
from hemotk.importing.pytorch.files import open_torch
from hemotk.importing.pytorch.head import ONLY_EXPECT, UNKNOWN_FORWARD, UNKNOWN_LAYERS, ReadHead, pick, read_head
from hemotk.models.layered import SMALLEST_LAYERED, LayeredShape, ListedLayer
from hemotk.models.weights import check_weights


def read_torch_network(path: Path, config: ImportConfig) -> ImportedNetwork:
    """Read the classifier at `path`; the logit is that of PyTorch, up to float32 rounding.

    Raises:
        HemotkError: no network, one that is not supported, or no ‹normalization›.
    """
    file = open_torch(path)
    tensors = open_tensors(file, find_network(file))
    read = _densenet if tensors.contents.mark == DENSENET_MARK else _layered
    return read(tensors, config)


def _densenet(tensors: Tensors, config: ImportConfig) -> ImportedNetwork:
    shape, weights = read_backbone(tensors)
    head = read_head(tensors, shape.features, tensors.rest)
    logit, outputs = _logit(tensors, head, config)
    size = _size(config, shape.smallest_input())
    scaling = _scaling(tensors.file.where, config.normalization, shape.channels)
    preprocess, shape, kernel = apply_normalization(scaling, shape, weights["conv1/conv/kernel"], size)
    shape = replace(shape, hidden=tuple(dense.bias.size for dense in head.hidden))
    weights = {**weights, "conv1/conv/kernel": kernel, **head_arrays(list(head.hidden), logit)}
    check_weights(weights, shape, tensors.file.where)
    notes = (*_notes(tensors, config, outputs, EPSILON), UNKNOWN_FORWARD, *head.notes)
    return ImportedNetwork(shape, weights, preprocess, _format(tensors), notes)


def _layered(tensors: Tensors, config: ImportConfig) -> ImportedNetwork:
    found = read_layers(tensors, tensors.contents.mark)
    net = found.net
    head = read_head(tensors, net.width, net.rest())
    logit, outputs = _logit(tensors, head, config)
    size = _size(config, SMALLEST_LAYERED)
    stem = f"{net.layers[0].name}/kernel"
    channels = net.arrays[stem].shape[2]
    if channels not in (1, 3):
        raise net.refuse(net.layers[0].name, f"reads {channels} channels where 1 or 3 are expected")
    scaling = _scaling(tensors.file.where, config.normalization, channels)
    preprocess, shift, kernel = on_first_layer(scaling, net.arrays[stem], size)
    hidden = [
        ListedLayer(f"hidden{number}", "dense", dense.bias.size, activation="relu")
        for number, dense in enumerate(head.hidden, 1)
    ]
    shape = LayeredShape(found.family, (*net.layers, *hidden), shift)
    arrays = {**net.arrays, stem: kernel, **head_arrays(list(head.hidden), logit)}
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    check_weights(weights, shape, tensors.file.where)
    beside = f" Strides, paddings and activations are those of {net.family} as torchvision and timm have it"
    beside += f", and {found.beside}." if found.beside else "."
    notes = (*_notes(tensors, config, outputs, net.epsilon), UNKNOWN_LAYERS + beside + ONLY_EXPECT, *head.notes)
    return ImportedNetwork(shape, weights, preprocess, _format(tensors), notes)


def _logit(tensors: Tensors, head: ReadHead, config: ImportConfig) -> tuple[Dense, str]:
    """The map to the logit of hemorrhage, and in words how the outputs were understood."""
    path = tensors.file.where
    choice, outputs = pick(head, path, config.head, config.output, config.positive_class)
    if config.normalization == "auto":
        raise HemotkError(
            f"{path}: a file of PyTorch does not say how its pixels were normalized, and a wrong guess would be a "
            f"wrong network; give ‹normalization› {CHOICES}."
        )
    return head.last.then(choice, np.zeros(1)), outputs


def _size(config: ImportConfig, smallest: int) -> int:
    size = config.size or DEFAULT_SIZE
    if not smallest <= size <= MAX_SIZE:
        raise HemotkError(f"‹size› {size}: must be between {smallest} and {MAX_SIZE}; choose another.")
    return size


def _scaling(path: Path, mode: str, channels: int) -> ByteScaling:
    scale, shift = byte_affine(mode)
    if channels < scale.size:
        raise HemotkError(
            f"‹normalization› {mode}: is for 3 channels, and {path} reads 1; give one number each, MEAN/STD."
        )
    return ByteScaling(np.broadcast_to(scale, channels), np.broadcast_to(shift, channels))


def _format(tensors: Tensors) -> str:
    kind = "whole module" if tensors.contents.modules else "state dict"
    place = tensors.contents.place
    return f"{tensors.file.format}, {kind}" + (f" at {place!r:.40}" if place else "")


def _notes(tensors: Tensors, config: ImportConfig, outputs: str, epsilon: float) -> tuple[str, ...]:
    size = "" if config.size else f" Pictures of {DEFAULT_SIZE}×{DEFAULT_SIZE} are taken, as nothing else was said."
    eps = (
        ""
        if tensors.contents.modules
        else f" BatchNorm's epsilon is taken to be {_decimal(epsilon)}, the library's own."
    )
    return (f"Outputs: {outputs}. Pixels: normalization {config.normalization}, as was said.{size}{eps}",)


def _decimal(value: float) -> str:
    """1e-5 and 0.001, as PyTorch's pages have them."""
    return f"{value:g}".replace("e-0", "e-")
