"""The settings of a magnitude pruning."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hemotk.artifacts import require
from hemotk.errors import HemotkError
from hemotk.training.config import FINE_TUNING_RATE, MOST_SEED, TrainConfig

NO_PATTERN = "none"
# name → (m, n): m zeros in each n weights that lie beside each other along the input channels
PATTERNS: Mapping[str, tuple[int, int]] = {"2:4": (2, 4)}
STRUCTURES = (NO_PATTERN, *PATTERNS)


@dataclass(frozen=True)
class MagnitudeConfig:
    """The settings of a magnitude pruning: number and places of the zeros, and the training meanwhile.

    `sparsity` is the share of zeros in each kernel at the end; `structure` '2:4' fixes it at 0.5. The share rises
    between `begin` and `end`, both shares of all steps; from then on the zeros stay where they are and the other
    weights go on learning. With a structure all zeros come after the first step.
    """

    sparsity: float = 0.5
    structure: str = NO_PATTERN
    epochs: int = 20
    begin: float = 0.0
    end: float = 0.6
    batch: int = 16
    learning_rate: float = FINE_TUNING_RATE
    seed: int = 0

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "above 0 and below 1")
        require(self.structure in STRUCTURES, "structure", f"one of {', '.join(STRUCTURES)}")
        if self.pattern is not None:
            share = self.pattern[0] / self.pattern[1]
            require(self.sparsity == share, "sparsity", f"{share} with structure {self.structure}, or left out")
        if not 0 <= self.begin < self.end <= 1:
            raise HemotkError(
                f"‹begin› {self.begin:g} and ‹end› {self.end:g}: must be two rising shares of all steps, from 0 to "
                "1; change one of both."
            )
        require(self.epochs >= 1, "epochs", "1 or more")
        require(self.batch >= 2, "batch", "2 or more (BatchNorm needs them)")
        require(self.learning_rate > 0, "learning_rate", "above 0")
        require(0 <= self.seed <= MOST_SEED, "seed", f"between 0 and {MOST_SEED}")

    @property
    def pattern(self) -> tuple[int, int] | None:
        """(m, n) of the structure: m zeros in each n weights."""
        return PATTERNS.get(self.structure)

    def training(self, arch: str, size: int) -> TrainConfig:
        """The gradient steps: as `hemotk train` takes them, with a rate for weights that have learned already."""
        return TrainConfig(
            arch=arch,
            size=size,
            epochs=self.epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            seed=self.seed,
        )

    def settings(self) -> Mapping[str, Any]:
        """The settings as plain values for the run card."""
        return {"method": "magnitude", **asdict(self)}
