"""A run that nobody trained, on drawn slices: what export, prune and bench cost depends on shape and size alone.

    python studies/drawn_run.py OUT [--arch densenet201] [--size 224] [--count 200]

Writes OUT/phantoms, OUT/split.json and the run OUT/run: random weights, each BatchNorm settled on 32 slices of the
training part, so that activations and logits are of a usual size.
"""

import argparse
from pathlib import Path

import numpy as np

from hemotk.api.data import draw_phantoms, split
from hemotk.artifacts import PreprocessSpec, RunCard
from hemotk.data.read.pipeline import load_items
from hemotk.data.read.preprocess import normalize
from hemotk.models.families import named_shape
from hemotk.models.shape import Shape
from hemotk.models.weights import Weights
from hemotk.quiet import import_tensorflow
from hemotk.store.publish import RunContent, publish_run

SETTLING = 32
LOGIT_SD = 1.0


def drawn_arrays(shape: Shape, seed: int = 0) -> dict[str, np.ndarray]:
    """Kernels of He's variance, positive BatchNorm scales, as training leaves nearly all of them, small shifts."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, size in shape.arrays().items():
        part = name.rpartition("/")[2]
        if part == "kernel":
            array = rng.normal(0, np.sqrt(2 / np.prod(size[:-1])), size)
        elif part == "gamma":
            array = rng.uniform(0.3, 2, size)
        else:
            array = rng.normal(0, 0.5, size) if part != "moving_variance" else np.ones(size)
        found[name] = array.astype(np.float32)
    return found


def settled(shape: Shape, h: np.ndarray) -> Weights:
    """Drawn weights with the BatchNorm statistics of h float32 [n, size, size, 1], and logits of mean 0 there."""
    from hemotk.models.build import build_model, get_arrays, set_arrays, with_logit

    model = build_model(shape, bn_momentum=0.0)
    set_arrays(model, drawn_arrays(shape))
    model(h, training=True)
    logit = with_logit(model)(h)[0].numpy()
    arrays = dict(get_arrays(model))
    arrays["logit/kernel"] = arrays["logit/kernel"] * LOGIT_SD / logit.std()
    arrays["logit/bias"] = (arrays["logit/bias"] - logit.mean()) * LOGIT_SD / logit.std()
    return arrays


def main() -> None:
    """Draw slices, a split and a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--arch", default="densenet201")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--count", type=int, default=200)
    asked = parser.parse_args()
    import_tensorflow()
    phantoms = draw_phantoms(asked.out / "phantoms", count=asked.count)
    parts = split(phantoms, out=asked.out / "split.json").manifest
    spec, shape = PreprocessSpec(asked.size), named_shape(asked.arch, asked.size)
    pixels = load_items(parts.part("train")[:SETTLING], phantoms, spec)[0]
    weights = settled(shape, normalize(pixels[..., np.newaxis], spec))
    publish_run(
        asked.out / "run",
        RunContent(shape, weights, parts),
        lambda files: RunCard(
            name="run",
            created=parts.created,
            source="trained",
            arch=asked.arch,
            preprocess=spec,
            labels=parts.classes,
            files=files,
            parents={},
            settings={},
            metrics={},
            versions={},
            machine={},
            seconds=0.0,
        ),
    )


if __name__ == "__main__":
    main()
