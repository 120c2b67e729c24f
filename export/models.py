"""From a run to the .tflite of every variant."""

from dataclasses import replace
from typing import Protocol

import numpy as np

from hemotk.exporting.config import ExportConfig
from hemotk.exporting.corrector import Corrector
from hemotk.exporting.densenet import open_densenet
from hemotk.exporting.other import open_other
from hemotk.exporting.recipe import STEPS, Recipe
from hemotk.exporting.selective.auto import select_layers
from hemotk.exporting.selective.layers import Layers
from hemotk.exporting.source import Source
from hemotk.exporting.variants import Candidate, Models
from hemotk.models.shape import DenseNetShape
from hemotk.progress import Tell


class Convertible(Protocol):
    """A run's network, ready for every variant."""

    @property
    def parent(self) -> bytes:
        """The float32 .tflite."""

    @property
    def layers(self) -> Layers:
        """The layers that int8 may keep in float32."""

    def candidate(self, recipe: Recipe) -> Candidate:
        """What the integer variant of this recipe is quantized from."""


def make_models(source: Source, config: ExportConfig, pixels: np.ndarray, tell: Tell) -> Models:
    """Make the .tflite of every kind; `pixels` uint8 [n, size, size] are the calibration images.

    Raises:
        CheckFailed: int8 cannot be brought within `config.auto`.
        HemotkError: weights that do not fit or are not finite, or a network that cannot be converted or quantized.
    """
    network: Convertible
    if isinstance(source.shape, DenseNetShape):
        network = open_densenet(source, source.shape, config, pixels, tell)
    else:
        network = open_other(source, config, pixels, tell)
    spec = source.card.preprocess
    models, recipes, selection = {"float32": network.parent}, [], None
    corrector = Corrector(network.parent, pixels, spec, tell)
    for index, recipe in enumerate(config.recipes):
        candidate = network.candidate(recipe) if recipe.calibrated else Candidate(network.parent, recipe, spec, {})
        finished = corrector.quantized(candidate)
        if recipe.kind == "int8" and config.auto is not None:
            # Layers are chosen among ones that nothing was fitted to: what stays in float32 is then exact.
            plainly = network.candidate(replace(recipe, without=STEPS))
            layers = network.layers
            selection = select_layers(
                source, layers, network.parent, plainly, tolerance=config.auto, tell=tell, finished=finished
            )
            if selection.kept:
                candidate = plainly.keeping(layers.of(selection.kept))
                finished = candidate.quantized()
                corrector.taken_off.pop(recipe.kind, None)
        models[recipe.kind] = finished
        recipes.append(candidate.recipe)
        tell("quantizing", index + 1, len(config.recipes))
    return Models(models, tuple(recipes), selection, corrector.taken_off)
