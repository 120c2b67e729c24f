"""The ROC curve of scores: sensitivity against the share of false alarms at every threshold."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of false alarms and of hits, 0 to 1, from the highest threshold to the lowest; each float64 [m].

    `labels` are 0 or 1, [n], with both classes; `scores` float [n]. Images of one score are called together, so m is
    one more than the number of different scores. The area below the curve is `hemotk.stats.metrics.auc`.
    """
    truth, values = np.asarray(labels, bool), np.asarray(scores, np.float64)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    hits, alarms = (np.cumsum(chosen[order])[last] for chosen in (truth, ~truth))
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])
