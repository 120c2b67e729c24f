"""Pruning: from a run to a smaller run."""

import dataclasses
from pathlib import Path
from typing import Any

from hemotk.api.common import PathLike, Progress, maybe, telling
from hemotk.api.runs import RUNS, Run
from hemotk.errors import HemotkError
from hemotk.quiet import import_tensorflow
from hemotk.store.run import StoredRun
from hemotk.training.config import DistillConfig

SUFFIX = "-pruned"


def prune(
    run: PathLike | Run,
    *,
    out: PathLike | None = None,
    macs: float | None = None,
    target_latency_ratio: float | None = None,
    costs: PathLike | None = None,
    teacher: PathLike | Run | None = None,
    teacher_share: float | None = None,
    teacher_temperature: float | None = None,
    data: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = True,
    **settings: Any,
) -> Run:
    """Remove whole channels from the DenseNet of `run`, and write the smaller run.

    `macs` is the share of its multiply-accumulates to keep, or `target_latency_ratio` the share of its latency. The
    network learns again from the labels and from `teacher`, by default the unpruned run itself. With `costs`, what is
    removed is what loses least for the time that it saves here: the file is a table of what each part takes, which is
    measured if it is not there. `settings` are fields of `hemotk.pruning.channels.config.PruneConfig`, such as steps=4,
    epochs=60, importance='taylor', drop_layers=True, seed=0.

    Raises:
        HemotkError: a run that cannot be pruned, settings that do not fit, or `out` exists and `overwrite` is false.
    """
    folder = _folder(run)
    place = RUNS / (folder.resolve().name + SUFFIX) if out is None else Path(out)
    from hemotk.pruning.channels.config import PruneConfig
    from hemotk.pruning.channels.job import PruneJob, read_inputs

    known = {field.name for field in dataclasses.fields(PruneConfig)} - {"macs", "latency_ratio", "distill"}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise HemotkError(f"{', '.join(unknown)}: no such setting of a pruning; choose of {', '.join(sorted(known))}.")
    shares = {"share": teacher_share, "temperature": teacher_temperature}
    distill = DistillConfig(**{name: value for name, value in shares.items() if value is not None})
    config = PruneConfig(macs=macs, latency_ratio=target_latency_ratio, distill=distill, **settings)
    job = PruneJob(folder, place, None if teacher is None else _folder(teacher), maybe(data), resume, overwrite)
    inputs = read_inputs(job, config)
    table = maybe(costs)
    with_table = dataclasses.replace(job, costs=table)
    if table is not None and table.exists():
        inputs = read_inputs(with_table, config)
    import_tensorflow()
    from hemotk.pruning.channels.latency import CountedRatio
    from hemotk.pruning.channels.loop import prune as prune_run
    from hemotk.sweep.latency_ratio import LatencyRatio
    from hemotk.sweep.part_costs import keep_costs
    from hemotk.training.listener import TellingListener

    measure: CountedRatio | LatencyRatio | None = None
    with telling(progress) as tell:
        if table is not None:
            keep_costs(table, inputs.shape, inputs.parent.card.preprocess.size, tell)
            inputs = read_inputs(with_table, config)
        if config.latency_ratio is not None:
            if inputs.costs is not None and inputs.costs.unit == "instructions":
                measure = CountedRatio(inputs.costs, inputs.shape)
            else:
                measure = LatencyRatio(inputs.shape, inputs.parent.card.preprocess)
        prune_run(inputs, TellingListener(tell, "pruning", config.epochs), measure)
    return Run.open(place)


def prune_magnitude(
    run: PathLike | Run,
    *,
    out: PathLike | None = None,
    data: PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = True,
    **settings: Any,
) -> Run:
    """Set the weights of least magnitude to zero while the network learns on; its file becomes smaller once compressed.

    `settings` are fields of `hemotk.pruning.magnitude.config.MagnitudeConfig`, such as sparsity=0.5, epochs=20.

    Raises:
        HemotkError: a run or settings that do not fit, or `out` exists and `overwrite` is false.
    """
    return magnitude_run(run, out, maybe(data), resume=resume, overwrite=overwrite, progress=progress, **settings)[0]


def magnitude_run(
    run: PathLike | Run,
    out: PathLike | None,
    data: Path | None,
    *,
    teacher: Path | None = None,
    resume: bool,
    overwrite: bool,
    progress: Progress,
    **settings: Any,
) -> tuple[Run, Any]:
    """Do as `prune_magnitude`; return also the counts, a `hemotk.pruning.magnitude.loop.SparseRun`."""
    folder = _folder(run)
    place = RUNS / (folder.resolve().name + SUFFIX) if out is None else Path(out)
    from hemotk.pruning.channels.job import PruneJob
    from hemotk.pruning.magnitude.config import MagnitudeConfig
    from hemotk.pruning.magnitude.job import read_magnitude

    inputs = read_magnitude(PruneJob(folder, place, teacher, data, resume, overwrite), MagnitudeConfig(**settings))
    import_tensorflow()
    from hemotk.pruning.magnitude.loop import prune_magnitude as prune_run
    from hemotk.training.listener import TellingListener

    with telling(progress) as tell:
        sparse = prune_run(inputs, TellingListener(tell, "pruning", inputs.config.epochs))
    return Run.open(place), sparse


def _folder(run: PathLike | StoredRun) -> Path:
    return run.folder if isinstance(run, StoredRun) else Path(run)
