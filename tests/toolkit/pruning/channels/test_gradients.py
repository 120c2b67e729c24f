"""Taylor importance measured on pictures."""

import numpy as np
import pytest
from prunable_runs import SIZE, SMALL, split_of_squares
from random_networks import random_arrays

pytest.importorskip("tf_keras")
from hemotk.artifacts import PreprocessSpec
from hemotk.pruning.channels import gradients
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.gradients import Scoring, taylor_scores
from hemotk.pruning.channels.groups import groups
from hemotk.training.fit import Data, load_data
from hemotk.training.listener import Listener


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    split = split_of_squares(tmp_path_factory.mktemp("images"))
    return load_data(split, None, PreprocessSpec(SIZE), Listener())


def test_channels_that_nobody_hears_count_nothing_and_all_batches_are_told(data: Data) -> None:
    weights = random_arrays(SMALL, 0, (1.0,))
    bottleneck = next(g for g in groups(SMALL) if g.kind == "bottleneck")
    (consumer,) = bottleneck.consumers
    dead = [3, 7, 30]
    for part in ("gamma", "beta"):
        weights[f"{consumer.norm}/{part}"][dead] = 0
    told: list[tuple[int, int]] = []
    config = PruneConfig(macs=0.5, passes=2, importance_batch=5)
    scoring = Scoring(data, PreprocessSpec(SIZE), config, lambda done, total: told.append((done, total)))
    scores = taylor_scores(SMALL, weights, scoring)
    scores.check(SMALL)
    values = scores.values[groups(SMALL).index(bottleneck)]
    assert not values[dead].any() and np.count_nonzero(values) >= 16
    batches = 2 * -(-len(data.labels["train"]) // 5)
    assert told == [(i + 1, batches) for i in range(batches)]
    again = taylor_scores(SMALL, weights, Scoring(data, PreprocessSpec(SIZE), config))
    for one, two in zip(scores.values, again.values, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_large_set_is_not_looked_at_whole(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients, "MOST_BATCHES", 3)
    told: list[tuple[int, int]] = []
    config = PruneConfig(macs=0.5, passes=2, importance_batch=5)
    scoring = Scoring(data, PreprocessSpec(SIZE), config, lambda done, total: told.append((done, total)))
    taylor_scores(SMALL, random_arrays(SMALL, 0, (1.0,)), scoring).check(SMALL)
    assert told == [(1, 3), (2, 3), (3, 3)]
