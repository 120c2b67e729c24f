"""The latency protocol: variants take turns in rounds, so that a machine that drifts drifts for all of them.

A round gives every variant one turn: an untimed inference, then some timed ones. It ends when every variant has the
minimum count, the minimum duration and some rounds, and no sample is thrown away after the first, warm-up round.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from hemotk.artifacts import Estimate, Latency
from hemotk.benchmarks.measure.config import MeasureConfig
from hemotk.benchmarks.measure.runners import Loaded, RunnerFailed
from hemotk.progress import Tell, silent
from hemotk.stats.paired import percentile, ratio_of_medians

# Long enough that waking a process does not show, short enough that the machine is the same for all turns of a round.
TURN_NS = 300_000_000
WARMUP_RUNS = 3
MAX_RUNS_A_TURN = 200
# Fewer say nothing of how far rounds differ.
MIN_ROUNDS = 5

# Runs one variant so many times and gives the nanoseconds of each run.
Turn = Callable[[int], tuple[int, ...]]


@dataclass
class Timings:
    """Raw samples of one variant, nanoseconds: of the warm-up round, and of each timed round; and how long those took.

    `seconds` is the time that its timed turns took, the feeding of images included.
    """

    warmup: tuple[int, ...] = ()
    rounds: list[tuple[int, ...]] = field(default_factory=list)
    seconds: float = 0.0
    failure: str = ""

    def runs_a_turn(self) -> int:
        """The number of inferences that fill one turn."""
        return int(np.clip(TURN_NS // max(1, int(np.median(self.warmup))), 1, MAX_RUNS_A_TURN))

    def done(self, config: MeasureConfig) -> float:
        """The share of what is asked for that is there, at most 1."""
        share = min(sum(len(samples) for samples in self.rounds) / config.min_runs, len(self.rounds) / MIN_ROUNDS)
        if config.min_seconds > 0:
            share = min(share, self.seconds / config.min_seconds)
        return min(1.0, share)


def measure(
    turns: Mapping[str, Turn],
    config: MeasureConfig,
    tell: Tell = silent,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Timings]:
    """Time all variants in rounds; one that fails drops out and keeps what it had. `clock` gives seconds."""
    timings = {kind: Timings() for kind in turns}
    for kind, turn in turns.items():
        timings[kind].warmup = _turn(turn, WARMUP_RUNS, timings[kind])
    order = [kind for kind in turns if not timings[kind].failure]
    while order and (share := min(timings[kind].done(config) for kind in order)) < 1:
        tell("timing", int(100 * share), 100)
        for kind in order:
            began = clock()
            samples = _turn(turns[kind], timings[kind].runs_a_turn(), timings[kind])
            timings[kind].seconds += clock() - began
            if samples:
                timings[kind].rounds.append(samples)
        # The next round begins with another variant: none always runs after the same one.
        order = [kind for kind in order[1:] + order[:1] if not timings[kind].failure]
    tell("timing", 100, 100)
    return timings


def summarize(loaded: Loaded, timings: Timings, parent: Timings | None) -> Latency | None:
    """The figures of one variant against the float parent's timings; None where nothing was timed."""
    if not timings.rounds:
        return None
    samples = np.concatenate(timings.rounds)
    return Latency(
        load_ns=loaded.load_ns,
        first_ns=loaded.first_ns,
        warmup_ns=timings.warmup,
        rounds_ns=tuple(timings.rounds),
        p50_ns=percentile(samples, 0.5),
        p90_ns=percentile(samples, 0.9),
        p99_ns=percentile(samples, 0.99),
        ratio=_ratio(timings, parent),
    )


def _ratio(timings: Timings, parent: Timings | None) -> Estimate:
    if parent is None or not parent.rounds:
        return Estimate(None, why="the float parent was not timed")
    return ratio_of_medians(timings.rounds, parent.rounds)


def _turn(turn: Turn, runs: int, timings: Timings) -> tuple[int, ...]:
    try:
        return turn(runs)
    except RunnerFailed as error:
        timings.failure = str(error)
        return ()
