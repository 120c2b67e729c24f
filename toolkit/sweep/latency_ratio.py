"""The latency of a DenseNet beside another one: both are converted to float32 .tflite and timed in turns."""

import time

import numpy as np

from hemotk.artifacts import PreprocessSpec
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.measure.latency import measure
from hemotk.models.shape import DenseNetShape
from hemotk.stats.paired import ratio_of_medians
from hemotk.tflite.scorer import Scorer

# Seconds and runs that each of the two takes at least.
PROTOCOL = BenchConfig(min_runs=40, min_seconds=2.0)


class LatencyRatio:
    """Median latency of a network as a share of that of `parent`, one thread of this machine, both timed in turns.

    Latency does not depend on the weights, so it takes random ones.
    """

    def __init__(self, parent: DenseNetShape, spec: PreprocessSpec, protocol: BenchConfig = PROTOCOL) -> None:
        self._spec = spec
        self._protocol = protocol
        self._parent = self._scorer(parent)

    def __call__(self, shape: DenseNetShape) -> float:
        """The ratio for a network of `shape`."""
        scorers = {"pruned": self._scorer(shape), "parent": self._parent}
        timings = measure({name: _Turn(scorer) for name, scorer in scorers.items()}, self._protocol)
        return float(ratio_of_medians(timings["pruned"].rounds, timings["parent"].rounds).value or 0.0)

    def _scorer(self, shape: DenseNetShape) -> Scorer:
        from hemotk.exporting.densenet import exact
        from hemotk.exporting.graph.ir import build_graph
        from hemotk.exporting.tflite.convert import convert_graph

        graph = exact(build_graph(shape, random_arrays(shape)))
        scorer = Scorer(convert_graph(graph, self._spec.size), self._spec, threads=1)
        scorer.feed(np.full((self._spec.size, self._spec.size), 128, np.uint8))
        return scorer


class _Turn:
    """So many timed inferences after an untimed one."""

    def __init__(self, scorer: Scorer) -> None:
        self._invoke = scorer.invoke

    def __call__(self, runs: int) -> tuple[int, ...]:
        self._invoke()
        samples = []
        for _ in range(runs):
            began = time.perf_counter_ns()
            self._invoke()
            samples.append(time.perf_counter_ns() - began)
        return tuple(samples)


def random_arrays(shape: DenseNetShape) -> dict[str, np.ndarray]:
    """Arrays float64 with which activations keep their size: denormal numbers would be slow."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, size in shape.arrays().items():
        if name.endswith("/kernel"):
            arrays[name] = rng.normal(0, np.sqrt(2 / np.prod(size[:-1])), size)
        else:
            arrays[name] = np.full(size, float(name.endswith(("/gamma", "/moving_variance"))))
    return arrays
