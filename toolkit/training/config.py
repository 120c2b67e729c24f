"""Every setting of a training, in one place; recipes are settings with a name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from hemotk.artifacts import require
from hemotk.artifacts.pixels import BRAIN, Window
from hemotk.errors import HemotkError
from hemotk.training.operating_point import OperatingConfig

LEARNING_RATE = 1e-3
FINE_TUNING_RATE = 1e-4
HEAD_EPOCHS = 20
MOST_VIEWS = 64
MOST_SEED = 2**32 - 1


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of each training picture: shares are fractions of the picture or of full contrast."""

    flip: bool = True
    rotation_degrees: float = 15.0
    zoom: float = 0.15
    shift: float = 0.08
    contrast: float = 0.2

    def __post_init__(self) -> None:
        require(0 <= self.rotation_degrees <= 180, "rotation_degrees", "between 0 and 180")
        for name in ("zoom", "shift", "contrast"):
            require(0 <= getattr(self, name) < 1, name, "at least 0 and below 1")


@dataclass(frozen=True)
class AppearanceConfig:
    """Random changes of how a picture looks, each made to a `share` of the pictures; 0 turns a change off.

    `gamma` is the largest power of two of the exponent, `noise` the largest standard deviation in gray values, `blur`
    the largest standard deviation in hundredths of the side. `resolution` is the largest part of the side that scaling
    down takes away, `jpeg` the most that is taken off a JPEG quality of 95, `cutout` the largest side of a black square
    as a part of the picture's.
    """

    share: float = 0.5
    gamma: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    resolution: float = 0.0
    jpeg: float = 0.0
    cutout: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, "share", "between 0 and 1")
        for name, most in (("gamma", 3.0), ("noise", 64.0), ("blur", 10.0), ("jpeg", 85.0)):
            require(0 <= getattr(self, name) <= most, name, f"between 0 and {most:g}")
        for name in ("resolution", "cutout"):
            require(0 <= getattr(self, name) < 1, name, "at least 0 and below 1")

    @property
    def anything(self) -> bool:
        """Whether anything is changed."""
        return self.share > 0 and any((self.gamma, self.noise, self.blur, self.resolution, self.jpeg, self.cutout))


# The changes that scanners, windows, screens and file formats make, about as far as they go.
SCANNERS = AppearanceConfig(gamma=0.5, noise=8.0, blur=0.8, resolution=0.5, jpeg=60.0, cutout=0.3)
APPEARANCES: Mapping[str, AppearanceConfig] = {"none": AppearanceConfig(), "scanners": SCANNERS}


# The behaviour of trainings and prunings before these settings existed: their files lack them.
EARLIER: Mapping[str, Any] = {
    "drop_layers": False,
    "window": asdict(BRAIN),
    "operating": asdict(OperatingConfig()),
    "precision": "float32",
    "head_epochs": 0,
    "head_views": 8,
    "appearance": asdict(AppearanceConfig()),
    "draw": "each",
    "label_smoothing": 0.0,
    "rate_decay": 1.0,
}


@dataclass(frozen=True)
class DistillConfig:
    """The settings of learning from a teacher (Hinton et al. 2015, arXiv 1503.02531).

    `share` of the loss is the teacher's, the rest the labels': the paper gives the labels "considerably lower weight".
    Both logits are divided by `temperature` in the teacher's part: the paper found 2.5 to 4 best where the network is
    much smaller than its teacher.
    """

    share: float = 0.8
    temperature: float = 3.0

    def __post_init__(self) -> None:
        require(0 <= self.share <= 1, "share", "between 0 and 1")
        require(self.temperature > 0, "temperature", "above 0")


@dataclass(frozen=True)
class TrainConfig:
    """The settings of `hemotk train`.

    `weights` is 'none', 'imagenet' or the path of a weight file. `learning_rate` None means 1e-3 from scratch and 1e-4
    with given weights. `precision` is the number type of training; a finished run is scored in float32. `schedule`
    'cosine' warms up over `warmup_epochs` and decays to 0. `bn_momentum` is Keras's: the share of the old moving
    average. `operating` has the settings for threshold and temperature, `window` is the window for DICOM.

    With given weights the new head alone learns first, for `head_epochs` (None means 20, and 0 without weights) on the
    features that the frozen backbone gives of `head_views` augmented views of each picture; then the whole network for
    `epochs`, which may be 0 after a head phase.

    `draw` 'each' shows every picture once an epoch. 'balanced' shows as many pictures, dealt evenly among the classes
    of each merged set; pictures of a small class are then shown several times, and class weights are 1.
    `label_smoothing` s teaches s / 2 and 1 - s / 2 instead of 0 and 1. `rate_decay` multiplies the learning rate of the
    last dense block and the head by 1, of the block before it by `rate_decay`, and so on to the stem; 0 freezes all but
    the last block.
    """

    arch: str = "densenet201"
    weights: str = "none"
    size: int = 224
    window: Window = BRAIN
    epochs: int = 100
    batch: int = 16
    learning_rate: float | None = None
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: int = 3
    dropout: float = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    bn_momentum: float = 0.9
    head_epochs: int | None = None
    head_views: int = 8
    class_weights: bool = True
    augment: AugmentConfig = AugmentConfig()
    appearance: AppearanceConfig = AppearanceConfig()
    draw: Literal["each", "balanced"] = "each"
    label_smoothing: float = 0.0
    rate_decay: float = 1.0
    operating: OperatingConfig = field(default_factory=OperatingConfig)
    seed: int = 0
    recipe: str = "hemotk"

    def __post_init__(self) -> None:
        require(16 <= self.size <= 1024, "size", "between 16 and 1024 pixels")
        require(not self.head_epochs or self.weights != "none", "head_epochs", "0 without weights for the backbone")
        require(self.head_epochs is None or self.head_epochs >= 0, "head_epochs", "0 or more")
        require(1 <= self.head_views <= MOST_VIEWS, "head_views", f"between 1 and {MOST_VIEWS}")
        require(self.epochs >= (0 if self.head_phase else 1), "epochs", "1 or more, or 0 after a head phase")
        require(self.batch >= 2, "batch", "2 or more (BatchNorm needs them)")
        require(self.learning_rate is None or self.learning_rate > 0, "learning_rate", "above 0")
        require(0 <= self.dropout < 1, "dropout", "at least 0 and below 1")
        require(0 <= self.label_smoothing < 1, "label_smoothing", "at least 0 and below 1")
        require(0 <= self.rate_decay <= 1, "rate_decay", "between 0 and 1")
        require(0 < self.bn_momentum < 1, "bn_momentum", "between 0 and 1")
        require(0 <= self.seed <= MOST_SEED, "seed", f"between 0 and {MOST_SEED}")

    @property
    def peak_rate(self) -> float:
        """The learning rate at its highest."""
        if self.learning_rate is not None:
            return self.learning_rate
        return LEARNING_RATE if self.weights == "none" else FINE_TUNING_RATE

    @property
    def head_phase(self) -> int:
        """Epochs in which the head alone learns."""
        if self.head_epochs is not None:
            return self.head_epochs
        return 0 if self.weights == "none" else HEAD_EPOCHS

    @property
    def all_epochs(self) -> int:
        """Epochs of both phases."""
        return self.head_phase + self.epochs

    def settings(self) -> Mapping[str, Any]:
        """The settings as plain values for the run card."""
        return {**asdict(self), "head_epochs": self.head_phase}


# The settings of each recipe; anything given on the command line goes before them.
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "hemotk": {},
    "paper": {
        "epochs": 100,
        "schedule": "constant",
        "learning_rate": LEARNING_RATE,
        "bn_momentum": 0.99,
        "head_epochs": 0,
        "class_weights": False,
        "augment": AugmentConfig(flip=True, rotation_degrees=15.0, zoom=0.15, shift=0.0, contrast=0.0),
    },
}

_RECIPE_NOTES: Mapping[str, str] = {
    "hemotk": "Adam with warm-up and cosine decay to 0 instead of a constant rate; shifts and contrast besides flips, "
    "rotation and zoom; class weights; BatchNorm averages that settle in few steps (momentum 0.9).",
    "paper": "Adam at a constant {rate:g}, {epochs} epochs (in the 2021 paper 0.001 and 100); as there binary "
    "cross-entropy, sigmoid, flips, rotation, zoom.",
}


def recipe_note(config: TrainConfig) -> str:
    """A note for the run's card on the recipe, and on the phases where the head learned alone."""
    note = _RECIPE_NOTES[config.recipe].format(rate=config.peak_rate, epochs=config.epochs)
    if not config.head_phase:
        return note
    then = (
        "before the whole network did." if config.epochs else "and nothing else: the rest is as the given weights were."
    )
    views = f"{config.head_views} augmented views of each picture"
    return f"{note} The new head learned alone, for {config.head_phase} epochs on {views}, {then}"


def from_recipe(recipe: str, **given: Any) -> TrainConfig:
    """A recipe's configuration with the settings that were `given` (those that are None were not).

    Raises:
        HemotkError: no such recipe.
    """
    if recipe not in RECIPES:
        raise HemotkError(f"‹recipe› {recipe}: is unknown; choose one of {', '.join(RECIPES)}.")
    asked = {name: value for name, value in given.items() if value is not None}
    return replace(TrainConfig(recipe=recipe), **{**RECIPES[recipe], **asked})
