"""What taking the logit's mean error off does to int8, on the run's own test part and on other folders.

    python studies/logit_bias.py RUN [FOLDER …] [--every 3]

The ranges and the mean error come from the calibration images of the run's training part. The reference is the float32
.tflite. Of other folders every n-th picture is scored.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.integer.logit_bias import logits_of
from hemotk.exporting.models import make_models
from hemotk.exporting.recipe import STEPS, Recipe
from hemotk.exporting.source import Source, calibration_items, open_run
from hemotk.progress import silent
from hemotk.quiet import import_tensorflow


def sets(run: Source, folders: list[Path], every: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, pixels uint8 [n, size, size] and labels [n] of each set."""
    items = run.split.part("test")
    yield "test part", run.pixels(items), np.array([item.label for item in items])
    for folder in folders:
        images = scan(folder).images[::every]
        pixels = np.stack([load_pixels(folder / image.path, run.card.preprocess) for image in images])
        yield folder.name, pixels, np.array([image.label for image in images])


def main() -> None:
    """Print a row for each set, without and with the correction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--every", type=int, default=3)
    asked = parser.parse_args()
    import_tensorflow()
    run = open_run(asked.run)
    calibration = run.pixels(calibration_items(run.split, 100))
    made = {
        name: make_models(run, ExportConfig((Recipe("int8", without=() if correct else STEPS),)), calibration, silent)
        for name, correct in (("as it is", False), ("corrected", True))
    }
    print(f"taken off: {made['corrected'].logit_bias.get('int8', 0.0):+.4f}\n")
    print("| set | images | sd of the logits | int8 | SQNR | mean error | sd of the error | flips | lost | gained |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for title, pixels, labels in sets(run, asked.folders, asked.every):
        wanted = logits_of(made["as it is"].contents["float32"], pixels, run.card.preprocess)
        for name, models in made.items():
            errors = logits_of(models.contents["int8"], pixels, run.card.preprocess) - wanted
            sqnr = 10 * np.log10(wanted.var() / np.square(errors).mean())
            before, after = wanted >= 0, wanted + errors >= 0
            right, still = before == labels, after == labels
            flips, lost, gained = (before != after).sum(), (right & ~still).sum(), (~right & still).sum()
            print(
                f"| {title} | {len(labels)} | {wanted.std():.2f} | {name} | {sqnr:.1f} dB | {errors.mean():+.4f} | "
                f"{errors.std():.4f} | {flips} | {lost} | {gained} |"
            )


if __name__ == "__main__":
    main()
