"""From a run to a run with zeros among its weights: the smallest become zero, the others learn on."""

import time
from dataclasses import dataclass

import tf_keras as keras

from hemotk.artifacts import PARTS, WEIGHTS_FILE, RunCard
from hemotk.files import writing
from hemotk.models.build import build_model, get_arrays, named_variables, set_arrays
from hemotk.models.weights import check_weights
from hemotk.pruning.channels.notes import operating_note
from hemotk.pruning.magnitude.job import MagnitudeInputs
from hemotk.pruning.magnitude.masks import Ramp, SparseTrainer
from hemotk.pruning.magnitude.size import SparseSize, said, sparse_size
from hemotk.store.learned_from import unknown_note
from hemotk.store.lock import locked
from hemotk.store.run import told_anew
from hemotk.store.unfinished import remove_partial
from hemotk.training.config import TrainConfig
from hemotk.training.fit import Stage, fit, load_data, logits_and_tissue_of, metrics_of, steps_an_epoch
from hemotk.training.listener import Listener
from hemotk.training.publish import Origin, Trained, publish_run


@dataclass(frozen=True)
class SparseRun:
    """A finished magnitude pruning: the new run's card, and the zeros and bytes of the weights before and after."""

    card: RunCard
    before: SparseSize
    after: SparseSize


def prune_magnitude(inputs: MagnitudeInputs, listener: Listener | None = None) -> SparseRun:
    """Make the smallest weights zero while the network trains on, and publish the run folder `inputs.job.out`.

    The run has the parent's shape and operating point; its test part is scored once. Biases, BatchNorm and
    depthwise kernels get no zeros. Prune channels first, if both are wanted: removing channels breaks a structure.

    Raises:
        HemotkError: images that are missing or changed, a loss that is no number any more, an unfinished pruning that
            is damaged or was another one, or a second pruning on the same output.
    """
    started = time.monotonic()
    listener = listener or Listener()
    job, parent = inputs.job, inputs.parent
    config = inputs.config.training(parent.card.arch, parent.card.preprocess.size)
    keras.utils.set_random_seed(config.seed)
    data = load_data(parent.split, job.data, parent.card.preprocess, listener)
    trainer = _trainer(inputs, config, steps_an_epoch(config, data) * config.epochs)
    with writing(job.partial), locked(job.partial):
        stage = Stage(job.partial, inputs.identity, resume=job.resume)
        history = fit(stage, trainer, data, listener)
        weights = get_arrays(trainer.model)
        check_weights(weights, parent.shape, job.out / WEIGHTS_FILE)
        before, after = sparse_size(parent.weights), sparse_size(weights)
        origin = _origin(inputs, said(after, before))
        logits, tissue = logits_and_tissue_of(trainer, data, PARTS)
        metrics = metrics_of(data, logits, origin.threshold, origin.temperature)
        seconds = time.monotonic() - started
        trained = Trained(
            parent.split,
            origin,
            parent.shape,
            parent.card.preprocess,
            weights,
            history,
            metrics,
            seconds,
            logits,
            inputs.before,
            tissue,
        )
        card = publish_run(trained, job.out, overwrite=job.overwrite, partial=job.partial)
    remove_partial(job.partial)
    return SparseRun(card, before, after)


def ramp(inputs: MagnitudeInputs, steps: int) -> Ramp:
    """The rise of the zeros in a training of `steps`."""
    config = inputs.config
    begin = min(round(config.begin * steps), steps - 1)
    end = max(round(config.end * steps), begin + 1)
    return Ramp(inputs.least_share, config.sparsity, begin, end, config.pattern)


def _trainer(inputs: MagnitudeInputs, config: TrainConfig, steps: int) -> SparseTrainer:
    parent = inputs.parent
    model = build_model(parent.shape, config.bn_momentum, config.dropout)
    set_arrays(model, parent.weights)
    variables = named_variables(model)
    kernels = {name: variables[name] for name in inputs.chosen}
    return SparseTrainer(model, config, parent.card.preprocess, kernels, ramp(inputs, steps))


def _origin(inputs: MagnitudeInputs, note: str) -> Origin:
    card = inputs.parent.card
    return Origin(
        source="pruned",
        arch=card.arch,
        settings=inputs.config.settings(),
        notes=(note, *operating_note(card), *told_anew(card), *unknown_note(inputs.before)),
        parents={"run": inputs.parent.sha256},
        threshold=card.threshold,
        temperature=card.temperature,
        series=card.study,
    )
