"""The ROC curve agrees with the AUC and with counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.stats.metrics import auc
from hemotk.stats.roc import roc_curve


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=40))
def test_the_area_below_is_the_auc_and_each_point_is_a_threshold(images: list[tuple[int, int]]) -> None:
    labels, scores = np.array([1, 0, *(label for label, _ in images)]), np.array([0, 0, *(s for _, s in images)])
    alarms, hits = roc_curve(labels, scores)
    assert np.trapezoid(hits, alarms) == pytest.approx(auc(labels, scores))
    counted = [(np.mean(scores[labels == 0] >= s), np.mean(scores[labels == 1] >= s)) for s in np.unique(scores)[::-1]]
    assert np.stack([alarms, hits], axis=1) == pytest.approx(np.array([(0.0, 0.0), *counted]))
