"""`hemotk prune --method magnitude`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hemotk.cli.next_step import say_next
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from hemotk.pruning.magnitude.loop import SparseRun


def prune_by_magnitude(run: Path, out: Path, given: Mapping[str, Any], **options: Any) -> None:
    """Prune with a progress bar, and print the zeros, the sizes and the metrics."""
    from hemotk.api.prunings import magnitude_run
    from hemotk.cli.train import report
    from hemotk.pruning.magnitude.config import NO_PATTERN

    structure = given.get("structure", NO_PATTERN)
    for name in ("begin", "end") if structure != NO_PATTERN else ():
        if name in given:
            raise HemotkError(
                f"--{name} {given[name]:g} and --structure {structure}: contradict each other, since with a structure "
                "all zeros come after the first step; leave one of both out."
            )
    made, counted = magnitude_run(run, out, progress=True, **options, **given)
    _report(counted)
    report(made)
    say_next("export", made.folder)


def _report(result: "SparseRun") -> None:
    width = max(map(len, result.after.zeros))
    click.echo(f"{'':{width}} {'zeros':>7} {'weights':>12}")
    for kind, found in result.after.zeros.items():
        click.echo(f"{kind:{width}} {found.share:7.4f} {found.count:12,}")
    for note in result.card.notes:
        click.echo(note)
