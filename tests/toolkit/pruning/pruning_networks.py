"""Random DenseNets of uneven widths, keep-sets for them, and what they compute, in float64."""

import numpy as np
from hypothesis import strategies as st

from hemotk.export.graph.evaluate import evaluate
from hemotk.export.graph.ir import build_graph
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.pruning.groups import groups
from hemotk.pruning.keep import KeepSet

GRAY = {"gray_mean": (0.15, 0.02, -0.2), "gray_std": (1.01, 0.99, 0.996)}


@st.composite
def shapes(draw: st.DrawFn, widest: int = 6) -> DenseNetShape:
    width = st.integers(1, widest)
    block = st.lists(st.builds(LayerShape, width, width), min_size=1, max_size=3).map(tuple)
    blocks = tuple(draw(st.lists(block, min_size=1, max_size=3)))
    transitions = tuple(draw(width) for _ in blocks[1:])
    hidden = tuple(draw(st.lists(width, max_size=2)))
    inputs = draw(st.sampled_from([{}, GRAY, {"channels": 1}]))
    return DenseNetShape(draw(width), blocks, transitions, hidden=hidden, **inputs)


@st.composite
def shapes_and_keeps(draw: st.DrawFn) -> tuple[DenseNetShape, KeepSet]:
    shape = draw(shapes())
    kept = [draw(st.sets(st.integers(0, group.width - 1), min_size=1)) for group in groups(shape)]
    return shape, KeepSet.of(shape, kept)


def random_weights(shape: DenseNetShape, seed: int) -> dict[str, np.ndarray]:
    """Weights that keep activations near 1; BatchNorm scales are negative, zero or positive."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, size in shape.arrays().items():
        part = name.rpartition("/")[2]
        if part == "kernel":
            array = rng.normal(0, np.sqrt(2 / np.prod(size[:-1])), size)
        elif part == "gamma":
            array = rng.uniform(0.3, 2, size) * rng.choice((-1.0, 0.0, 1.0, 1.0), size)
        elif part == "moving_variance":
            array = rng.uniform(0.2, 2, size)
        else:
            array = rng.normal(0, 0.5, size)
        found[name] = array.astype(np.float32)
    return found


def logits(shape: DenseNetShape, weights: dict[str, np.ndarray], size: int = 33) -> np.ndarray:
    """The logits of three random pictures, float64 [3, 1]."""
    pictures = np.random.default_rng(0).normal(0, 1, (3, size, size, 1))
    graph = build_graph(shape, {name: array.astype(np.float64) for name, array in weights.items()})
    return evaluate(graph, pictures).logit


def same_everywhere(shape: DenseNetShape, value: float) -> list[np.ndarray]:
    """One score for all channels."""
    return [np.full(group.width, value) for group in groups(shape)]
