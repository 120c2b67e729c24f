"""The logits of an imported network, by tf_keras."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from hemotk.data.read.lazy import Pixels
from hemotk.data.read.preprocess import normalize
from hemotk.importing.config import ImportedNetwork
from hemotk.models.build import build_model, set_arrays, with_logit

Scorer: TypeAlias = Callable[[Pixels], np.ndarray]
_BATCH = 16


def make_scorer(network: ImportedNetwork) -> Scorer:
    """A function from pictures, 0 to 255 [n, size, size] of any type, to logits float64 [n]; it builds once."""
    model = build_model(network.shape)
    set_arrays(model, network.weights)
    logit_model = with_logit(model)

    def score(pixels: Pixels) -> np.ndarray:
        logits = np.empty(len(pixels))
        for start in range(0, len(pixels), _BATCH):
            some = normalize(pixels[start : start + _BATCH], network.preprocess)[..., None]
            logits[start : start + len(some)] = logit_model(some, training=False)[0].numpy()[:, 0]
        return logits

    return score
