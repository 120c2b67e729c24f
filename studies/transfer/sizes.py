"""Does it help to begin with small pictures? Two trainings on a processor: all epochs at one size, and growing sizes.

    PYTHONPATH=studies python -m transfer.sizes PACKED [--arch densenet121] [--epochs 6] [--small 64] [--size 96]

Prints seconds, losses and AUCs, a line for each training.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from hemotk.stats.metrics import auc
from transfer.jobs import PLAIN
from transfer.learn import Lesson, Material, scores, train
from transfer.network import standard
from transfer.pictures import BRAIN, Pictures, read


def main() -> None:
    """Train both and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("packed", type=Path)
    parser.add_argument("--arch", default="densenet121")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--small", type=int, default=64)
    parser.add_argument("--size", type=int, default=96)
    given = parser.parse_args()
    pictures = read(given.packed)
    pixels, labels = torch.from_numpy(pictures.pixels), torch.from_numpy(pictures.labels.astype(np.float32))
    data = Material(pixels, pixels[None], labels, np.zeros(len(labels), int))
    learned = np.concatenate([pictures.where("rsna", "train"), pictures.where("phe", "train")])
    recipe = replace(PLAIN, epochs=given.epochs, size=given.size, batch=32)
    for name, sizes in (("one size", ()), ("growing", (given.small, given.size))):
        lesson = Lesson(standard(given.arch), learned, replace(recipe, sizes=sizes))
        made = train(lesson, data)
        losses = " ".join(f"{loss:.3f}" for loss in made.losses)
        print(f"{name}: {made.seconds:.0f} s, losses {losses}", flush=True)
        for test, places in _tests(pictures).items():
            print(
                f"  {test}: {auc(pictures.labels[places], scores(made.last, places, data, given.size)):.3f}", flush=True
            )


def _tests(pictures: Pictures) -> dict[str, np.ndarray]:
    ct = pictures.where("ct_ich")
    return {
        **{f"{name} {part}": pictures.where(name, part) for name in ("rsna", "phe") for part in ("validation", "test")},
        "ct_ich": ct,
        "ct_ich, brain slices": ct[pictures.tissue[ct] >= BRAIN],
    }


if __name__ == "__main__":
    main()
