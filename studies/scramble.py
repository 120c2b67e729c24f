"""The same function with other channel scales: random factors 2^u, u uniform in [-4, 4], on every channel of a run.

A channel is multiplied where it is made and divided in the BatchNorms that read it (gamma / a, mean * a), which is
exact. Stem channels lie behind a ReLU, so their factor goes into the stem's gamma and beta.

    python studies/scramble.py RUN OUT [--seed 0]
"""

import argparse
import dataclasses
import shutil
from pathlib import Path

import numpy as np

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, RunCard
from hemotk.files import sha256_file
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights, write_weights

SPREAD = 4.0


def scrambled(weights: dict[str, np.ndarray], shape: DenseNetShape, seed: int) -> dict[str, np.ndarray]:
    """The arrays of the same function with every channel scaled."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    rng = np.random.default_rng(seed)

    def factors(count: int) -> np.ndarray:
        return 2.0 ** rng.uniform(-SPREAD, SPREAD, count)

    def read_by(norm: str, scale: np.ndarray) -> None:
        w[f"{norm}/gamma"] /= scale
        w[f"{norm}/moving_mean"] *= scale

    scales = factors(shape.stem)
    w["conv1/bn/gamma"] *= scales
    w["conv1/bn/beta"] *= scales
    for b, block in enumerate(shape.blocks):
        for i, layer in enumerate(block):
            name = f"conv{b + 2}_block{i + 1}"
            read_by(f"{name}_0_bn", scales)
            inner = factors(layer.bottleneck)
            w[f"{name}_1_conv/kernel"] *= inner
            read_by(f"{name}_1_bn", inner)
            grown = factors(layer.growth)
            w[f"{name}_2_conv/kernel"] *= grown
            scales = np.concatenate([scales, grown])
        if b < len(shape.transitions):
            read_by(f"pool{b + 2}_bn", scales)
            scales = factors(shape.transitions[b])
            w[f"pool{b + 2}_conv/kernel"] *= scales
    read_by("bn", scales)
    return w


def main() -> None:
    """Write the scrambled run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    shutil.copytree(asked.run, asked.out)
    shape = DenseNetShape.read(asked.run / SHAPE_FILE)
    write_weights(asked.out / WEIGHTS_FILE, scrambled(read_weights(asked.run / WEIGHTS_FILE, shape), shape, asked.seed))
    card = RunCard.read(asked.run / RUN_CARD)
    files = {**card.files, WEIGHTS_FILE: sha256_file(asked.out / WEIGHTS_FILE)}
    dataclasses.replace(card, files=files, name=asked.out.name).write(asked.out / RUN_CARD)


if __name__ == "__main__":
    main()
