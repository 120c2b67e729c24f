"""Cut, fine-tune, again: from a run to a run with fewer channels, one step after the other.

If it is killed at any moment, it goes on from the last whole epoch. The folder `NAME.partial` beside the output holds
the run of every finished step (`step-1`, …), a run like any other except that it was not scored on the test part. It
also holds the step in work (`work-2`): the network as it was cut, and the checkpoint of its fine-tuning.
"""

import gc
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, Part, RunCard
from hemotk.errors import HemotkError
from hemotk.files import new_folder, write_bytes, writing
from hemotk.models.build import build_model, get_arrays, set_arrays
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import Weights, check_weights, read_weights, write_weights
from hemotk.pruning.channels.budget import choose
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.gradients import Scoring, taylor_scores
from hemotk.pruning.channels.importance import ChannelScores, magnitude
from hemotk.pruning.channels.job import PruneInputs, read_state
from hemotk.pruning.channels.latency import CountedRatio, FoundShare, LatencyRatio, LatencySearch, find_share
from hemotk.pruning.channels.notes import cost_note, operating_note, ratio_note, time_note, width_note
from hemotk.pruning.channels.schedule import epochs_of, shares
from hemotk.pruning.channels.surgery import cut
from hemotk.store.learned_from import unknown_note
from hemotk.store.lock import locked
from hemotk.store.run import told_anew
from hemotk.store.unfinished import remove_partial
from hemotk.training.checkpoint import CHECKPOINT_FILE
from hemotk.training.distill import Teacher
from hemotk.training.fit import Data, Stage, fit, load_data, logits_and_tissue_of, metrics_of
from hemotk.training.history import HISTORY_FILE, Epoch, read_history
from hemotk.training.listener import Listener
from hemotk.training.publish import Origin, Trained, publish_run
from hemotk.training.steps import Trainer


@dataclass(frozen=True)
class _Candidate:
    """A network between two steps, with the epochs that it has behind it."""

    shape: DenseNetShape
    weights: Weights
    history: list[Epoch]


@dataclass(frozen=True)
class _Work:
    """The state that all steps share."""

    inputs: PruneInputs
    data: Data
    listener: Listener
    measure: LatencyRatio | None
    started: float

    @property
    def config(self) -> PruneConfig:
        return self.inputs.config

    @property
    def size(self) -> int:
        return self.inputs.parent.card.preprocess.size

    def step_folder(self, step: int) -> Path:
        """The folder of the run of a finished step; that of the last one is the output itself."""
        return self.inputs.job.partial / f"step-{step + 1}"

    def at(self, step: int) -> str:
        """The step in words."""
        return f"step {step + 1} of {self.config.steps}"

    def work_folder(self, step: int) -> Path:
        """The folder where an unfinished step keeps its network and its checkpoint."""
        return self.inputs.job.partial / f"work-{step + 1}"


def prune(inputs: PruneInputs, listener: Listener | None = None, measure: LatencyRatio | None = None) -> RunCard:
    """Prune to the budget and publish the run folder `inputs.job.out`, scored once on `inputs.job.parts`.

    `measure` gives the latency of a network as a share of the unpruned one's; a latency budget needs it.

    Raises:
        HemotkError: images that are missing or changed, a loss that is no number any more, a latency that cannot be
            reached, an unfinished pruning that is damaged, or a second pruning on the same output.
    """
    started = time.monotonic()
    listener = listener or Listener()
    job, parent = inputs.job, inputs.parent
    data = load_data(parent.split, job.data, parent.card.preprocess, listener)
    with writing(job.partial), locked(job.partial):
        work = _Work(inputs, data, listener, measure, started)
        card = _steps(work)
    remove_partial(job.partial)
    return card


def _steps(work: _Work) -> RunCard:
    config = work.config
    if not work.inputs.state_file.exists():
        _write_state(work, config.macs)
    first = _finished_steps(work)
    candidate = _Candidate(work.inputs.shape, work.inputs.parent.weights, [])
    if first:
        candidate = _read_step(work, work.step_folder(first - 1))
        if not (work.work_folder(first) / CHECKPOINT_FILE).exists():
            work.listener.resumed(len(candidate.history))
    teacher = _teacher(work)
    for step in range(first, config.steps - 1):
        candidate, trainer = _step(work, step, candidate, teacher)
        _publish(work, candidate, trainer, ("train", "validation"), work.step_folder(step))
        shutil.rmtree(work.work_folder(step))
        del trainer  # its network and traces need not stay beside those of the next step
    candidate, trainer = _step(work, config.steps - 1, candidate, teacher)
    return _publish(work, candidate, trainer, work.inputs.job.parts, work.inputs.job.out)


def _finished_steps(work: _Work) -> int:
    count = 0
    while (work.step_folder(count) / RUN_CARD).exists():
        count += 1
    return count


def _read_step(work: _Work, folder: Path) -> _Candidate:
    shape, weights = _read_network(work, folder)
    return _Candidate(shape, weights, list(read_history(folder / HISTORY_FILE)))


def _read_network(work: _Work, folder: Path) -> tuple[DenseNetShape, Weights]:
    shape, parent = DenseNetShape.read(folder / SHAPE_FILE), work.inputs.shape
    # No cut changes it, and an earlier hemotk, which may have begun this, told the parent's on another pixel grid.
    shape = replace(shape, gray_mean=parent.gray_mean, gray_std=parent.gray_std)
    return shape, read_weights(folder / WEIGHTS_FILE, shape)


def _teacher(work: _Work) -> Teacher | None:
    teacher = work.inputs.teacher
    if teacher is None:
        return None
    model = build_model(teacher.shape)
    set_arrays(model, teacher.weights)
    return Teacher(model, work.config.distill, work.size)


def _step(work: _Work, step: int, candidate: _Candidate, teacher: Teacher | None) -> tuple[_Candidate, Trainer]:
    """Cut and fine-tune once, or go on with what an interrupted pruning has of that."""
    config, inputs = work.config, work.inputs
    folder = work.work_folder(step)
    if not folder.exists():
        _cut(work, step, candidate, folder)
    shape, weights = _read_network(work, folder)
    gc.collect()  # a network that was traced holds on to itself
    training = config.training(inputs.parent.card.arch, work.size, epochs_of(config.epochs, config.steps)[step])
    model = build_model(shape, training.bn_momentum)
    set_arrays(model, weights)
    trainer = Trainer(model, training, inputs.parent.card.preprocess, teacher)
    stage = Stage(folder, {**inputs.identity, "step": step + 1}, candidate.history, resume=True)
    work.listener.doing(f"{work.at(step)}: fine-tuning {shape.macs(work.size) / 1e6:.1f} million MACs")
    history = fit(stage, trainer, work.data, work.listener)
    return _Candidate(shape, get_arrays(model), history), trainer


def _cut(work: _Work, step: int, candidate: _Candidate, folder: Path) -> None:
    """Write the network of this step, before its fine-tuning, to `folder`."""
    shape, weights = candidate.shape, candidate.weights
    scores = _scores(work, step, candidate)
    share = _share(work, step, shape, scores)
    if share < 1:
        shape, weights = cut(
            shape, weights, choose(shape, scores, work.size, share, work.config.allowed, work.inputs.costs)
        )
    with new_folder(folder) as aside:
        shape.write(aside / SHAPE_FILE)
        write_weights(aside / WEIGHTS_FILE, weights)


def _scores(work: _Work, step: int, candidate: _Candidate) -> ChannelScores:
    config = work.config
    what = f"{work.at(step)}: importance of channels"
    work.listener.doing(what)
    if config.importance == "magnitude":
        return magnitude(candidate.shape, candidate.weights)

    def told(done: int, total: int) -> None:
        work.listener.doing(f"{what} {done}/{total}")

    scoring = Scoring(work.data, work.inputs.parent.card.preprocess, config, told)
    return taylor_scores(candidate.shape, candidate.weights, scoring)


def _share(work: _Work, step: int, shape: DenseNetShape, scores: ChannelScores) -> float:
    """The share of `shape`'s multiply-accumulates that this step leaves; 1 or more if it is there already."""
    config = work.config
    if config.latency_ratio is not None and step == config.steps - 1:
        return _find(work, shape, scores).macs
    macs = read_state(work.inputs.state_file)["macs"]
    if macs is None:
        macs = _find(work, shape, scores).macs
        _write_state(work, macs)
    whole = work.inputs.shape.macs(work.size)
    return shares(macs, config.steps)[step] * whole / shape.macs(work.size)


def _find(work: _Work, shape: DenseNetShape, scores: ChannelScores) -> FoundShare:
    """The largest share of `shape` that is fast enough."""
    config, measure = work.config, work.measure
    if measure is None or config.latency_ratio is None:
        raise HemotkError("prune: a latency budget needs a way to measure; give one, or a budget of MACs.")

    def told(candidate: DenseNetShape) -> float:
        work.listener.doing(f"timing {candidate.macs(work.size) / 1e6:.1f} million MACs")
        return measure(candidate)

    return find_share(
        LatencySearch(shape, scores, work.size, config.allowed, work.inputs.costs), config.latency_ratio, told
    )


def _write_state(work: _Work, macs: float | None) -> None:
    """Keep what was asked for, and the budget: None until it is found by measuring."""
    state = {"identity": dict(work.inputs.identity), "macs": macs}
    write_bytes(work.inputs.state_file, json.dumps(state, indent=1).encode())


def _publish(work: _Work, candidate: _Candidate, trainer: Trainer, parts: Sequence[Part], out: Path) -> RunCard:
    inputs, parent = work.inputs, work.inputs.parent
    check_weights(candidate.weights, candidate.shape, out / WEIGHTS_FILE)
    logits, tissue = logits_and_tissue_of(trainer, work.data, parts)
    trained = Trained(
        parent.split,
        _origin(work, candidate.shape),
        candidate.shape,
        parent.card.preprocess,
        candidate.weights,
        candidate.history,
        metrics_of(work.data, logits, parent.card.threshold, parent.card.temperature),
        time.monotonic() - work.started,
        logits,
        inputs.before,
        tissue,
    )
    job = inputs.job
    return publish_run(trained, out, overwrite=job.overwrite, partial=job.partial if out == job.out else None)


def _origin(work: _Work, shape: DenseNetShape) -> Origin:
    inputs, card = work.inputs, work.inputs.parent.card
    notes = [cost_note(card.name, inputs.shape, shape, work.size), width_note(inputs.shape, shape)]
    notes += (*operating_note(card), *told_anew(card), *unknown_note(inputs.before))
    if inputs.costs is not None:
        notes.append(time_note(inputs.costs, inputs.shape, shape))
    if work.measure is not None:
        work.listener.doing("timing the result")
        notes.append(ratio_note(work.measure(shape), card.name, counted=isinstance(work.measure, CountedRatio)))
    return Origin(
        "pruned",
        card.arch,
        work.config.settings(),
        tuple(notes),
        inputs.parents,
        card.threshold,
        card.temperature,
        card.study,
    )
