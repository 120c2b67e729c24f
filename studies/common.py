"""What the studies share: a run's network in tf_keras, images with labels, scores of a .tflite."""

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, PreprocessSpec, RunCard, SplitManifest
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.exporting.source import calibration_items
from hemotk.models.weights import read_shape, read_weights
from hemotk.tflite.scorer import Scorer

ROUNDS, BURST = 30, 5


def keras_network(run: Path) -> Any:
    """The run's network with the outputs [logit, probability]."""
    from hemotk.models.build import build_model, set_arrays, with_logit

    shape = read_shape(run / SHAPE_FILE)
    model = build_model(shape)
    set_arrays(model, read_weights(run / WEIGHTS_FILE, shape))
    return with_logit(model)


def calibration_pixels(run: Path, data: Path, count: int) -> np.ndarray:
    """The images that `hemotk export` calibrates on: uint8 [n, size, size]."""
    split = SplitManifest.read(run / "split.json")
    spec = RunCard.read(run / RUN_CARD).preprocess
    return np.stack([load_pixels(data / item.path, spec) for item in calibration_items(split, count)])


def test_images(run: Path, data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of the run's test part."""
    spec = RunCard.read(run / RUN_CARD).preprocess
    items = SplitManifest.read(run / "split.json").part("test")
    return np.stack([load_pixels(data / item.path, spec) for item in items]), np.array([item.label for item in items])


def other_images(folder: Path, spec: PreprocessSpec, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` images of another labelled folder, drawn with seed 0."""
    images = scan(folder).images
    order = np.random.default_rng(0).permutation(len(images))[:count]
    chosen = [images[i] for i in sorted(order)]
    return np.stack([load_pixels(folder / i.path, spec) for i in chosen]), np.array([i.label for i in chosen])


def logits(model: Path, pixels: np.ndarray, spec: PreprocessSpec) -> np.ndarray:
    """Dequantized logits float64 [n] of a .tflite, one image at a time."""
    scorer = Scorer(model, spec, threads=2)
    return np.array([scorer.score(image).logit for image in pixels])


def latency(models: dict[str, Path], pixels: np.ndarray, spec: PreprocessSpec) -> dict[str, Any]:
    """Median ms of each model, one thread, real images, bursts of five in turns; all samples kept (ns)."""
    scorers = {name: Scorer(path, spec, threads=1) for name, path in models.items()}
    samples: dict[str, list[int]] = {name: [] for name in models}
    for turn in range(ROUNDS + 2):
        for name, scorer in scorers.items():
            for k in range(BURST):
                scorer.feed(pixels[(turn * BURST + k) % len(pixels)])
                before = time.perf_counter_ns()
                scorer.invoke()
                if turn >= 2:
                    samples[name].append(time.perf_counter_ns() - before)
    return {name: {"median_ms": statistics.median(times) / 1e6, "samples_ns": times} for name, times in samples.items()}


def finish(started: float, **found: Any) -> None:
    """Print one JSON line with the seconds and the greatest memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": time.monotonic() - started, "peak_bytes": peak, **found}))
    sys.stdout.flush()
