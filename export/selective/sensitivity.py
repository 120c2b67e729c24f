"""Which layers int8 costs most, and the fewest of them to keep in float32 for what is asked.

Pure functions over a `Score`: the logits of the int8 variant on the validation images while some layers are in float32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hemotk.artifacts import Artifact, require
from hemotk.errors import CheckFailed
from hemotk.exporting.verify import Decision
from hemotk.progress import Tell
from hemotk.stats.metrics import calibrated, decide

Logits = npt.NDArray[np.float64]
Score = Callable[[tuple[str, ...]], Logits]


@dataclass(frozen=True)
class Tolerance:
    """What int8 may cost on the validation part, as fractions.

    `accuracy_drop` is how much less of the images it may get right than float32, `score_drift` the greatest
    |Δ probability| after temperature scaling.
    """

    accuracy_drop: float = 0.01
    score_drift: float = 0.02

    def __post_init__(self) -> None:
        require(0 <= self.accuracy_drop <= 1, "accuracy_drop", "a fraction")
        require(0 <= self.score_drift <= 1, "score_drift", "a fraction")


@dataclass(frozen=True)
class Cost:
    """What a variant loses against float32: `error` is the mean squared difference of the logits; see `Tolerance`."""

    error: float
    accuracy_drop: float
    score_drift: float

    def within(self, tolerance: Tolerance) -> bool:
        """Whether both limits hold; a cost that is no number is beyond every limit."""
        return self.accuracy_drop <= tolerance.accuracy_drop and self.score_drift <= tolerance.score_drift


@dataclass(frozen=True)
class Reference:
    """The validation part: `labels` [n], 0 or 1, and the float32 logits [n] that variants are compared with."""

    labels: npt.NDArray[np.integer]
    logits: Logits
    decision: Decision

    def cost(self, logits: Logits) -> Cost:
        """What the variant with these logits [n] loses."""
        ours, theirs = (calibrated(scores, self.decision.temperature) for scores in (logits, self.logits))
        return Cost(
            error=float(np.mean((logits - self.logits) ** 2)),
            accuracy_drop=(self._right(self.logits) - self._right(logits)) / len(self.labels),
            score_drift=float(np.abs(ours - theirs).max()),
        )

    def _right(self, logits: Logits) -> int:
        called = decide(logits, self.decision.threshold, self.decision.temperature)
        return int((called == (self.labels == 1)).sum())


@dataclass(frozen=True)
class Sensitivity:
    """By how much the squared logit error falls when `layer` alone is in float32 (below 0: it rises), and what is left.

    That way round, not one layer alone in int8, because it is how a ranking is used: a few layers in float32 among many
    in int8, whose errors partly cancel.
    """

    layer: str
    fall: float
    alone: Cost


@dataclass(frozen=True)
class Selection(Artifact):
    """What was found: `kept` are the first layers of `ranking`; they stay in float32.

    `prefixes[k]` is the cost with the first k layers of the ranking kept, up to all of `kept`. Where plain int8 is
    within the tolerance, nothing is ranked.
    """

    SCHEMA: ClassVar[str] = "hemotk.sensitivity/1"

    tolerance: Tolerance
    kept: tuple[str, ...]
    ranking: tuple[Sensitivity, ...]
    prefixes: tuple[Cost, ...]

    def __post_init__(self) -> None:
        count = len(self.kept)
        require(self.kept == tuple(found.layer for found in self.ranking[:count]), "kept", "the first of the ranking")
        require(len(self.prefixes) == count + 1, "prefixes", "one more than are kept")

    @property
    def plain(self) -> Cost:
        """What int8 costs with nothing kept."""
        return self.prefixes[0]

    @property
    def reached(self) -> Cost:
        """What int8 costs with `kept` in float32."""
        return self.prefixes[-1]


def select(layers: Sequence[str], score: Score, reference: Reference, tolerance: Tolerance, tell: Tell) -> Selection:
    """Find the shortest prefix of the sensitivity ranking of `layers` that is within `tolerance` when in float32.

    Prefixes are tried one by one, as a longer one may be worse: bisection could miss the shortest. That takes at most
    2 · len(layers) scores. All layers together come before the ranking, so that what cannot be reached fails early.

    Raises:
        CheckFailed: all layers in float32 are not within the tolerance.
    """
    plain = reference.cost(score(()))
    if plain.within(tolerance):
        return Selection(tolerance, (), (), (plain,))
    everything = reference.cost(score(tuple(layers)))
    if not everything.within(tolerance):
        raise _out_of_reach(everything, tolerance)
    ranking = rank(layers, score, reference, plain, tell)
    names = tuple(found.layer for found in ranking)
    prefixes = [plain, ranking[0].alone]
    while not prefixes[-1].within(tolerance):
        count = len(prefixes)
        tell("choosing layers", count, len(names))
        prefixes.append(everything if count == len(names) else reference.cost(score(names[:count])))
    return Selection(tolerance, names[: len(prefixes) - 1], ranking, tuple(prefixes))


def rank(layers: Sequence[str], score: Score, reference: Reference, plain: Cost, tell: Tell) -> tuple[Sensitivity, ...]:
    """The sensitivity of each layer, the greatest first; equals in the order given."""
    found = []
    for index, layer in enumerate(layers):
        tell("ranking layers", index, len(layers))
        alone = reference.cost(score((layer,)))
        found.append(Sensitivity(layer, plain.error - alone.error, alone))
    return tuple(sorted(found, key=lambda sensitivity: -sensitivity.fall))


def _out_of_reach(cost: Cost, tolerance: Tolerance) -> CheckFailed:
    return CheckFailed(
        f"‹auto›: even with every layer in float32 it costs {cost.accuracy_drop:.4f} of accuracy and "
        f"drift by {cost.score_drift:.4f} on the validation part, beyond {tolerance.accuracy_drop:.4f} and "
        f"{tolerance.score_drift:.4f}; allow more, or export with ‹quantize› fp16."
    )
