"""How far apart the ways to run one file are: what it says about the golden pictures, on every interpreter at hand.

Integer kernels of two runtimes round differently by a step here and there, and float sums depend on the order in which
threads add them. So a file has no one right answer, and apps and benches need to know how near is near enough.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from hemotk.artifacts import PreprocessSpec, RuntimeSpread
from hemotk.errors import HemotkError
from hemotk.exporting.golden import golden_pixels
from hemotk.tflite.runtime import RUNTIMES, Runtime, find_runtime
from hemotk.tflite.scorer import Scorer

THREADS = (1, 4)
# Four drawn pictures show an eleventh of what 410 real ones do (int8 and dynamic; studies/runtime_spread.py).
ROOM = 12.0
# Float sums differ by so much in any order, as a share of the greatest logit; also the least for bytes.
LEAST = 1e-4


def spreads(models: Mapping[str, bytes], spec: PreprocessSpec) -> dict[str, RuntimeSpread]:
    """The spread of every kind over the ways to run it here."""
    ways = dict(ways_here())
    return {kind: _spread(content, spec, ways) for kind, content in models.items()}


def _spread(content: bytes, spec: PreprocessSpec, ways: Mapping[str, tuple[Runtime, int]]) -> RuntimeSpread:
    found = {name: _scores(content, spec, *way) for name, way in ways.items()}
    scores = np.stack([each for each in found.values() if each is not None])
    logit, probability = (float(np.ptp(scores[..., output], axis=0).max()) for output in (0, 1))
    least = LEAST * max(1.0, float(np.abs(scores[..., 0]).max()))
    return RuntimeSpread(
        ways=tuple(name for name, each in found.items() if each is not None),
        logit=logit,
        probability=probability,
        tolerance=max(ROOM * logit, least),
    )


def _scores(content: bytes, spec: PreprocessSpec, runtime: Runtime, threads: int) -> np.ndarray | None:
    """Logit and probability [n, 2] of the golden pictures; None where this runtime is too old for the file."""
    try:
        scorer = Scorer(content, spec, runtime=runtime, threads=threads)
        found = [scorer.score(image) for image in golden_pixels(spec)]
    except HemotkError:
        return None
    return np.array([(each.logit, each.probability) for each in found])


def ways_here() -> Iterator[tuple[str, tuple[Runtime, int]]]:
    """Every installed runtime on one and on several threads, and LiteRT without XNNPACK's kernels."""
    for name in RUNTIMES:
        try:
            runtime = find_runtime(name)
        except HemotkError:
            continue
        for threads in THREADS:
            yield f"{runtime}, {threads} thread{'s' if threads > 1 else ''}", (runtime, threads)
        if name == "ai_edge_litert":
            yield f"{runtime} without XNNPACK", (_without_xnnpack(runtime), 1)


def _without_xnnpack(runtime: Runtime) -> Runtime:
    from ai_edge_litert.interpreter import OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return replace(runtime, interpreter=partial(runtime.interpreter, experimental_op_resolver_type=resolver))
