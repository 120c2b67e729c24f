"""`hemotk prune --sweep`."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hemotk.artifacts import SWEEP_FILE, SWEEP_PLOT, SWEEP_TABLE, BenchReport, SweepReport
from hemotk.errors import CheckFailed, HemotkError
from hemotk.files import publish, refuse_existing, write_bytes, writing

if TYPE_CHECKING:
    from hemotk.cli.sweep_job import Entry, Start, SweepJob

SWEEPS = Path("sweeps")


@dataclass(frozen=True)
class _Made:
    """The bundle of every network by its name, and why some networks have none or are not made."""

    entries: "dict[str, Entry]" = field(default_factory=dict)
    bundles: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def shares(text: str) -> tuple[float, ...]:
    """The budgets in `text`, such as '0.5,0.25'; 'none' is no budget at all.

    Raises:
        HemotkError: it is no list of numbers.
    """
    if text.strip() == "none":
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise HemotkError(f"--budgets {text}: is no list of numbers; write it as 0.5,0.25.") from error


def names(text: str) -> tuple[str, ...]:
    """The architectures in `text`, such as 'resnet50,densenet121'."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def sweep(job: "SweepJob") -> SweepReport:
    """Make every network, measure all of them together, and write `job.out`.

    Raises:
        HemotkError: for whatever cannot be pruned, trained, exported or measured; what is finished stays for --resume.
        CheckFailed: the bundle of the unpruned run is not what it must be; another that is not is left out.
    """
    from hemotk.cli.sweep_job import read_start

    started = time.monotonic()
    start = read_start(job)

    from hemotk.training.quiet import import_tensorflow

    import_tensorflow()
    from hemotk.training.lock import LOCK_FILE, locked

    with writing(job.partial):
        with locked(job.partial):
            report = _fill(job, start, started)
        (job.partial / LOCK_FILE).unlink()
        refuse_existing(job.out, job.overwrite)
        publish(job.partial, job.out)
    _say(report, job.out)
    return report


def _fill(job: "SweepJob", start: "Start", started: float) -> SweepReport:
    from hemotk.cli.bench import Watch
    from hemotk.cli.sweep_making import bench_validation

    made = _make(job, start)
    with Watch() as watch:
        bench = bench_validation(job, start.unpruned.network.split, tuple(made.bundles.values()), watch)
    report = _report(job, made, bench, started)

    from hemotk.sweep.plot import png
    from hemotk.sweep.table import markdown

    report.write(job.partial / SWEEP_FILE)
    write_bytes(job.partial / SWEEP_PLOT, png(report))
    write_bytes(job.partial / SWEEP_TABLE, markdown(report).encode())
    return report


def _make(job: "SweepJob", start: "Start") -> _Made:
    from hemotk.cli.sweep_making import make_bundle, pruned_entries, trained_entries

    made = _Made()
    for entry in (
        start.unpruned,
        *pruned_entries(job, start, made.left_out),
        *start.others,
        *trained_entries(job, start),
    ):
        try:
            made.bundles[entry.name] = make_bundle(job, entry)
            made.entries[entry.name] = entry
        except CheckFailed as error:
            if entry is start.unpruned:
                raise
            made.left_out[entry.name] = str(error)
    return made


def _report(job: "SweepJob", made: _Made, bench: BenchReport, started: float) -> SweepReport:
    from hemotk.sweep.choice import choose
    from hemotk.sweep.points import point_of

    entries = tuple(made.entries.values())
    points = tuple(point_of(entry.point(), bench) for entry in entries)
    choice = choose(points)
    return SweepReport(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        split=entries[0].network.split.sha256(),
        images=len(bench.images),
        positives=sum(image.label or 0 for image in bench.images),
        points=points,
        left_out=made.left_out,
        chosen=choice.name,
        why=choice.why,
        settings=_settings(job),
        environment=bench.environment,
        seconds=time.monotonic() - started,
        positive=entries[0].network.card.labels[1],
    )


def _settings(job: "SweepJob") -> Mapping[str, Any]:
    each = {name: value for name, value in dataclasses.asdict(job.config(0.5)).items() if name != "macs"}
    return {
        "run": job.run.as_posix(),
        "budgets": list(job.budgets),
        "with": [run.as_posix() for run in job.others],
        "references": list(job.references),
        "prune": each,
    }


def _say(report: SweepReport, out: Path) -> None:
    from hemotk.metrics import in_words

    click.echo(f"{'int8 of':20} {'million MACs':>12} {'MB':>6} {'ms':>8} {'log-loss':>9} {'flips':>5}  accuracy")
    for point in report.points:
        int8 = point.int8
        click.echo(
            f"{point.name:20} {point.macs / 1e6:12.1f} {int8.bytes / 1e6:6.2f} {int8.latency_ns / 1e6:8.2f} "
            f"{int8.loss:9.4f} {point.flips:5}  {in_words(int8.accuracy)}"
        )
    for name, why in report.left_out.items():
        click.echo(f"{name} is left out: {why}")
    click.echo(f"wrote {out} after {report.seconds:.0f} s, all figures on {report.images} validation images")
    click.echo(report.why)
    if report.chosen is not None:
        first = out / "bundles" / report.points[0].name
        click.echo(f"Score it on the test part once: hemotk bench {first} {out / 'bundles' / report.chosen}")
