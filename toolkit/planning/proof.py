"""How wide the intervals of a test will be, by simulation: before there is a classifier.

A classifier is assumed that is right on a share of the slices. Slices of one patient tend to be right or wrong
together: each patient's own share is drawn from a Beta distribution with an intraclass correlation (the beta-binomial
model). The intervals are those that a report will give (`hemotk.stats.grouped`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import require
from hemotk.artifacts.plan import ExpectedWidth
from hemotk.stats.grouped import share
from hemotk.stats.metrics import wilson

SIMULATIONS, ROUGHLY = 30, 8
# The search for the number of groups: where it begins, its bounds, and how often it is repeated.
MANY, FEWEST, MOST, ROUNDS = 400, 2, 20_000, 4
# Two classifiers trained on other hospitals had 0.10 and 0.14 over the 41 patients of CT-ICH, 0.07 to 0.24 in a class.
CORRELATION = 0.15


@dataclass(frozen=True)
class Assumed:
    """The classifier that is assumed: the share of slices it gets right, and how much those of a patient go together.

    `correlation` is the intraclass correlation of "right", 0 to below 1.
    """

    right: float = 0.9
    correlation: float = CORRELATION

    def __post_init__(self) -> None:
        require(0 < self.right < 1, "right", "between 0 and 1")
        require(0 <= self.correlation < 1, "correlation", "at least 0 and below 1")


def expectations(
    labels: Sequence[int], groups: Sequence[str], assumed: Assumed, target: float, seed: int = 0
) -> tuple[ExpectedWidth, ...]:
    """What a test on images with these `labels` and `groups`, both [n], can be expected to show of each measure.

    `target` is the half width that is wished for, such as 0.05.
    """
    truth = np.asarray(labels, bool)
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    place = place.reshape(-1)
    chosen = {"accuracy": np.ones(len(truth), bool), "sensitivity": truth, "specificity": ~truth}
    return tuple(
        _expected(measure, np.bincount(place[mask], minlength=len(names)), (assumed, target, seed))
        for measure, mask in chosen.items()
    )


def least_drop(groups: int) -> float | None:
    """The smallest drop of accuracy that a test can rule out if no decision of `groups` groups changes; None for 0."""
    return wilson(0, groups).high


def groups_for_drop(drop: float) -> int:
    """The groups without a changed decision that rule out a larger drop of accuracy: 381 for 0.01."""
    low, high = 1, 2
    while (wilson(0, high).high or 1.0) > drop:
        high *= 2
    while low < high:
        middle = (low + high) // 2
        if (wilson(0, middle).high or 1.0) > drop:
            low = middle + 1
        else:
            high = middle
    return low


def _expected(measure: str, sizes: NDArray[np.intp], asked: tuple[Assumed, float, int]) -> ExpectedWidth:
    """For groups with so many images of the measure, 0 in some."""
    assumed, target, seed = asked
    mine = sizes[sizes > 0]
    if not len(mine):
        return ExpectedWidth(measure, 0, 0, None, None)
    random = np.random.default_rng(seed)
    here = _half_width(mine, assumed, random, SIMULATIONS)
    with_any = _needed(mine, assumed, target, random)
    # In groups of the whole test part, of which some have no image of this class.
    needed = None if with_any is None else int(np.ceil(with_any * len(sizes) / len(mine)))
    return ExpectedWidth(measure, int(mine.sum()), len(mine), here, needed)


def _needed(sizes: NDArray[np.intp], assumed: Assumed, target: float, random: np.random.Generator) -> int | None:
    """The number of such groups whose half width is the target; None for more than anyone has.

    The width falls about with the root of the number, and faster while there are few: so the root is applied again and
    again.
    """
    count = MANY
    for _ in range(ROUNDS):
        width = _half_width(random.choice(sizes, count), assumed, random, ROUGHLY)
        count = max(FEWEST, int(np.ceil(count * (width / target) ** 2)))
        if count > MOST:
            return None
    return count


def _half_width(sizes: NDArray[np.intp], assumed: Assumed, random: np.random.Generator, simulations: int) -> float:
    """The mean over so many simulated tests of groups with so many images each."""
    widths = []
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for _ in range(simulations):
        shares = _shares(len(sizes), assumed, random)
        found = share(random.random(len(groups)) < shares[groups], groups)
        if found.low is not None and found.high is not None:
            widths.append((found.high - found.low) / 2)
    return float(np.mean(widths))


def _shares(count: int, assumed: Assumed, random: np.random.Generator) -> NDArray[np.float64]:
    """The share that each of `count` patients' slices has to be right: Beta with the mean and correlation assumed."""
    if assumed.correlation == 0:
        return np.full(count, assumed.right)
    total = 1 / assumed.correlation - 1
    return random.beta(assumed.right * total, (1 - assumed.right) * total, count)
