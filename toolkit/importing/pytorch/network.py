"""From a file of PyTorch to shape, weights and pixel contract."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hemotk.artifacts.normalizations import CHOICES, byte_affine
from hemotk.artifacts.pixels import MAX_SIZE
from hemotk.errors import HemotkError
from hemotk.importing.config import DEFAULT_SIZE, ImportConfig, ImportedNetwork
from hemotk.importing.head import head_arrays
from hemotk.importing.normalization import ByteScaling, apply_normalization
from hemotk.importing.pytorch.backbone import Tensors, open_tensors, read_backbone
from hemotk.importing.pytorch.contents import find_network
from hemotk.importing.pytorch.files import open_torch
from hemotk.importing.pytorch.head import UNKNOWN_FORWARD, pick, read_head
from hemotk.models.weights import check_weights


def read_torch_network(path: Path, config: ImportConfig) -> ImportedNetwork:
    """Read the classifier at `path`; the logit is that of PyTorch, up to float32 rounding.

    Raises:
        HemotkError: no network, one that is not supported, or no ‹normalization›.
    """
    file = open_torch(path)
    tensors = open_tensors(file, find_network(file))
    shape, weights = read_backbone(tensors)
    head = read_head(tensors, shape.features)
    choice, outputs = pick(head, path, config.head, config.output, config.positive_class)
    logit = head.last.then(choice, np.zeros(1))
    if config.normalization == "auto":
        raise HemotkError(
            f"{path}: a file of PyTorch does not say how its pixels were normalized, and a wrong guess would be a "
            f"wrong network; give ‹normalization› {CHOICES}."
        )
    size = config.size or DEFAULT_SIZE
    if not shape.smallest_input() <= size <= MAX_SIZE:
        raise HemotkError(f"‹size› {size}: must be between {shape.smallest_input()} and {MAX_SIZE}; choose another.")
    scaling = _scaling(path, config.normalization, shape.channels)
    preprocess, shape, kernel = apply_normalization(scaling, shape, weights["conv1/conv/kernel"], size)
    shape = replace(shape, hidden=tuple(dense.bias.size for dense in head.hidden))
    weights = {**weights, "conv1/conv/kernel": kernel, **head_arrays(list(head.hidden), logit)}
    check_weights(weights, shape, path)
    return ImportedNetwork(
        shape, weights, preprocess, _format(tensors), (*_notes(tensors, config, outputs), *head.notes)
    )


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


def _notes(tensors: Tensors, config: ImportConfig, outputs: str) -> tuple[str, ...]:
    size = "" if config.size else f" Pictures of {DEFAULT_SIZE}×{DEFAULT_SIZE} are taken, as nothing else was said."
    epsilon = "" if tensors.contents.modules else " BatchNorm's epsilon is taken to be 1e-5, PyTorch's own."
    return (
        f"Outputs: {outputs}. Pixels: normalization {config.normalization}, as was said.{size}{epsilon}",
        UNKNOWN_FORWARD,
    )
