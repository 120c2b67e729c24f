"""Learning rates by depth: early layers, which see edges and textures, are moved less than late ones, or not at all."""

import re
from collections.abc import Mapping

import tf_keras as keras

from hemotk.errors import HemotkError

_STAGE = re.compile(r"(?:conv|pool)(\d)(?:_|/|$)")


def shares_by_depth(model: keras.Model, decay: float) -> Mapping[str, float]:
    """The share of the learning rate of each variable that has one below 1, by the variable's name.

    The last dense block and the head have 1, the block before it `decay`, and so on to the stem: decay ** blocks.

    Raises:
        HemotkError: the network is no DenseNet, whose blocks have known names.
    """
    if decay == 1:
        return {}
    stages = {layer.name: int(match[1]) for layer in model.layers if (match := _STAGE.match(layer.name))}
    if model.name != "densenet":
        raise HemotkError("‹rate_decay›: is for DenseNets, whose blocks are known; leave it out.")
    last = max(stages.values())
    return {
        variable.name: decay ** (last - stages[layer.name])
        for layer in model.layers
        for variable in layer.trainable_variables
        if stages.get(layer.name, last) < last
    }


def freeze(model: keras.Model, shares: Mapping[str, float]) -> None:
    """Freeze the layers whose share is 0: their weights stay, and their BatchNorm keeps its averages."""
    for layer in model.layers:
        if any(shares.get(variable.name) == 0 for variable in layer.trainable_variables):
            layer.trainable = False
