"""Sweeps: one run pruned to several budgets, all of them exported and measured together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemotk.api.common import PathLike, Progress, block, lines, maybe, table, telling
from hemotk.artifacts import SweepReport
from hemotk.render.numbers import with_interval
from hemotk.store.run import StoredRun

SWEEPS = Path("sweeps")
HEADINGS = ("int8 of", "million MACs", "MB", "ms", "log-loss", "flips", "accuracy")


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: runs/, bundles/ and a bench in `folder`; `report` has a point for each network."""

    folder: Path
    report: SweepReport

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """A row for each network, as `HEADINGS` call its figures; all are of the int8 file on the validation part."""
        return tuple(
            (
                point.name,
                f"{point.macs / 1e6:.1f}",
                f"{point.int8.bytes / 1e6:.2f}",
                f"{point.int8.latency_ns / 1e6:.2f}",
                f"{point.int8.loss:.4f}",
                str(point.flips),
                with_interval(point.int8.accuracy),
            )
            for point in self.report.points
        )

    @property
    def chosen(self) -> Path | None:
        """The bundle of the smallest network that loses nothing on the validation part; None where there is none."""
        return None if self.report.chosen is None else self.folder / "bundles" / self.report.chosen

    @property
    def unpruned(self) -> Path:
        """The bundle of the network that all others are compared with."""
        return self.folder / "bundles" / self.report.points[0].name

    def __repr__(self) -> str:
        return f"<hemotk.Sweep {self.folder}: {len(self.report.points)} networks, chosen {self.report.chosen}>"

    def _repr_html_(self) -> str:
        left_out = [f"{name} is left out: {why}" for name, why in self.report.left_out.items()]
        return block(f"Sweep {self.folder}", table(HEADINGS, self.rows), lines([*left_out, self.report.why]))


def prune_sweep(
    run: PathLike | StoredRun,
    *,
    budgets: Sequence[float] = (0.5, 0.25, 0.15, 0.08, 0.05),
    others: Sequence[PathLike | StoredRun] = (),
    references: Sequence[str] = (),
    out: PathLike | None = None,
    teacher: PathLike | StoredRun | None = None,
    costs: PathLike | None = None,
    data: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = True,
    say: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> Sweep:
    """Prune a DenseNet to several budgets, export every network, measure all together, and choose the smallest.

    `budgets` are shares of the multiply-accumulates of `run` to keep, falling. `others` are finished runs to measure
    beside it, `references` architectures to train by the run's recipe, such as 'mobilenetv3small'. `settings` are
    fields of `hemotk.pruning.channels.config.PruneConfig`; `costs` is as for `prune`. `say` is told what is begun.
    Nothing is scored on the test part.

    Raises:
        HemotkError: a run or settings that do not fit, or `out` exists and `overwrite` is false.
    """
    from hemotk.sweep.job import SweepJob
    from hemotk.sweep.making import Show
    from hemotk.sweep.run import sweep

    folder = _folder(run)
    job = SweepJob(
        folder,
        SWEEPS / folder.resolve().name if out is None else Path(out),
        tuple(budgets),
        tuple(map(_folder, others)),
        tuple(references),
        settings,
        teacher=None if teacher is None else _folder(teacher),
        data=maybe(data),
        costs=maybe(costs),
        resume=resume,
        overwrite=overwrite,
    )
    with telling(progress) as tell:
        return Sweep(job.out, sweep(job, Show(tell, say)))


def _folder(run: PathLike | StoredRun) -> Path:
    return run.folder if isinstance(run, StoredRun) else Path(run)
