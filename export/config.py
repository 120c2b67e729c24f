"""What an export is asked for."""

from dataclasses import dataclass, field
from pathlib import Path

from hemotk.artifacts import require
from hemotk.exporting.recipe import QuantizedKind, Recipe
from hemotk.exporting.selective.sensitivity import Tolerance
from hemotk.exporting.verify import Limits

CALIBRATION = 100
NOT_STATED = "not stated"


@dataclass(frozen=True)
class ExportConfig:
    """The variants to make beside the float32 one.

    `calibration` is the most images of the training part that ranges are gathered on; `data` is where the split's
    images are now, None where the split says. A variant beyond `limits` is not published. `author` and `license` are
    those of the models, as their metadata says. With `cam` every variant of a DenseNet also gives its class-activation
    map. With `auto` the int8 variant of a DenseNet keeps as many layers in float32 as it takes to be within it.
    """

    recipes: tuple[Recipe, ...] = (Recipe("int8"),)
    calibration: int = CALIBRATION
    data: Path | None = None
    limits: Limits = field(default_factory=Limits)
    author: str = NOT_STATED
    license: str = NOT_STATED
    cam: bool = False
    auto: Tolerance | None = None

    def __post_init__(self) -> None:
        kinds = self.kinds
        require(len(set(kinds)) == len(kinds), "recipes", "without double kinds")
        require(self.calibration >= 2, "calibration", "at least 2 images, one of each class")
        require(self.auto is None or "int8" in kinds, "auto", "None where there is no int8 variant")
        for name in ("author", "license"):
            require(bool(getattr(self, name).strip()), name, "non-empty")

    @property
    def kinds(self) -> tuple[QuantizedKind, ...]:
        """What is made beside float32, in order."""
        return tuple(recipe.kind for recipe in self.recipes)

    @property
    def calibrated(self) -> bool:
        """Whether calibration images are needed."""
        return any(recipe.calibrated for recipe in self.recipes)
