"""`hemotk bench`: measure a bundle, print the table, hold the limits."""

from pathlib import Path
from types import TracebackType

import click

from hemotk.artifacts import BenchReport
from hemotk.benchmarks.bench import bench as run
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.gate import Limits
from hemotk.cli.options import PATH, Progress, bundle_or_newest, json_option, overwrite_option, threads_option
from hemotk.errors import CheckFailed, HemotkError
from hemotk.files import refuse_existing

STEPS = 100


@click.command()
@click.argument("bundle", required=False, type=PATH)
@json_option
@overwrite_option
@click.option(
    "--max-accuracy-drop",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Most accuracy a variant may lose against float32, a fraction.",
)
@click.option(
    "--max-latency-ratio",
    type=click.FloatRange(0, min_open=True),
    default=1.1,
    show_default=True,
    help="Slowest a variant may be: its median over that of float32 (not asked of int16x8).",
)
@click.option("--max-flips", type=click.IntRange(0), help="Most images whose decision may differ from float32's.")
@threads_option(1)
@click.option("--runtime", metavar="NAME", help="ai_edge_litert or tflite_runtime; default: the first installed.")
@click.option("--cpu", metavar="LIST", help="Pin the measured processes to these processors, as in 0 or 0,1.")
@click.option("--min-runs", type=click.IntRange(1), default=40, show_default=True, help="Timed inferences, at least.")
@click.option(
    "--min-seconds",
    type=click.FloatRange(0),
    default=3.0,
    show_default=True,
    help="Seconds of timed inference per variant, at least.",
)
def bench(
    *,
    bundle: Path | None,
    json_file: Path | None,
    overwrite: bool,
    max_accuracy_drop: float,
    max_latency_ratio: float,
    max_flips: int | None,
    threads: int,
    runtime: str | None,
    cpu: str | None,
    min_runs: int,
    min_seconds: float,
) -> None:
    """Prove that a bundle still matches its float parent.

    Every .tflite in BUNDLE (default: the newest under bundles/) scores the test split that lies beside it, then all
    are timed in turns, each in a process of its own. Ends with 0 if all limits hold, 1 if one does not, 2 on wrong
    use or bad input.

    \b
    Examples:
      hemotk bench
      hemotk bench bundles/first --json bench.json
      hemotk bench --max-flips 0 --max-accuracy-drop 0
      hemotk bench --threads 2 --cpu 0,1 --min-runs 200
    """
    if json_file is not None:
        refuse_existing(json_file, overwrite)
    config = BenchConfig(
        threads=threads,
        runtime=runtime,
        cpus=_processors(cpu),
        min_runs=min_runs,
        min_seconds=min_seconds,
        limits=Limits(max_accuracy_drop, max_latency_ratio, max_flips),
    )
    with _Watch() as watch:
        report = run(bundle_or_newest(bundle), config, watch)
    _print(report)
    if json_file is not None:
        report.write(json_file, overwrite=overwrite)
    if not report.passed:
        failed = [verdict.sentence for verdict in report.verdicts if not verdict.passed]
        raise CheckFailed(
            f"{report.bundles[0].name}: {'; '.join(failed)}; export with other options, or change the limits."
        )


class _Watch:
    """A progress bar for each step of the bench in turn."""

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def __enter__(self) -> "_Watch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)

    def __call__(self, what: str, done: float) -> None:
        if self._bar is None or self._bar.what != what:
            self.__exit__(None, None, None)
            self._bar = Progress(what, STEPS).__enter__()
        steps = int(done * STEPS) - self._bar.done
        if steps:
            self._bar.advance(steps)


def _print(report: BenchReport) -> None:
    from rich.console import Console

    from hemotk.benchmarks.report import show

    show(report, Console())


def _processors(text: str | None) -> tuple[int, ...]:
    try:
        return () if text is None else tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise HemotkError(f"--cpu {text}: is no list of processor numbers; write it as 0 or 0,1.") from error
