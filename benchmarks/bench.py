"""One bench, from bundle folders to its report."""

import dataclasses
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from hemotk.artifacts import HERE, BenchReport, RowSource
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.judge.baseline import against
from hemotk.benchmarks.judge.results import Context, Outcome, results, write_up
from hemotk.benchmarks.measure import latency
from hemotk.benchmarks.measure import machine as environment
from hemotk.benchmarks.measure.imported import import_devices
from hemotk.benchmarks.measure.rows import Keep, Row, ignore
from hemotk.benchmarks.measure.runners import Runner, check_delegate, profile
from hemotk.benchmarks.measure.scoring import Tools, score_folder, score_split
from hemotk.benchmarks.measure.subject import Subject, open_all, read_cards
from hemotk.files import sha256_file
from hemotk.progress import Tell, silent
from hemotk.stats.strata import divide
from hemotk.tflite.runtime import find_runtime


def bench(subject: Subject, config: BenchConfig, tell: Tell = silent, keep: Keep = ignore) -> BenchReport:
    """Measure every variant of every bundle against its float parent, on the test split or on a folder of pictures.

    A variant that cannot be run fails its row, not the bench. `tell` receives the progress, `keep` the scores as they
    come.

    Raises:
        HemotkError: a bundle, test split, folder or device file is missing or not what it must be, or no interpreter is
            installed.
    """
    started, before = time.monotonic(), environment.snapshot()
    environment.check_cpus(config.cpus)
    check_delegate(config)
    read_cards(subject)
    before_now = None if subject.baseline is None else BenchReport.read(subject.baseline)
    with ExitStack() as stack:
        # The first worker imports its libraries while the checksums are verified; it opens nothing before that is done.
        runners = _Runners(stack, config)
        runtime, bundles = find_runtime(config.runtime), open_all(subject)
        devices, elsewhere = import_devices(subject.imported, bundles)
        rows = [Row(bundle, variant) for bundle in bundles for variant in bundle.card.variants]
        tools = Tools(runners.of, tell, keep)
        if subject.images is None:
            scored = score_split(rows, tools)
        else:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            scored = score_folder(rows, tools, subject, scratch)
        if config.timing:
            _time(rows, runners, scored.last, config, tell)
        if config.profile:
            _profile(rows, scored.last, config, tell)
    for row in elsewhere:
        keep(row, scored.images[: len(row.scores)], row.scores)
    context = Context(scored.tissue, divide(scored.images, scored.cells))
    measured = results([*rows, *elsewhere], scored.images, context)
    ours = [row for row in measured if row.source == HERE]
    here = environment.surroundings(runtime, before, ours, config.threads, config.cpus)
    noise = {source.name: environment.device_warnings([source], measured) for source in devices}
    noise = {HERE: here.warnings if config.timing else (), **noise}
    warnings = tuple(line for lines in noise.values() for line in lines)
    busy = frozenset(name for name, lines in noise.items() if lines)
    outcome = Outcome(bundles, (RowSource(HERE, here.facts), *devices), scored, measured, warnings, busy)
    report = write_up(subject, config, outcome)
    if subject.baseline is not None and before_now is not None:
        report = against(report, before_now, sha256_file(subject.baseline), config.undecided)
    return dataclasses.replace(report, seconds=time.monotonic() - started)


class _Runners:
    """One worker process per row, the first of them started at once, all ended with `stack`."""

    def __init__(self, stack: ExitStack, config: BenchConfig) -> None:
        self._stack = stack
        self._config = config
        self._idle = [self._new()]
        self._of: dict[str, Runner] = {}

    def of(self, row: Row) -> Runner:
        """The process that `row` lives in."""
        if row.key not in self._of:
            self._of[row.key] = self._idle.pop() if self._idle else self._new()
        return self._of[row.key]

    def _new(self) -> Runner:
        return self._stack.enter_context(Runner(self._config))


def _time(rows: Sequence[Row], runners: _Runners, images: int, config: BenchConfig, tell: Tell) -> None:
    """Time the rows that got this far, on `images` rows of the array files that they have loaded."""
    usable = {row.key: row for row in rows if not row.failure}
    turns = {key: _turn(runners.of(row), images) for key, row in usable.items()}
    for key, timings in latency.measure(turns, config, tell).items():
        usable[key].timings = timings
        usable[key].failure = timings.failure
        usable[key].peak_bytes = runners.of(usable[key]).peak_bytes


def _turn(runner: Runner, images: int) -> latency.Turn:
    return lambda runs: runner.time(images, runs)


def _profile(rows: Sequence[Row], images: int, config: BenchConfig, tell: Tell) -> None:
    """Profile the rows that got this far, one after the other, each in a process that does nothing else."""
    usable = [row for row in rows if not row.failure]
    for place, row in enumerate(usable):
        tell("profiling", place, len(usable))
        bundle = row.bundle
        model, preprocess = bundle.path(row.variant), bundle.card.preprocess
        row.profile = profile(config, model, bundle.images, images, preprocess, foreign=bundle.foreign)
    tell("profiling", len(usable), len(usable))
