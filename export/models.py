"""From a run to the .tflite of every variant."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from hemotk.artifacts import WEIGHTS_FILE, PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.graph.cam_head import cam_head
from hemotk.exporting.graph.floor_stem import floor_stem
from hemotk.exporting.graph.fold_batchnorm import fold_batchnorm
from hemotk.exporting.graph.gray_stem import check_plane, gray_stem
from hemotk.exporting.graph.ir import Graph, read_graph
from hemotk.exporting.graph.pool_first import pool_first
from hemotk.exporting.graph.positive_scales import positive_scales
from hemotk.exporting.graph.preactivation import preactivation
from hemotk.exporting.graph.stem_blocks import stem_blocks
from hemotk.exporting.integer.calibrate import ChannelRange, channel_ranges, tensor_ranges
from hemotk.exporting.integer.fit import Fitting, fit
from hemotk.exporting.integer.float_head import head_operations
from hemotk.exporting.integer.graph import INT8_STEPS, INT16_STEPS, IntegerGraph, integer_graph
from hemotk.exporting.integer.hard_swish import split_hard_swish
from hemotk.exporting.integer.headroom import with_room
from hemotk.exporting.integer.logit_bias import FEWEST, logits_of, shift_logit
from hemotk.exporting.integer.quantize import Range, logit_range, pixel_ranges
from hemotk.exporting.recipe import FITTED, STEPS, Recipe
from hemotk.exporting.selective.auto import Candidate, operations_of, select_layers
from hemotk.exporting.selective.sensitivity import Selection
from hemotk.exporting.source import Source
from hemotk.exporting.tflite.convert import Network, convert_graph, convert_network
from hemotk.exporting.tflite.flatbuffer import INPUT, operators
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights
from hemotk.progress import Tell

# Exact rewrites up to where calibration listens, in their order.
PLAIN: tuple[Callable[[Graph], Graph], ...] = (
    fold_batchnorm,
    gray_stem,
    pool_first,
    positive_scales,
    floor_stem,
    stem_blocks,
)


@dataclass(frozen=True)
class Models:
    """The .tflite of each kind, float32 first, and the recipes of the others.

    `logit_bias` is what was taken off the logit of each integer variant. `selection` says how the layers were found
    that int8 keeps in float32, None where they were not looked for.
    """

    contents: Mapping[str, bytes]
    recipes: tuple[Recipe, ...]
    selection: Selection | None = None
    logit_bias: Mapping[str, float] = field(default_factory=dict)


def make_models(source: Source, config: ExportConfig, pixels: np.ndarray, tell: Tell) -> Models:
    """Make the .tflite of every kind; `pixels` uint8 [n, size, size] are the calibration images.

    Raises:
        CheckFailed: int8 cannot be brought within `config.auto`.
        HemotkError: weights that do not fit or are not finite, or a network that cannot be converted or quantized.
    """
    if isinstance(source.shape, DenseNetShape):
        return _graph_models(source, source.shape, config, pixels, tell)
    return _plain_models(source, config, pixels, tell)


def plain(graph: Graph) -> Graph:
    """The graph as calibration listens to it: every BatchNorm folded but those before the ReLUs of a block."""
    for rewrite in PLAIN:
        graph = rewrite(graph)
    return graph


def exact(graph: Graph) -> Graph:
    """The graph after all exact rewrites: what float32, fp16 and dynamic variants are made of."""
    return preactivation(plain(graph))


def _graph_models(source: Source, shape: DenseNetShape, config: ExportConfig, pixels: np.ndarray, tell: Tell) -> Models:
    spec = source.card.preprocess
    graph = plain(read_graph(source.folder, shape))
    check_plane(graph, spec)
    if config.cam:
        graph = cam_head(graph)
    measured = {}
    if config.calibrated:
        measured = channel_ranges(graph, pixels, spec, tell)
    tell("converting", 0, 1)
    parent = convert_graph(preactivation(graph), spec.size)
    tell("converting", 1, 1)
    models, recipes, selection = {"float32": parent}, [], None
    corrector = _Corrector(parent, pixels, spec, tell)
    integers = _Integers(source, graph, measured, pixels, tell)
    for index, recipe in enumerate(config.recipes):
        candidate = Candidate(parent, recipe, spec, {})
        if recipe.calibrated:
            candidate = integers.candidate(recipe)
        finished = corrector.quantized(candidate)
        if recipe.kind == "int8" and config.auto is not None:
            # Layers are chosen among ones that nothing was fitted to: what stays in float32 is then exact.
            bare = replace(recipe, without=STEPS)
            plainly = integers.candidate(bare)
            selection = select_layers(
                source, graph, parent, plainly, tolerance=config.auto, tell=tell, finished=finished
            )
            if selection.kept:
                candidate = plainly.keeping(operations_of(selection.kept, graph))
                finished = candidate.quantized()
                corrector.taken_off.pop(recipe.kind, None)
        models[recipe.kind] = finished
        recipes.append(candidate.recipe)
        tell("quantizing", index + 1, len(config.recipes))
    return Models(models, tuple(recipes), selection, corrector.taken_off)


@dataclass(frozen=True)
class _Integers:
    """All that int8 and int16x8 variants of one plain `graph` are quantized from; `pixels` calibrate them."""

    source: Source
    graph: Graph
    measured: Mapping[str, ChannelRange]
    pixels: np.ndarray
    tell: Tell

    def candidate(self, recipe: Recipe) -> Candidate:
        """What the variant of this recipe is quantized from; its recipe says what was left out for want of images."""
        if len(self.pixels) < FEWEST:
            recipe = replace(recipe, without=tuple(dict.fromkeys((*recipe.without, *FITTED))))
        spec = self.source.card.preprocess
        steps = INT8_STEPS if recipe.kind == "int8" else INT16_STEPS
        measured = with_room(self.graph, self.measured) if recipe.does("room") else self.measured
        integer = integer_graph(self.graph, measured, steps)
        content = convert_graph(self._fitted(integer, recipe, steps), spec.size)
        return _with_head(Candidate(content, recipe, spec, _with_logit(integer.ranges, recipe, self.source)))

    def _fitted(self, integer: IntegerGraph, recipe: Recipe, steps: int) -> Graph:
        """With roundings and biases fitted to the calibration images, as far as the recipe says."""
        roundings, biases = recipe.does("roundings"), recipe.does("biases")
        if not (roundings or biases):
            return integer.graph
        floats = frozenset({"cam"}) if recipe.float_head else frozenset[str]()
        fitting = Fitting(steps, roundings, biases, floats)
        return fit(integer, self.pixels, self.source.card.preprocess, fitting, self.tell)


def _plain_models(source: Source, config: ExportConfig, pixels: np.ndarray, tell: Tell) -> Models:
    """For networks that are no DenseNet."""
    if config.cam:
        raise HemotkError(
            "‹cam›: only a DenseNet has a class-activation map, and the run is none; export without ‹cam›."
        )
    if config.auto is not None:
        raise HemotkError(
            "‹auto›: only the layers of a DenseNet can be ranked, and the run is none; export without ‹auto›."
        )
    spec = source.card.preprocess
    tell("converting", 0, 1)
    content = convert_network(_keras_network(source), spec.size)
    tell("converting", 1, 1)
    integer, ranges = split_hard_swish(content), {}
    if config.calibrated:
        ranges = tensor_ranges(integer, pixels, spec, tell)
        ranges |= _copied_pixels(integer, spec)
    models, recipes = {"float32": content}, []
    corrector = _Corrector(content, pixels, spec, tell)
    for recipe in config.recipes:
        candidate = Candidate(content, recipe, spec, {})
        if recipe.calibrated:
            candidate = _with_head(Candidate(integer, recipe, spec, _with_logit(ranges, recipe, source)))
        models[recipe.kind] = corrector.quantized(candidate)
        recipes.append(candidate.recipe)
    return Models(models, tuple(recipes), logit_bias=corrector.taken_off)


def _with_head(candidate: Candidate) -> Candidate:
    """The same with its head in float32, where its recipe says so."""
    return candidate.keeping(head_operations(candidate.content)) if candidate.recipe.float_head else candidate


class _Corrector:
    """Quantizes, and takes the logit's mean error on the calibration images off its bias; `taken_off` keeps how much.

    `parent` is the float32 variant, `pixels` uint8 [n, size, size] the calibration images.
    """

    def __init__(self, parent: bytes, pixels: np.ndarray, spec: PreprocessSpec, tell: Tell) -> None:
        self.taken_off: dict[str, float] = {}
        self._parent = parent
        self._pixels = pixels
        self._spec = spec
        self._tell = tell

    @cached_property
    def _wanted(self) -> np.ndarray:
        return logits_of(self._parent, self._pixels, self._spec, self._tell)

    def quantized(self, candidate: Candidate) -> bytes:
        """The .tflite; as it is where its recipe says so, there are few images, or nothing is gained."""
        made = candidate.quantized()
        recipe = candidate.recipe
        if not (recipe.does("logit-bias") and len(self._pixels) >= FEWEST):
            return made
        errors = self._errors(made)
        bias = float(errors.mean())
        shifted = replace(candidate, content=shift_logit(candidate.content, -bias)).quantized()
        if np.square(self._errors(shifted)).mean() >= np.square(errors).mean():
            return made
        self.taken_off[recipe.kind] = bias
        return shifted

    def _errors(self, content: bytes) -> np.ndarray:
        return logits_of(content, self._pixels, self._spec, self._tell) - self._wanted


def _copied_pixels(content: bytes, spec: PreprocessSpec) -> dict[str, Range]:
    """The range of the gray channel's copies: that of the pixel bytes, so that int8 copies them unchanged."""
    pixels = pixel_ranges(spec)[INPUT]
    copies = (op for op in operators(content) if op.name == "CONCATENATION" and set(op.inputs) == {INPUT})
    return {name: pixels for copy in copies for name in copy.outputs}


def _with_logit(ranges: Mapping[str, Range], recipe: Recipe, source: Source) -> dict[str, Range]:
    """The ranges with room around the logit that decides."""
    card = source.card
    decision = card.temperature * math.log(card.threshold / (1 - card.threshold))
    return {**ranges, "logit": logit_range(ranges["logit"], decision, recipe.logit_margin)}


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
