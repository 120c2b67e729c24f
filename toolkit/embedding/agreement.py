"""Whether an app's value after a step is the expected one, or that of a mistake."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import BundleCard
from hemotk.artifacts.golden import GoldenModel, GoldenSet
from hemotk.embedding.steps import Steps, Wrong
from hemotk.files import sha256_bytes

# Of a probability that was written with few digits.
PROBABILITY = 1e-4
# Another implementation of the same mistake rounds otherwise: so many levels of 255 at most, and on average.
LEVELS, MEAN_LEVELS = 3, 0.6
_FLOAT = 1e-5  # of the largest value in a float32 tensor


class Near(Enum):
    """How well a mistake explains a value."""

    EXACTLY = 1
    NEARLY = 2


class Known(Protocol):
    """A picture's last known step and value."""

    file: str
    since: str | None
    value: Any


# What is known of each picture, and the app's value after the next step.
Rows = Sequence[tuple[Known, Any]]


class Judge:
    """Compares the values of one model's steps; the way through the steps is that of `steps`."""

    def __init__(self, card: BundleCard, golden: GoldenSet, model: GoldenModel, steps: Steps) -> None:
        self.steps = steps
        self._card, self._model = card, model
        self._shapes = {picture.file: (picture.height, picture.width) for picture in golden.pictures}
        self._dtype = np.dtype(steps.variant.input.dtype).newbyteorder("<")

    def run(self, known: Known, until: str, wrong: Wrong | None = None) -> Any:
        """The value of a picture after step `until`."""
        return self.steps.run(known.value, known.since, until, wrong)

    def array(self, step: str, data: bytes, file: str) -> NDArray[Any]:
        """The bytes of a step as the array that they stand for."""
        return np.frombuffer(data, self._type(step)).reshape(self._shape(step, file))

    def size_fault(self, step: str, given: Any, file: str) -> str:
        """In words, what is wrong with the number of bytes; empty if nothing is."""
        if not isinstance(given, bytes):
            return ""
        shape = self._shape(step, file)
        expected = int(np.prod(shape)) * self._type(step).itemsize
        if len(given) == expected:
            return ""
        said = f"{file} has {len(given)} bytes, and {expected} are expected ({shape[1]}×{shape[0]})"
        if len(given) in (3 * expected, 4 * expected) and self._type(step).itemsize == 1:
            return f"{said}: one byte a pixel is expected, not several channels or a float32"
        if len(given) == 3 * expected:
            return f"{said}: the network takes one channel, not three"
        return f"{said}: it takes {self._type(step).name}, not bytes" if 4 * len(given) == expected else said

    def same(self, step: str, given: Any, known: Known) -> bool:
        """Whether the app's value is the right one."""
        return self._near(step, self.run(known, step), given, known) is Near.EXACTLY

    def fits(self, step: str, wrong: Wrong, rows: Rows) -> Near | None:
        """How well a mistake explains all `rows`, each what is known of a picture and its value after `step`."""
        worst = Near.EXACTLY
        for known, given in rows:
            near = self._near(step, self.run(known, step, wrong), given, known)
            if near is None:
                return None
            worst = near if near is Near.NEARLY else worst
        return worst

    def slack(self, step: str) -> float:
        """Below this spread over pictures, logits or probabilities are as good as the same."""
        tolerance = self._model.tolerance
        return 2 * tolerance if step == "logit" else PROBABILITY + tolerance / (2 * self._card.temperature)

    def unseen(self, step: str, rows: Rows) -> Iterator[str]:
        """The mistakes in probability or verdict that would have agreed as well."""
        if step not in ("probability", "verdict"):
            return
        seen = set()
        for wrong in self.steps.wrongs(step):
            if wrong.what not in seen and self.fits(step, wrong, rows) is not None:
                seen.add(wrong.what)
                yield wrong.what

    def rounding(self, step: str, rows: Rows) -> str:
        """In words, that bytes differ by rounding alone; empty if they do not, or are not bytes."""
        if step not in ("gray", "pixels") or not all(isinstance(given, bytes) for _, given in rows):
            return ""
        worst = 0
        for known, given in rows:
            right = self.run(known, step).astype(int).ravel()
            worst = max(worst, int(np.abs(right - np.frombuffer(given, np.uint8)).max()))
        return "rounding: no byte differs by more than 1; round as README.md of the bundle says" if worst <= 1 else ""

    def _near(self, step: str, right: Any, given: Any, known: Known) -> Near | None:
        if isinstance(given, str):
            right = np.ascontiguousarray(right)
            return Near.EXACTLY if sha256_bytes(right.astype(self._type(step)).tobytes()) == given else None
        if isinstance(given, bytes):
            return self._near_array(np.asarray(right).ravel(), np.frombuffer(given, self._type(step)))
        if step == "logit":
            return Near.EXACTLY if abs(right - given) <= self._model.tolerance else None
        if step == "probability":
            return Near.EXACTLY if abs(right - given) <= self._probability_tolerance(known) else None
        return Near.EXACTLY if right == given or self._may_turn(known) else None

    def _near_array(self, right: NDArray[Any], given: NDArray[Any]) -> Near | None:
        if right.size != given.size:
            return None
        if right.dtype.kind == "f":
            with np.errstate(invalid="ignore", over="ignore"):
                worst = np.abs(right.astype(np.float64) - given.astype(np.float64)).max()
                return Near.EXACTLY if worst <= _FLOAT * max(1.0, float(np.abs(right).max())) else None
        if np.array_equal(right, given):
            return Near.EXACTLY
        off = np.abs(right.astype(int) - given.astype(int))
        return Near.NEARLY if right.dtype == np.uint8 and off.max() <= LEVELS and off.mean() <= MEAN_LEVELS else None

    def _probability_tolerance(self, known: Known) -> float:
        """Runtimes differ; but an app's own logit has one probability."""
        if known.since == "logit":
            return PROBABILITY
        return PROBABILITY + self._model.tolerance / (4 * self._card.temperature)

    def _may_turn(self, known: Known) -> bool:
        """Whether the verdict may differ, as what is known of the picture is too near the threshold."""
        probability = known.value if known.since == "probability" else self.run(known, "probability")
        slack = 1e-6 if known.since in ("logit", "probability") else self._probability_tolerance(known)
        return bool(abs(probability - self._card.threshold) <= slack)

    def _type(self, step: str) -> np.dtype[Any]:
        return self._dtype if step == "tensor" else np.dtype(np.uint8)

    def _shape(self, step: str, file: str) -> tuple[int, int]:
        size = self._card.preprocess.size
        return self._shapes[file] if step == "gray" else (size, size)
