"""`hemotk prune --method magnitude`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hemotk.errors import HemotkError
from hemotk.progress import bars

if TYPE_CHECKING:
    from hemotk.pruning.channels.job import PruneJob
    from hemotk.pruning.magnitude.loop import SparseRun


def prune_by_magnitude(job: "PruneJob", given: Mapping[str, Any]) -> None:
    """Check the job, prune with a progress bar, and print the zeros, the sizes and the metrics."""
    from hemotk.pruning.magnitude.config import NO_PATTERN, MagnitudeConfig
    from hemotk.pruning.magnitude.job import read_magnitude

    if given.get("structure", NO_PATTERN) != NO_PATTERN:
        for name in ("begin", "end"):
            if name in given:
                raise HemotkError(
                    f"--{name}: with --structure all zeros come after the first step; leave one of both out."
                )
    material = read_magnitude(job, MagnitudeConfig(**given))

    from hemotk.quiet import import_tensorflow

    import_tensorflow()
    from hemotk.cli.train import report
    from hemotk.pruning.magnitude.loop import prune_magnitude
    from hemotk.training.listener import Telling

    with bars() as tell:
        result = prune_magnitude(material, Telling(tell, "pruning", material.config.epochs))
    _report(result)
    report(result.card, job.out)


def _report(result: "SparseRun") -> None:
    width = max(map(len, result.after.zeros))
    click.echo(f"{'':{width}} {'zeros':>7} {'weights':>12}")
    for kind, found in result.after.zeros.items():
        click.echo(f"{kind:{width}} {found.share:7.4f} {found.count:12,}")
    for note in result.card.notes:
        click.echo(note)
