"""What each part of int8 DenseNets takes, on this machine or another, from profiles of networks made for it."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import product
from pathlib import Path

import numpy as np

from hemotk.artifacts import CostTable, CostUnit, PartCost, PartKind, PreprocessSpec
from hemotk.benchmarks.measure.litert import INSIDE, NODE, PACKAGE, Event, ProfiledModel
from hemotk.environment import kernel_features, machine
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.progress import Tell
from hemotk.pruning.channels.cost import table_total
from hemotk.quiet import held_back
from hemotk.sweep.latency_ratio import random_arrays
from hemotk.tflite.runtime import find_runtime

BOTTLENECKS = (8, 16, 24, 32, 48, 64, 96, 128)
GROWTHS = (8, 16, 24, 32, 48)
STEMS = (8, 16, 32, 64)
# Steps through all pairs, so that each width is met by few and by many channels.
STRIDE = 7
WARMUP, RUNS = 5, 40

_START = ("MAXIMUM", "Maximum", "Clamp")  # the operator that begins a layer
_POINTWISE = "Fully Connected"
_CONVOLUTION = (_POINTWISE, "Convolution")


@dataclass(frozen=True)
class Target:
    """What is measured: a processor and its runtime.

    `profiled` gives the events of some inferences of the .tflite at a path, for a picture of a size; those in which the
    runtime sets itself up are left out. `per_microsecond` is what one of their microseconds stands for, in `unit`.
    """

    runtime: str
    processor: str
    features: tuple[str, ...]
    unit: CostUnit
    profiled: Callable[[Path, int], Sequence[Sequence[Event]]]
    per_microsecond: float = 1.0


@dataclass(frozen=True)
class Timing:
    """One operator and what it takes, in the unit of its target."""

    name: str
    taken: float


@dataclass(frozen=True)
class Sample:
    """What one part takes at `channels` input channels."""

    part: PartKind
    side: int
    out: int
    channels: int
    taken: float


def keep_costs(path: Path, shape: DenseNetShape, size: int, tell: Tell) -> None:
    """Write the table that prunings of `shape` need to `path`, unless a file is there.

    Raises:
        HemotkError: as `measure_costs`.
    """
    if not path.exists():
        measure_costs(this_machine(), size, len(shape.blocks), tell).write(path, overwrite=False)


def this_machine() -> Target:
    """One thread of this machine.

    Raises:
        HemotkError: the runtime has no profiler.
    """
    runtime = find_runtime()
    if runtime.name != PACKAGE:
        raise HemotkError(f"‹costs›: {runtime} offers no profiler; install {PACKAGE.replace('_', '-')}.")
    return Target(str(runtime), str(machine()["processor"]), kernel_features(), "ns", _timed, 1000.0)


def _timed(file: Path, size: int) -> list[list[Event]]:
    with held_back():
        model = ProfiledModel(file, threads=1)
        model.feed(np.full((1, size, size, 1), 128, np.uint8))
        return [model.profiled() for _ in range(WARMUP + RUNS)][WARMUP:]


def measure_costs(target: Target, size: int, blocks: int, tell: Tell) -> CostTable:
    """Profile the parts of int8 DenseNets of so many blocks for pictures of `size`; takes a minute or two.

    Raises:
        HemotkError: profiles show other operators than known.
    """
    sides = [_side(size, block) for block in range(blocks)]
    total, samples = len(STEMS) + len(sides) + 1, []
    for done, width in enumerate(STEMS):
        tell("timing parts", done, total)
        shape = DenseNetShape(width, ((LayerShape(8, 8),),), (), 1)
        first = _segments(_profile(target, shape, size)[0], 3)[0]
        samples.append(Sample("stem", size, width, 0, _sum(first)))
    for done, side in enumerate(sides, len(STEMS)):
        tell("timing parts", done, total)
        samples += _block_samples(target, side, last=side == sides[-1])
    parts = tuple(_fitted(samples))
    tell("timing parts", total - 1, total)
    table = CostTable(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        size=size,
        unit=target.unit,
        kind="int8",
        threads=1,
        runtime=target.runtime,
        processor=target.processor,
        features=target.features,
        parts=parts,
        error=0.0,
    )
    return _checked(target, table, blocks)


def _checked(target: Target, table: CostTable, blocks: int) -> CostTable:
    """The table with its error on a network that it was not made from."""
    rng = np.random.default_rng(1)

    def layers() -> tuple[LayerShape, ...]:
        return tuple(LayerShape(*(8 * int(rng.integers(1, most)) for most in (9, 4))) for _ in range(6))

    shape = DenseNetShape(16, tuple(layers() for _ in range(blocks)), (40,) * (blocks - 1), 1)
    timings, between = _profile(target, shape, table.size)
    measured = _sum(timings) + between
    return CostTable(**{**vars(table), "error": abs(table_total(table, shape) / measured - 1)})


def _block_samples(target: Target, side: int, *, last: bool) -> Iterator[Sample]:
    """A block of every pair of widths, and a transition to a second block unless it is the last one.

    Sides below 4, which no picture that is taken gives at once, get the times of 4.
    """
    pairs = list(product(BOTTLENECKS, GROWTHS))
    layers = tuple(LayerShape(*pairs[place * STRIDE % len(pairs)]) for place in range(len(pairs)))
    shape = DenseNetShape(16, (layers,), (), 1)
    if not last:
        shape = DenseNetShape(16, (layers, (LayerShape(8, 8),)), (32,), 1)
    timings, between = _profile(target, shape, max(4 * side, shape.smallest_input()))
    segments = _segments(timings, 1 + sum(len(block) + 1 for block in shape.blocks))
    widths = shape.widths()[0]
    for layer, entering, segment in zip(layers, widths, segments[1:], strict=False):
        act, *rest = segment
        reduce, expand, *others = sorted(rest, key=lambda timing: not timing.name.startswith(_CONVOLUTION))
        yield Sample("act", side, 0, entering, act.taken)
        yield Sample("reduce", side, layer.bottleneck, entering, reduce.taken)
        yield Sample("expand", side, layer.growth, layer.bottleneck, expand.taken)
        yield Sample("copy", side, 0, entering + layer.growth, _sum(others))
    yield Sample("handover", side, 0, 0, between / len(segments))
    behind = segments[len(layers) + 1][1:]
    if last:
        yield Sample("head", side, 0, widths[-1], _sum(behind))
    else:
        pools = [timing for timing in behind if not timing.name.startswith(_POINTWISE)]
        yield Sample("pool", side, 0, widths[-1], _sum(pools))


def _fitted(samples: Sequence[Sample]) -> Iterator[PartCost]:
    """A straight line over the input channels of each part.

    One sample alone is all slope, or all fixed where it has no channels.
    """
    places = dict.fromkeys((sample.part, sample.side, sample.out) for sample in samples)
    for part, side, out in places:
        mine = [sample for sample in samples if (sample.part, sample.side, sample.out) == (part, side, out)]
        channels, taken = (np.array([getattr(each, what) for each in mine], float) for what in ("channels", "taken"))
        slope = float(taken.sum() / channels.sum()) if channels.any() else 0.0
        if len(mine) > 1:
            apart = channels - channels.mean()
            slope = min(max(float(apart @ taken / (apart @ apart)), 0.0), slope)
        yield PartCost(part, side, out, max(float((taken - slope * channels).mean()), 0.0), slope)


def _profile(target: Target, shape: DenseNetShape, size: int) -> tuple[list[Timing], float]:
    """The operators of one int8 inference in their order, and what lies between them all."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        file.write_bytes(_int8(shape, size))
        runs = target.profiled(file, size)
    operators = [[event for event in run if event.kind == NODE or event.kind in INSIDE] for run in runs]
    if len({tuple(event.name for event in run) for run in operators}) != 1:
        raise HemotkError("‹costs›: the profiler saw other operators in each inference; run it again.")
    taken = np.array([[event.microseconds for event in run] for run in operators], float)
    around = [max(_invoke(run) - own, 0.0) for run, own in zip(runs, taken.sum(axis=1), strict=True)]
    per = target.per_microsecond
    timings = [Timing(event.name, per * _typical(column)) for event, column in zip(operators[0], taken.T, strict=True)]
    return timings, per * _typical(np.array(around))


def _int8(shape: DenseNetShape, size: int) -> bytes:
    """The network with random weights; what its bytes mean does not matter."""
    from hemotk.exporting.densenet import plain
    from hemotk.exporting.graph.ir import build_graph
    from hemotk.exporting.integer.calibrate import channel_ranges
    from hemotk.exporting.integer.graph import INT8_STEPS, integer_graph
    from hemotk.exporting.integer.quantize import quantize
    from hemotk.exporting.recipe import Recipe
    from hemotk.exporting.tflite.convert import convert_graph

    spec = PreprocessSpec(size)
    graph = plain(build_graph(shape, random_arrays(shape)))
    noise = np.random.default_rng(0).integers(0, 256, (2, size, size)).astype(np.uint8)
    made = integer_graph(graph, channel_ranges(graph, noise, spec), INT8_STEPS)
    ranges = {**made.ranges, "logit": (-8.0, 8.0), "probability": (0.0, 1.0)}
    return quantize(convert_graph(made.graph, size), Recipe("int8"), spec, ranges)


def _segments(timings: Sequence[Timing], count: int) -> list[list[Timing]]:
    """The operators up to the first layer, then those that each pre-activation begins.

    Raises:
        HemotkError: there are not so many.
    """
    found: list[list[Timing]] = [[]]
    for timing in timings:
        if timing.name.startswith(_START):
            found.append([])
        found[-1].append(timing)
    if len(found) != count:
        raise HemotkError(
            f"‹costs›: the profile shows {len(found) - 1} pre-activations where the network has {count - 1}; this "
            "runtime names its operators otherwise, leave the option out."
        )
    return found


def _typical(values: np.ndarray) -> float:
    """The mean of the faster half: whole microseconds are too coarse for a median, other work only makes it slower."""
    return float(np.sort(values)[: max(1, values.size // 2)].mean())


def _invoke(run: Sequence[Event]) -> float:
    return float(max((event.microseconds for event in run if event.name == "Invoke" and event.kind == 1), default=0))


def _sum(timings: Sequence[Timing]) -> float:
    return sum(timing.taken for timing in timings)


def _side(size: int, block: int) -> int:
    return ((size + 1) // 2 + 1) // 2 // 2**block
