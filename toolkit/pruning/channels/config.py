"""Every setting of a channel pruning, in one place."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hemotk.artifacts import require
from hemotk.errors import HemotkError
from hemotk.pruning.channels.budget import Allowed
from hemotk.training.config import MOST_SEED, DistillConfig, TrainConfig

STEPS = 4
EPOCHS = 60
MULTIPLE = 8
LEARNING_RATE = 5e-4
BATCH = 16

Importance = Literal["taylor", "magnitude"]


@dataclass(frozen=True)
class PruneConfig:
    """The settings of `hemotk prune --method channels`.

    `macs` is the share of the run's multiply-accumulates to keep; in its place, `latency_ratio` is the share of its
    float32 latency. The budget is reached in `steps`, with `epochs` of fine-tuning in all. Widths become multiples of
    `multiple`; with `drop_layers`, whole dense layers may vanish, too. Taylor importance looks at the training part
    `passes` times, in batches of `importance_batch`: the squares of small batches say more than those of large ones.
    """

    macs: float | None = None
    latency_ratio: float | None = None
    steps: int = STEPS
    epochs: int = EPOCHS
    importance: Importance = "taylor"
    multiple: int = MULTIPLE
    learning_rate: float = LEARNING_RATE
    batch: int = BATCH
    seed: int = 0
    distill: DistillConfig = field(default_factory=DistillConfig)
    passes: int = 2
    importance_batch: int = 4
    drop_layers: bool = False

    def __post_init__(self) -> None:
        if self.macs is not None and self.latency_ratio is not None:
            raise HemotkError(
                f"‹macs› {self.macs:g} and ‹target_latency_ratio› {self.latency_ratio:g}: are two budgets; leave one "
                "of both out."
            )
        if self.macs is None and self.latency_ratio is None:
            raise HemotkError(
                "prune: needs one budget; give either ‹macs›, the share of multiply-accumulates to keep, or "
                "‹target_latency_ratio›."
            )
        require(self.macs is None or self.macs > 0, "macs", "above 0")
        require(self.latency_ratio is None or 0 < self.latency_ratio < 1, "latency_ratio", "above 0 and below 1")
        require(self.steps >= 1, "steps", "1 or more")
        require(self.epochs >= max(1, 2 * (self.steps - 1)), "epochs", "two or more for each step but the last")
        require(self.multiple >= 1, "multiple", "1 or more")
        require(self.learning_rate > 0, "learning_rate", "above 0")
        require(self.batch >= 2, "batch", "2 or more (BatchNorm needs them)")
        require(0 <= self.seed <= MOST_SEED, "seed", f"between 0 and {MOST_SEED}")
        require(self.passes >= 1, "passes", "1 or more")
        require(self.importance_batch >= 2, "importance_batch", "2 or more")

    @property
    def allowed(self) -> Allowed:
        """The widths that the network may take."""
        return Allowed(self.multiple, self.multiple, self.drop_layers)

    def settings(self) -> Mapping[str, Any]:
        """The settings as plain values for the run card."""
        return {"method": "channels", **asdict(self)}

    def training(self, arch: str, size: int, epochs: int) -> TrainConfig:
        """The fine-tuning of one step: our recipe, with a short warm-up, for the optimizer begins anew."""
        return TrainConfig(
            arch=arch,
            size=size,
            epochs=epochs,
            batch=self.batch,
            learning_rate=self.learning_rate,
            warmup_epochs=1,
            seed=self.seed,
        )
