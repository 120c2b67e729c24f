"""Random DenseNets of odd widths, with BatchNorm scales of every sign, and run folders that hold them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.graph.ir import Graph, build_graph
from hemotk.models.shape import DenseNetShape, LayerShape, Shape

IMAGENET = {"gray_mean": (0.15, 0.02, -0.2), "gray_std": (1.01, 0.99, 0.996)}
EQUAL = {"gray_mean": (0.1, 0.1, 0.1), "gray_std": (1.5, 1.5, 1.5)}


def tiny_shape(**changes: Any) -> DenseNetShape:
    """Four layers in two blocks, every width different."""
    blocks = ((LayerShape(6, 3), LayerShape(5, 4)), (LayerShape(7, 2), LayerShape(8, 3)))
    return replace(DenseNetShape(5, blocks, (6,)), **changes)


@st.composite
def shapes(draw: st.DrawFn, widest: int = 6) -> DenseNetShape:
    """Up to three blocks; some may have no layer."""
    width = st.integers(1, widest)
    block = st.lists(st.builds(LayerShape, width, width), max_size=3).map(tuple)
    blocks = tuple(draw(st.lists(block, min_size=1, max_size=3).filter(any)))
    transitions = tuple(draw(width) for _ in blocks[1:])
    hidden = tuple(draw(st.lists(width, max_size=2)))
    gray: dict[str, Any] = draw(st.sampled_from([{}, IMAGENET, EQUAL, {"channels": 1}]))
    return DenseNetShape(draw(width), blocks, transitions, hidden=hidden, **gray)


def random_arrays(shape: Shape, seed: int, signs: tuple[float, ...] = (-1.0, 0.0, 1.0)) -> dict[str, np.ndarray]:
    """Weights that keep activations near 1, BatchNorm scales of the given signs."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, size in shape.arrays().items():
        part = name.rpartition("/")[2]
        if part == "kernel":
            array = rng.normal(0, np.sqrt(2 / max(int(np.prod(size[:-1])), 1)), size)
        elif part == "gamma":
            array = rng.uniform(0.3, 2, size) * rng.choice(signs, size)
        elif part == "moving_variance":
            array = rng.uniform(0.2, 2, size)
        else:
            array = rng.normal(0, 0.5, size)
        found[name] = array.astype(np.float32)
    return found


def graph_of(shape: DenseNetShape, arrays: dict[str, np.ndarray]) -> Graph:
    return build_graph(shape, {name: array.astype(np.float64) for name, array in arrays.items()})


def random_graph(shape: DenseNetShape, seed: int, signs: tuple[float, ...] = (-1.0, 0.0, 1.0)) -> Graph:
    return graph_of(shape, random_arrays(shape, seed, signs))


def trained_like(shape: DenseNetShape, seed: int, size: int) -> dict[str, np.ndarray]:
    """Random weights with the BatchNorm statistics of random pixels, and logits of mean 0 and standard deviation 3."""
    from hemotk.models.build import build_model, get_arrays, set_arrays, with_logit

    model = build_model(shape, bn_momentum=0.0)
    set_arrays(model, random_arrays(shape, seed, (-1.0, 1.0, 1.0, 1.0, 1.0)))
    h = network_input(random_pixels(32, size)).astype(np.float32)
    model(h, training=True)
    logit = with_logit(model)(h)[0].numpy()
    arrays = dict(get_arrays(model))
    arrays["logit/kernel"] = arrays["logit/kernel"] * 3 / logit.std()
    arrays["logit/bias"] = (arrays["logit/bias"] - logit.mean()) * 3 / logit.std()
    return arrays


def random_pixels(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Smooth blobs on black, as bytes [count, size, size]: like slices in that the border is black."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(-1, 1, size)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    found = []
    for _ in range(count):
        cx, cy, width, level = (
            rng.uniform(-0.4, 0.4),
            rng.uniform(-0.4, 0.4),
            rng.uniform(0.2, 0.7),
            rng.uniform(90, 250),
        )
        blob = level * np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / width) ** 2)
        found.append(np.clip(blob + rng.normal(0, 8, blob.shape), 0, 255))
    return np.stack(found).astype(np.uint8)


def network_input(pixels: np.ndarray) -> np.ndarray:
    """h, float64 [n, size, size, 1]."""
    return (pixels.astype(np.float64)[..., np.newaxis] - 115) / (255 * 0.226)


def logit_error(before: Graph, after: Graph, h: np.ndarray) -> float:
    """max |Δlogit| / max |logit|."""
    first, second = evaluate(before, h).logit, evaluate(after, h).logit
    return float(np.max(np.abs(first - second)) / np.max(np.abs(first)))


def small_run_folder(folder: Path, shape: DenseNetShape, arrays: dict[str, np.ndarray]) -> Path:
    """`shape.json` and `weights.npz` only."""
    folder.mkdir(parents=True, exist_ok=True)
    shape.write(folder / "shape.json")
    savez: Callable[..., None] = np.savez
    savez(folder / "weights.npz", **arrays)
    return folder
