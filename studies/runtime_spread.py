"""How much further apart the ways to run a file are on many real pictures than on the golden ones, which are drawn.

    python studies/runtime_spread.py RUN FOLDER [--every 3] [--data FOLDER]

An export measures the golden pictures alone, for its bundle holds nothing else; its tolerance must hold for real ones.
"""

import argparse
from pathlib import Path

import numpy as np

from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.golden import golden_pixels
from hemotk.exporting.models import make_models
from hemotk.exporting.recipe import QUANTIZED_KINDS, Recipe
from hemotk.exporting.runtimes import ways_here
from hemotk.exporting.source import calibration_items, open_run
from hemotk.progress import silent
from hemotk.quiet import import_tensorflow
from hemotk.tflite.scorer import Scorer


def main() -> None:
    """Print a row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    import_tensorflow()
    run = open_run(asked.run, asked.data)
    spec = run.card.preprocess
    pictures = [load_pixels(asked.folder / image.path, spec) for image in scan(asked.folder).images[:: asked.every]]
    config = ExportConfig(tuple(Recipe(kind) for kind in QUANTIZED_KINDS))
    models = make_models(run, config, run.pixels(calibration_items(run.split, 100)), silent).contents
    print("| kind | pictures | golden | real, greatest | 99th percentile | greatest / golden |")
    print("|---|---|---|---|---|---|")
    for kind, content in models.items():
        scorers = [Scorer(content, spec, runtime=runtime, threads=threads) for _, (runtime, threads) in ways_here()]

        def spread(images: list[np.ndarray], ways: list[Scorer] = scorers) -> np.ndarray:
            return np.ptp([[way.score(image).logit for image in images] for way in ways], axis=0)

        golden, real = spread(list(golden_pixels(spec))).max(), spread(pictures)
        figures = golden, real.max(), np.quantile(real, 0.99), real.max() / golden if golden else np.nan
        print(f"| {kind} | {len(pictures)} | " + " | ".join(f"{figure:.3g}" for figure in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
