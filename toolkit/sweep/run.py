"""A sweep from its job to its report."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hemotk.artifacts import SWEEP_FILE, SWEEP_PLOT, SWEEP_TABLE, BenchReport, SweepReport
from hemotk.errors import CheckFailed
from hemotk.files import sha256_file, write_bytes, writing
from hemotk.store.lock import hand_over, locked
from hemotk.sweep.choice import choose
from hemotk.sweep.job import Entry, Start, SweepJob, read_start
from hemotk.sweep.making import Show, bench_validation, make_bundle, pruned_entries, trained_entries
from hemotk.sweep.points import point_of


@dataclass(frozen=True)
class _Bundles:
    """The bundle of every network by its name, and why some networks have none or are not made."""

    entries: dict[str, Entry] = field(default_factory=dict)
    bundles: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def sweep(job: SweepJob, show: Show) -> SweepReport:
    """Make every network, measure all of them together, and write `job.out`.

    Raises:
        HemotkError: for whatever cannot be pruned, trained, exported or measured; what is finished stays for --resume.
        CheckFailed: the bundle of the unpruned run is not what it must be; another that is not is left out.
    """
    started = time.monotonic()
    start = read_start(job)

    from hemotk.quiet import import_tensorflow

    import_tensorflow()
    with writing(job.partial), locked(job.partial) as lock:
        report = _fill(job, start, started, show)
        hand_over(lock, job.partial, job.out, job.overwrite)
    return report


def _fill(job: SweepJob, start: Start, started: float, show: Show) -> SweepReport:
    made = _make(job, start, show)
    bench = bench_validation(job, start.unpruned.network.split, tuple(made.bundles.values()), show.tell)
    report = _report(job, made, bench, started)

    from hemotk.sweep.plot import png
    from hemotk.sweep.table import markdown

    report.write(job.partial / SWEEP_FILE)
    write_bytes(job.partial / SWEEP_PLOT, png(report))
    write_bytes(job.partial / SWEEP_TABLE, markdown(report).encode())
    return report


def _make(job: SweepJob, start: Start, show: Show) -> _Bundles:
    made = _Bundles()
    if job.costs is not None:
        from hemotk.sweep.part_costs import keep_costs

        keep_costs(job.costs, start.shape, start.unpruned.network.card.preprocess.size, show.tell)
    for entry in (
        start.unpruned,
        *pruned_entries(job, start, made.left_out, show),
        *start.others,
        *trained_entries(job, start, show),
    ):
        try:
            made.bundles[entry.name] = make_bundle(job, entry, show)
            made.entries[entry.name] = entry
        except CheckFailed as error:
            if entry is start.unpruned:
                raise
            made.left_out[entry.name] = str(error)
    return made


def _report(job: SweepJob, made: _Bundles, bench: BenchReport, started: float) -> SweepReport:
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


def _settings(job: SweepJob) -> Mapping[str, Any]:
    each = {name: value for name, value in dataclasses.asdict(job.config(0.5)).items() if name != "macs"}
    return {
        "run": job.run.as_posix(),
        "budgets": list(job.budgets),
        "with": [run.as_posix() for run in job.others],
        "references": list(job.references),
        "costs": None if job.costs is None else sha256_file(job.costs),
        "prune": each,
    }
