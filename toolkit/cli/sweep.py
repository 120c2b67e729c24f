"""`hemotk prune --sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.errors import HemotkError
from hemotk.progress import bars

if TYPE_CHECKING:
    from hemotk.artifacts import SweepReport
    from hemotk.sweep.job import SweepJob

SWEEPS = Path("sweeps")


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


def sweep(job: "SweepJob") -> None:
    """Sweep with progress bars, and print what came of it."""
    from hemotk.sweep.making import Show
    from hemotk.sweep.run import sweep as run

    with bars() as tell:
        report = run(job, Show(tell, click.echo))
    _say(report, job.out)


def _say(report: "SweepReport", out: Path) -> None:
    from hemotk.render.numbers import with_interval

    click.echo(f"{'int8 of':20} {'million MACs':>12} {'MB':>6} {'ms':>8} {'log-loss':>9} {'flips':>5}  accuracy")
    for point in report.points:
        int8 = point.int8
        click.echo(
            f"{point.name:20} {point.macs / 1e6:12.1f} {int8.bytes / 1e6:6.2f} {int8.latency_ns / 1e6:8.2f} "
            f"{int8.loss:9.4f} {point.flips:5}  {with_interval(int8.accuracy)}"
        )
    for name, why in report.left_out.items():
        click.echo(f"{name} is left out: {why}")
    click.echo(f"wrote {out} after {report.seconds:.0f} s, all figures on {report.images} validation images")
    click.echo(report.why)
    if report.chosen is not None:
        first = out / "bundles" / report.points[0].name
        click.echo(f"Score it on the test part once: hemotk bench {first} {out / 'bundles' / report.chosen}")
