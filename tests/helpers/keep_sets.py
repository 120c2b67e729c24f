"""Keep-sets of random DenseNets, and what such networks compute, in float64."""

import numpy as np
from hypothesis import strategies as st
from random_networks import graph_of, shapes

from hemotk.exporting.graph.evaluate import evaluate
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.groups import groups
from hemotk.pruning.channels.keep import KeepSet


@st.composite
def keeps(draw: st.DrawFn, shape: DenseNetShape, *, vanish: bool = True) -> KeepSet:
    """Of any group at least one channel; layers may vanish if asked, but not all of them."""
    layers = sum(map(len, shape.blocks))
    each = st.sampled_from((True, True, True, False)) if vanish else st.just(True)
    stay = draw(st.lists(each, min_size=layers, max_size=layers).filter(any))
    inside = iter([here for layer in stay for here in (layer, layer)])
    kept = []
    for group in groups(shape):
        here = next(inside) if group.kind in ("bottleneck", "growth") else True
        kept.append(draw(st.sets(st.integers(0, group.width - 1), min_size=1)) if here else set())
    return KeepSet.of(shape, kept)


@st.composite
def shapes_and_keeps(draw: st.DrawFn, *, vanish: bool = True) -> tuple[DenseNetShape, KeepSet]:
    shape = draw(shapes())
    return shape, draw(keeps(shape, vanish=vanish))


def logits(shape: DenseNetShape, weights: dict[str, np.ndarray], size: int = 33) -> np.ndarray:
    """The logits of three random pictures, float64 [3, 1]."""
    pictures = np.random.default_rng(0).normal(0, 1, (3, size, size, 1))
    return evaluate(graph_of(shape, weights), pictures).logit


def same_everywhere(shape: DenseNetShape, value: float) -> list[np.ndarray]:
    """One score for all channels."""
    return [np.full(group.width, value) for group in groups(shape)]
