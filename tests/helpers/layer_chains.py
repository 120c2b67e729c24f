"""Walks over made-up chains of layers, without Keras."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.importing.layers import KerasLayer, LayerGraph, LayerPlace
from hemotk.importing.stored import Arrays
from hemotk.importing.walk import Walk

HERE = Path("model.h5")


def layer(name: str, kind: str, inputs: tuple[int, ...], constants: dict[int | str, Any], **config: Any) -> KerasLayer:
    return KerasLayer((LayerPlace(name, 0, ""),), kind, config, inputs, constants)


def chain(layers: Sequence[tuple[str, dict[str, Any]]], channels: int = 3) -> Walk:
    """A walk over layers (kind, configuration), named by number; '()' are constants, 'times' repeats the input."""
    made = [layer("net", "InputLayer", (), {})]
    for number, (kind, config) in enumerate(layers):
        settings = {key: value for key, value in config.items() if key not in ("()", "times")}
        inputs = (number,) * config.get("times", 1)
        made.append(layer(str(number), kind, inputs, config.get("()", {}), **settings))
    return Walk(LayerGraph(HERE, (None, 8, 8, channels), tuple(made), len(layers)))


def arrays(**named: np.ndarray) -> Arrays:
    """Arrays under 'number_variable'."""
    return Arrays(HERE, named, lambda _, layer, number, variable: f"{layer.name}_{variable}")
