"""Pruning a run that an earlier hemotk imported, and going on with a pruning that it began."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prunable_runs import SIZE, SMALL, make_run, split_of_squares

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, PreprocessSpec, RunCard
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.job import PruneJob, read_inputs
from hemotk.store.run import TOLD_ANEW

pytest.importorskip("tf_keras")
from killed_trainings import KillAfter, Killed

from hemotk.pruning.channels.loop import prune

OWN = PreprocessSpec(SIZE)
IMPORTED = replace(SMALL, gray_mean=(0.485, 0.456, 0.406), gray_std=(0.229, 0.224, 0.225))
CONFIG = PruneConfig(macs=0.4, steps=2, epochs=4, batch=8, passes=1)


def test_a_pruning_that_an_earlier_hemotk_began_ends_on_the_new_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = split_of_squares(tmp_path / "images")
    parent = make_run(tmp_path / "parent", split, IMPORTED, preprocess=PreprocessSpec(SIZE, 1 / 255, 0))
    out = tmp_path / "pruned"
    with monkeypatch.context() as earlier:
        earlier.setattr("hemotk.store.run.on_own_grid", lambda card, shape: (card, shape))
        with pytest.raises(Killed):
            prune(read_inputs(PruneJob(parent, out), CONFIG), KillAfter(3))
    step = DenseNetShape.read(tmp_path / "pruned.partial" / "step-1" / SHAPE_FILE)
    assert step.gray_mean == IMPORTED.gray_mean
    card = prune(read_inputs(PruneJob(parent, out, resume=True), CONFIG))
    shape = DenseNetShape.read(out / SHAPE_FILE)
    assert card == RunCard.read(out / RUN_CARD) and card.preprocess == OWN and TOLD_ANEW in card.notes
    assert shape.gray_mean == pytest.approx((np.array(IMPORTED.gray_mean) - 115 / 255) / 0.226)
    assert shape.gray_std == pytest.approx(np.array(IMPORTED.gray_std) / 0.226)
    undisturbed = tmp_path / "undisturbed"
    whole = prune(read_inputs(PruneJob(parent, undisturbed), CONFIG))
    assert DenseNetShape.read(undisturbed / SHAPE_FILE) == shape
    assert whole.metrics["validation"].loss == pytest.approx(card.metrics["validation"].loss, abs=1e-3)
    one, two = (read_weights(run / WEIGHTS_FILE, shape) for run in (out, undisturbed))
    assert np.abs(one["logit/kernel"] - two["logit/kernel"]).max() <= 1e-2
