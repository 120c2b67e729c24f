"""The start of a pruning: its run and its teacher, read and checked before anything heavy is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemotk.artifacts import (
    PARTS,
    CostTable,
    Learned,
    Part,
)
from hemotk.environment import kernel_features, machine
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.budget import macs_budget
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.cost import table_total
from hemotk.store.finished import refuse_finished
from hemotk.store.learned_from import learned_before, seen, training_images
from hemotk.store.lock import LOCK_FILES
from hemotk.store.run import StoredRun
from hemotk.store.unfinished import check_identity, foreign, partial_of
from hemotk.tflite.runtime import find_runtime
from hemotk.training.config import EARLIER

STATE_FILE = "prune.json"


@dataclass(frozen=True)
class PruneJob:
    """The folders that a pruning reads and writes: `data` overrides the image folder that the run's split recorded.

    The finished run is scored on `parts` of the split. `costs` is a table of what parts take on this machine.
    """

    run: Path
    out: Path
    teacher: Path | None = None
    data: Path | None = None
    resume: bool = False
    overwrite: bool = False
    parts: tuple[Part, ...] = PARTS
    costs: Path | None = None

    @property
    def partial(self) -> Path:
        """The folder of the unfinished run, beside `out`; `step-N` in it are the runs of finished steps."""
        return partial_of(self.out)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The runs that are read."""
        return (self.run,) if self.teacher is None else (self.run, self.teacher)


@dataclass(frozen=True)
class PruneInputs:
    """Everything that a pruning needs but the images; `shape` is the parent's.

    There is no `teacher` where its share of the loss is 0.
    """

    job: PruneJob
    config: PruneConfig
    parent: StoredRun
    teacher: StoredRun | None
    shape: DenseNetShape
    costs: CostTable | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """The settings that a resumed pruning must have in common with the interrupted one."""
        return {**self.config.settings(), **self.parents}

    @property
    def parents(self) -> Mapping[str, str]:
        """The SHA-256 of the run cards that the pruned run comes from, and of the table of costs."""
        teacher = {} if self.teacher is None else {"teacher": self.teacher.sha256}
        costs = {} if self.job.costs is None else {"costs": sha256_file(self.job.costs)}
        return {"run": self.parent.sha256, **teacher, **costs}

    @property
    def before(self) -> Learned:
        """The images of other splits that the parent and the teacher learned from."""
        teachers = () if self.teacher is None else (self.teacher.learned,)
        return learned_before(self.parent.split, self.parent.learned, *teachers)

    @property
    def state_file(self) -> Path:
        """The file that keeps the settings of an unfinished pruning, and the budget it has found."""
        return self.job.partial / STATE_FILE


def read_inputs(job: PruneJob, config: PruneConfig) -> PruneInputs:
    """Read and check everything that is asked for; needs no TensorFlow.

    Raises:
        HemotkError: as `read_runs`, or an unfinished pruning that is not to be resumed or was another one, or a budget
            that cannot be met.
    """
    inputs = read_runs(job, config)
    if config.macs is not None:
        size = inputs.parent.card.preprocess.size
        macs_budget(inputs.shape, size, config.macs, config.allowed)
    _check_partial(inputs)
    return inputs


def read_runs(job: PruneJob, config: PruneConfig) -> PruneInputs:
    """Read run and teacher, whatever the budget.

    Raises:
        HemotkError: an output that exists or is one of them, or a run or teacher that is none or does not fit.
    """
    check_out(job.out, *job.inputs)
    refuse_finished(job.out, job.overwrite)
    parent = read_network(job.run)
    shape = _densenet(parent, job.run)
    costs = None if job.costs is None else read_costs(job.costs, shape, parent.card.preprocess.size)
    return PruneInputs(job, config, parent, _teacher(job, config, parent), shape, costs)


def read_costs(path: Path, shape: DenseNetShape, size: int) -> CostTable:
    """Read a table of costs for `shape` and pictures of `size`; times hold for the machine and runtime they are from.

    Counted instructions hold for another processor, which is why they were counted.

    Raises:
        HemotkError: there is none, it is damaged, its times are from elsewhere, or it is for other pictures or blocks.
    """
    table, runtime = CostTable.read(path), str(find_runtime())
    here = (str(machine()["processor"]), kernel_features())
    remedy = "name a file that is not there yet, to have a new one made"
    timed = table.unit == "ns"
    if timed and (table.processor, table.features) != here:
        there, now = (
            f"{name} with {', '.join(features)}" for name, features in ((table.processor, table.features), here)
        )
        raise HemotkError(f"‹costs› {path}: was measured on another machine, {there}, and this one is {now}; {remedy}.")
    if timed and table.runtime != runtime:
        raise HemotkError(f"‹costs› {path}: was measured with {table.runtime}, and here is {runtime}; {remedy}.")
    if table.size != size:
        raise HemotkError(
            f"‹costs› {path}: is for pictures of {table.size}×{table.size}, and the run takes {size}×{size}; {remedy}."
        )
    try:
        table_total(table, shape)
    except KeyError as error:
        raise HemotkError(f"‹costs› {path}: lacks {error.args[0]}, which this network has; {remedy}.") from error
    return table


def _teacher(job: PruneJob, config: PruneConfig, parent: StoredRun) -> StoredRun | None:
    if config.distill.share == 0:
        if job.teacher is not None:
            raise HemotkError(
                f"‹teacher› {job.teacher}: has no share of the loss with ‹teacher_share› 0; leave one of both out."
            )
        return None
    if job.teacher is None:
        return parent
    teacher = read_network(job.teacher)
    _check_teacher(teacher, job.teacher, parent, job.run)
    return teacher


def check_out(out: Path, *inputs: Path) -> None:
    """Check that writing `out`, and what is unfinished of it, touches none of the runs that are read.

    Raises:
        HemotkError: `out` is one of them, holds it or lies inside it.
    """
    for run in inputs:
        folder = run.resolve()
        for path in (out.resolve(), partial_of(out).resolve()):
            if path.is_relative_to(folder) or folder.is_relative_to(path):
                raise HemotkError(f"‹out› {out}: is {run}, holds it or lies inside it; choose another ‹out›.")


def read_network(folder: Path) -> StoredRun:
    """Read the run in `folder`, checked against its card, its weights too.

    Raises:
        HemotkError: it is no finished run, or a file of it was changed or cut short.
    """
    run = StoredRun.open(folder)
    _ = run.weights, run.learned  # so that what is wrong with them is said before anything is begun
    return run


def read_state(path: Path) -> dict[str, Any]:
    """The settings and the budget of an unfinished pruning.

    Raises:
        HemotkError: the file is damaged.
    """
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        state["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HemotkError(f"{path}: is damaged; remove {path.parent} and prune again.") from error
    return state


def _densenet(network: StoredRun, folder: Path) -> DenseNetShape:
    if not isinstance(network.shape, DenseNetShape):
        raise HemotkError(
            f"{folder}: is a run of {network.card.arch}, and only the channels of a DenseNet can be pruned; name a run "
            "of a DenseNet."
        )
    return network.shape


def _check_teacher(teacher: StoredRun, folder: Path, parent: StoredRun, run: Path) -> None:
    if teacher.card.preprocess != parent.card.preprocess:
        raise HemotkError(
            f"‹teacher› {folder}: takes pictures of {teacher.card.preprocess.size}×{teacher.card.preprocess.size} and "
            f"{run} of {parent.card.preprocess.size}×{parent.card.preprocess.size}, or prepares them otherwise; "
            "choose a teacher with the same preprocessing."
        )
    if teacher.card.labels != parent.card.labels:
        raise HemotkError(
            f"‹teacher› {folder}: tells {' from '.join(teacher.card.labels)}, {run} tells "
            f"{' from '.join(parent.card.labels)}; choose a teacher of the same classes."
        )
    _check_apart(teacher, folder, parent, run)


def _check_apart(teacher: StoredRun, folder: Path, parent: StoredRun, run: Path) -> None:
    """Refuse a teacher that knows what the pruned network is judged on."""
    known = seen((training_images(teacher.split), *teacher.learned.images), parent.split)
    if known is not None:
        raise HemotkError(
            f"‹teacher› {folder}: was trained on {known}, which {run} is to be judged on; choose a teacher that was "
            "trained on the same split."
        )


def _check_partial(inputs: PruneInputs) -> None:
    folder, state = inputs.job.partial, inputs.state_file
    if state.exists():
        if not inputs.job.resume:
            raise HemotkError(
                f"{folder}: an unfinished pruning lies there; add ‹resume› to go on with it, or remove the folder."
            )
        check_identity(state, read_state(state)["identity"], inputs.identity, EARLIER)
    elif foreign(folder, (*LOCK_FILES, STATE_FILE)):
        raise HemotkError(f"{folder}: holds something else than a pruning; remove it, or choose another ‹out›.")
