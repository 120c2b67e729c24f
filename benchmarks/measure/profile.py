"""Profiles of one inference: the time of each operator, and the nodes that no delegate took."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemotk.artifacts import ForeignSpec, LeftOutNode, NodeTime, OperatorTime, PreprocessSpec, Profile
from hemotk.benchmarks.measure.litert import INSIDE, NODE, PACKAGE, Event, ProfiledModel
from hemotk.errors import HemotkError
from hemotk.store.bundle import read_image
from hemotk.tflite.foreign_scorer import open_scorer
from hemotk.tflite.placement import placement
from hemotk.tflite.runtime import Delegate, Runtime

RUNS = 10
WARMUP = 3
SLOWEST = 20


@dataclass(frozen=True)
class ProfileJob:
    """A model to profile and how to run it: `images` is an array file of at least `rows` test images."""

    model: Path
    preprocess: PreprocessSpec
    images: Path
    rows: int
    runtime: Runtime
    threads: int
    delegate: Delegate | None
    foreign: ForeignSpec | None = None


@dataclass(frozen=True)
class Timed:
    """One operator of an inference and its median time: a `node` of the graph, or something inside a delegate."""

    operator: str
    node: int | None
    name: str
    ns: float


def profile(job: ProfileJob) -> Profile:
    """Time per operator type and the slowest operators, and which nodes no delegate took; never an error."""
    left_out, why_left_out = _left_out(job)
    names = {node.node: node.name for node in left_out}
    try:
        times = timed([[event for event in run if _is_operator(event)] for run in _measure(job)], names)
    except HemotkError as error:
        return Profile("", 0, why=_reason(error), left_out=left_out, why_left_out=why_left_out)
    return Profile(
        method=f"LiteRT's profiler in {job.runtime}, also inside XNNPACK, medians of whole microseconds",
        runs=RUNS,
        operators=by_operator(times),
        slowest=slowest(times),
        left_out=left_out,
        why_left_out=why_left_out,
    )


def timed(runs: Sequence[Sequence[Event]], names: Mapping[int, str]) -> list[Timed]:
    """The operators of an inference in their order, from what was seen of several; `names` are those of nodes.

    Raises:
        HemotkError: nothing was seen, or not the same operators each time.
    """
    seen = {tuple((event.kind, event.name, event.index) for event in run) for run in runs}
    if len(seen) != 1 or seen == {()}:
        raise HemotkError("‹profile›: the profiler saw other operators in each inference; run it again.")
    times = np.median([[event.microseconds for event in run] for run in runs], axis=0) * 1000
    operators, piece, last = [], 0, None
    for event, ns in zip(runs[0], times.tolist(), strict=True):
        inside = event.kind in INSIDE
        # Each run of a delegate's piece counts its operators from 0.
        piece += inside and (last is None or event.index <= last)
        last = event.index if inside else None
        where = f"delegate piece {piece}, operator {event.index}" if inside else names.get(event.index, "")
        operators.append(Timed(event.name, None if inside else event.index, where, ns))
    return operators


def by_operator(times: Sequence[Timed]) -> tuple[OperatorTime, ...]:
    """Sums by type of operator, longest first."""
    groups: dict[str, list[float]] = defaultdict(list)
    for item in times:
        groups[item.operator].append(item.ns)
    whole = _whole(times)
    shares = [OperatorTime(name, len(group), sum(group), sum(group) / whole) for name, group in groups.items()]
    return tuple(sorted(shares, key=lambda item: -item.total_ns))


def slowest(times: Sequence[Timed]) -> tuple[NodeTime, ...]:
    """The `SLOWEST` operators, longest first."""
    whole = _whole(times)
    longest = sorted(times, key=lambda item: -item.ns)[:SLOWEST]
    return tuple(NodeTime(item.node, item.name, item.operator, item.ns, item.ns / whole) for item in longest)


def _measure(job: ProfileJob) -> list[list[Event]]:
    if job.runtime.name != PACKAGE:
        raise HemotkError(f"‹profile›: {job.runtime} offers no profiler; install {PACKAGE.replace('_', '-')}.")
    if job.delegate is not None:
        raise HemotkError("‹profile›: LiteRT's profiler takes no external delegate; leave ‹delegate› out.")
    scorer = open_scorer(job.model, job.preprocess, job.foreign, runtime=job.runtime)
    model, runs = ProfiledModel(job.model, job.threads), []
    for run in range(WARMUP + RUNS):
        model.feed(scorer.stored(read_image(job.images, run % job.rows)))
        runs.append(model.profiled())
    return runs[WARMUP:]


def _left_out(job: ProfileJob) -> tuple[tuple[LeftOutNode, ...], str]:
    """The nodes that the interpreter runs itself, and why they are not known (empty if they are)."""
    try:
        placed = placement(job.model, job.runtime, job.delegate)
    except HemotkError as error:
        return (), _reason(error)
    if placed is None:
        return (), f"{job.runtime} does not list its nodes"
    if not placed.pieces:
        return (), f"{job.runtime} gave no part of this model to a delegate: it runs every node itself"
    return tuple(LeftOutNode(node.index, node.name, node.operator) for node in placed.left_out), ""


def _is_operator(event: Event) -> bool:
    return event.kind == NODE or event.kind in INSIDE


def _whole(times: Sequence[Timed]) -> float:
    """The sum over all operators; 1 where each was too quick for the clock."""
    return sum(item.ns for item in times) or 1.0


def _reason(error: HemotkError) -> str:
    return str(error).removeprefix("profile: ").rstrip(".")
