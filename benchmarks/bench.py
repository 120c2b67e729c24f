"""One bench of one bundle, from its folder to its report."""

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hemotk.artifacts import HERE, BenchedBundle, BenchReport, ImageRef, Source, Variant, VariantResult
from hemotk.benchmarks import environment, gate, latency
from hemotk.benchmarks.accuracy import Judge
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.report import conclude
from hemotk.benchmarks.runners import Loaded, Runner, RunnerFailed
from hemotk.benchmarks.testset import OpenBundle, open_bundle, read_card
from hemotk.runtime import Scores, find_runtime

# Told what is done ("scoring int8", "timing") and how much of that, from 0 to 1.
Watch = Callable[[str, float], None]


@dataclass
class Row:
    """A variant while it is measured; a `failure` ends that for good."""

    variant: Variant
    runner: Runner
    loaded: Loaded | None = None
    scores: list[Scores] = field(default_factory=list)
    timings: latency.Timings = field(default_factory=latency.Timings)
    failure: str = ""

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Turn the failure of this variant into a note on its row."""
        try:
            yield
        except RunnerFailed as error:
            self.failure = str(error)


def bench(folder: Path, config: BenchConfig, watch: Watch = lambda what, done: None) -> BenchReport:
    """Measure every variant of the bundle in `folder` against its float parent, on the test split beside it.

    A variant that cannot be run fails its row, not the bench.

    Raises:
        HemotkError: bundle or test split are missing or not what was recorded, or no interpreter is installed.
    """
    started, before = time.monotonic(), environment.snapshot()
    environment.check_cpus(config.cpus)
    card = read_card(folder)
    with ExitStack() as stack:
        # The first worker imports its libraries while the checksums are verified; it opens nothing before that is done.
        runner = stack.enter_context(Runner(config))
        runtime, bundle = find_runtime(config.runtime), open_bundle(folder)
        rows: list[Row] = []
        for variant in card.variants:
            rows.append(Row(variant, stack.enter_context(Runner(config)) if rows else runner))
            _score(rows[-1], bundle, watch)
        _time(rows, bundle, config, watch)
    judge = Judge(bundle.items, card.threshold, card.temperature)
    results = tuple(_result(row, rows[0], judge, card.name) for row in rows)
    surroundings = environment.surroundings(runtime, before, results, config.threads)
    return _report(bundle, results, surroundings, config, time.monotonic() - started)


def _score(row: Row, bundle: OpenBundle, watch: Watch) -> None:
    """Load the variant and score every test image."""
    with row.surviving():
        row.loaded = row.runner.load(bundle.path(row.variant), bundle.images, bundle.card.preprocess)
        for image in range(len(bundle.items)):
            watch(f"scoring {row.variant.kind}", image / len(bundle.items))
            row.scores.append(row.runner.score(image))
        watch(f"scoring {row.variant.kind}", 1.0)


def _time(rows: list[Row], bundle: OpenBundle, config: BenchConfig, watch: Watch) -> None:
    """Time the variants that got this far."""
    usable: dict[str, Row] = {row.variant.kind: row for row in rows if not row.failure}
    turns = {kind: _turn(row.runner, len(bundle.items)) for kind, row in usable.items()}
    for kind, timings in latency.measure(turns, config, lambda done: watch("timing", done)).items():
        usable[kind].timings = timings
        usable[kind].failure = timings.failure


def _turn(runner: Runner, images: int) -> latency.Turn:
    return lambda runs: runner.time(images, runs)


def _result(row: Row, parent: Row, judge: Judge, bundle: str) -> VariantResult:
    complete = len(row.scores) == len(judge.items)
    compared = complete and row is not parent and len(parent.scores) == len(judge.items)
    return VariantResult(
        bundle=bundle,
        source=HERE,
        kind=row.variant.kind,
        file=row.variant.file,
        sha256=row.variant.sha256,
        bytes=row.variant.bytes,
        failure=row.failure,
        findings=judge.findings(row.scores) if complete else (),
        scores=judge.scores(row.scores) if complete else None,
        metrics=judge.metrics(row.scores) if complete else None,
        paired=judge.paired(row.scores, parent.scores) if compared else None,
        latency=None if row.loaded is None else latency.summarize(row.loaded, row.timings, parent.timings),
        peak_memory_bytes=row.runner.peak_bytes,
        base_memory_bytes=None if row.loaded is None else row.loaded.base_bytes,
    )


def _report(
    bundle: OpenBundle,
    results: tuple[VariantResult, ...],
    surroundings: environment.Surroundings,
    config: BenchConfig,
    seconds: float,
) -> BenchReport:
    verdicts = gate.judge(results, config.limits)
    return BenchReport(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        command="hemotk bench",
        bundles=(_benched(bundle),),
        sources=(Source(HERE, surroundings.facts),),
        folder="",
        images=tuple(ImageRef(item.id, item.label) for item in bundle.items),
        skipped=(),
        settings=asdict(config),
        warnings=surroundings.warnings,
        notes=(),
        variants=results,
        verdicts=verdicts,
        passed=all(verdict.passed for verdict in verdicts),
        conclusion=conclude(results),
        seconds=seconds,
    )


def _benched(bundle: OpenBundle) -> BenchedBundle:
    card = bundle.card
    return BenchedBundle(
        name=card.name,
        folder=str(bundle.folder),
        sha256=bundle.card_sha256,
        testset_sha256=card.testset,
        size=card.preprocess.size,
        labels=card.labels,
        threshold=card.threshold,
        temperature=card.temperature,
    )
