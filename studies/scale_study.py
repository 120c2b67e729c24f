"""How export, prune and bench grow with layers, widths and images: ten times down and up from one DenseNet.

    python studies/scale_study.py [--size 64]

Each row is a process of its own: seconds of an int8 export's calibration, fitting and conversion, of choosing what to
prune to a tenth, of one fine-tuning step of 16 pictures (after the first), the milliseconds of an int8 inference on one
thread, the size of the file, and the peak memory of all. Weights and pictures are random.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import click

# Layers, growth, calibration images: the middle, then one of them a tenth and ten times of it.
MIDDLE = (20, 8, 100)
ROWS = (MIDDLE, (2, 8, 100), (200, 8, 100), (20, 1, 100), (20, 80, 100), (20, 8, 10), (20, 8, 1000))
COLUMNS = ("layers", "growth", "images", "MMAC", "calibrate", "fit", "convert", "choose", "step", "ms", "MB", "GB")


def measured(layers: int, growth: int, images: int, size: int) -> Iterator[float]:
    """The figures of one row, as COLUMNS from MMAC on."""
    from hemotk.quiet import import_tensorflow

    import_tensorflow()
    import numpy as np

    from hemotk.artifacts import PreprocessSpec
    from hemotk.exporting.densenet import plain
    from hemotk.exporting.graph.ir import build_graph
    from hemotk.exporting.integer.calibrate import channel_ranges
    from hemotk.exporting.integer.fit import Fitting, fit
    from hemotk.exporting.integer.graph import INT8_STEPS, integer_graph
    from hemotk.exporting.integer.quantize import quantize
    from hemotk.exporting.recipe import Recipe
    from hemotk.exporting.tflite.convert import convert_graph
    from hemotk.models.build import build_model
    from hemotk.models.shape import densenet
    from hemotk.pruning.channels.budget import Allowed, choose, least_share
    from hemotk.pruning.channels.importance import magnitude
    from hemotk.sweep.latency_ratio import random_arrays
    from hemotk.tflite.scorer import Scorer

    shape = densenet((layers // 2, layers - layers // 2), growth=growth)
    arrays, spec = random_arrays(shape), PreprocessSpec(size)
    pixels = np.random.default_rng(0).integers(0, 256, (images, size, size)).astype(np.uint8)
    yield shape.macs(size) / 1e6
    clock = _Clock()
    graph = plain(build_graph(shape, arrays))
    seen = channel_ranges(graph, pixels, spec)
    yield clock.lap()
    made = integer_graph(graph, seen, INT8_STEPS)
    fitted = fit(made, pixels, spec, Fitting(INT8_STEPS))
    yield clock.lap()
    ranges = {**made.ranges, "logit": (-8.0, 8.0), "probability": (0.0, 1.0)}
    content = quantize(convert_graph(fitted, size), Recipe("int8"), spec, ranges)
    yield clock.lap()
    allowed = Allowed(1, 1, drop=True)
    choose(shape, magnitude(shape, arrays), size, max(0.1, least_share(shape, size, allowed)), allowed)
    yield clock.lap()
    model = build_model(shape)
    model.compile("sgd", "binary_crossentropy")
    x, y = np.zeros((16, size, size, 1), np.float32), np.zeros((16, 1), np.float32)
    model.train_on_batch(x, y)
    clock.lap()
    model.train_on_batch(x, y)
    yield clock.lap()
    scorer = Scorer(content, spec)
    scorer.feed(pixels[0])
    yield 1e3 * float(np.median([clock.lap_of(scorer.invoke) for _ in range(50)]))
    yield len(content) / 1e6
    yield resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class _Clock:
    def __init__(self) -> None:
        self._before = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the lap before."""
        before, self._before = self._before, time.perf_counter()
        return self._before - before

    def lap_of(self, work: Callable[[], None]) -> float:
        """Seconds that the work takes."""
        self.lap()
        work()
        return self.lap()


@click.command()
@click.option("--size", default=64)
@click.option("--row", hidden=True)
def main(size: int, row: str | None) -> None:
    """Print the table, a row at a time."""
    if row is not None:
        click.echo(json.dumps(list(measured(*map(int, row.split(",")), size))))  # type: ignore[call-arg]
        return
    click.echo(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for what in ROWS:
        asked = [sys.executable, __file__, "--size", str(size), "--row", ",".join(map(str, what))]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        figures = [f"{figure:.3g}" for figure in json.loads(said.splitlines()[-1])]
        click.echo(f"| {' | '.join([*map(str, what), *figures])} |")


if __name__ == "__main__":
    main()
