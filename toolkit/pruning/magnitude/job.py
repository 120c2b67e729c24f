"""The start of a magnitude pruning, read and checked before anything heavy is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemotk.artifacts import Learned
from hemotk.errors import HemotkError
from hemotk.models.weights import Weights
from hemotk.pruning.channels.job import STATE_FILE, PruneJob, check_out, read_network
from hemotk.pruning.magnitude.config import MagnitudeConfig
from hemotk.pruning.magnitude.pattern import can_hold, holds, zeros_asked
from hemotk.pruning.magnitude.size import kernels, zeros
from hemotk.store.finished import refuse_finished
from hemotk.store.learned_from import learned_before
from hemotk.store.lock import LOCK_FILES
from hemotk.store.run import StoredRun
from hemotk.store.unfinished import CHECKPOINT_FILE, foreign
from hemotk.training.history import HISTORY_FILE

# The files that an unfinished magnitude pruning keeps beside its output.
OWN_FILES = (*LOCK_FILES, CHECKPOINT_FILE, HISTORY_FILE)


@dataclass(frozen=True)
class MagnitudeInputs:
    """Everything that a magnitude pruning needs but the images; `chosen` names the kernels that become sparse."""

    job: PruneJob
    config: MagnitudeConfig
    parent: StoredRun
    chosen: tuple[str, ...]

    @property
    def identity(self) -> Mapping[str, Any]:
        """The settings that a resumed pruning must have in common with the interrupted one."""
        return {**self.config.settings(), "run": self.parent.sha256}

    @property
    def before(self) -> Learned:
        """The images of other splits that the parent learned from."""
        return learned_before(self.parent.split, self.parent.learned)

    @property
    def least_share(self) -> float:
        """The share of zeros that every chosen kernel has already."""
        return min(zeros([self.parent.weights[name]]).share for name in self.chosen)


def read_magnitude(job: PruneJob, config: MagnitudeConfig) -> MagnitudeInputs:
    """Read and check everything that is asked for; needs no TensorFlow.

    Raises:
        HemotkError: an output that exists, an unfinished pruning that is not to be resumed, a run that is none, has
            no layer to prune or is as sparse already, or a teacher, which this method has no use for.
    """
    check_out(job.out, *job.inputs)
    refuse_finished(job.out, job.overwrite)
    if job.teacher is not None:
        raise HemotkError("‹teacher›: magnitude pruning learns from the labels alone; leave it out.")
    parent = read_network(job.run)
    chosen = _chosen(parent.weights, config)
    if not chosen:
        raise HemotkError(
            f"{job.run}: no layer has as many input channels as one group of ‹structure› {config.structure}; "
            "leave the structure out."
        )
    _check_denser(job.run, [parent.weights[name] for name in chosen], config)
    _check_partial(job)
    return MagnitudeInputs(job, config, parent, chosen)


def _chosen(weights: Weights, config: MagnitudeConfig) -> tuple[str, ...]:
    """All kernels; with a structure those that hold at least one group, so not those that read 1 or 3 channels."""
    names = kernels(weights)
    pattern = config.pattern
    return tuple(name for name, kernel in names.items() if pattern is None or can_hold(kernel.shape, pattern))


def _check_denser(run: Path, chosen: list[Any], config: MagnitudeConfig) -> None:
    if config.pattern is not None:
        if all(holds(kernel, config.pattern) for kernel in chosen):
            raise HemotkError(
                f"{run}: has ‹structure› {config.structure} already; name another run, or ask for ‹sparsity› above "
                f"{config.sparsity} without a structure."
            )
        return
    present = zeros(chosen)
    if present.zeros >= sum(zeros_asked(kernel.size, config.sparsity) for kernel in chosen):
        raise HemotkError(
            f"{run}: {present.share:.4f} of its weights are zero already, ‹sparsity› asks for {config.sparsity}; "
            "ask for more, or name another run."
        )


def _check_partial(job: PruneJob) -> None:
    others = foreign(job.partial, OWN_FILES)
    if STATE_FILE in others:
        raise HemotkError(
            f"{job.partial}: an unfinished channel pruning lies there; go on with it by ‹method› channels ‹resume›, or "
            "remove the folder."
        )
    if others:
        raise HemotkError(
            f"{job.partial}: holds something else than a magnitude pruning ({others[0]}); remove it, or choose another "
            "‹out›."
        )
    if (job.partial / CHECKPOINT_FILE).exists() and not job.resume:
        raise HemotkError(
            f"{job.partial}: an unfinished pruning lies there; add ‹resume› to go on with it, or remove the folder."
        )
