"""What an app made of a bundle's golden pictures, step by step, and how that compares with the bundle."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require


@dataclass(frozen=True)
class AppPicture:
    """One golden picture, known by its `file`, and what the app has of it; whatever it has not is left out.

    `gray` are the gray bytes of the decoded picture, `pixels` the size·size bytes after padding and resize, and
    `tensor` the bytes of the input tensor, little endian: each in base64, or as SHA-256 in the field that ends so.
    `logit` is the model's, dequantized; `probability` that of the second class, with the temperature; `label` is 0
    or 1, or `verdict` its name.
    """

    file: str
    gray: str | None = None
    gray_sha256: str | None = None
    pixels: str | None = None
    pixels_sha256: str | None = None
    tensor: str | None = None
    tensor_sha256: str | None = None
    logit: float | None = None
    probability: float | None = None
    label: int | None = None
    verdict: str | None = None

    def __post_init__(self) -> None:
        require(self.label in (None, 0, 1), "label", "0 or 1")
        for name in ("gray", "pixels", "tensor"):
            both = getattr(self, name) is not None and getattr(self, f"{name}_sha256") is not None
            require(not both, name, f"left out where '{name}_sha256' is given")


@dataclass(frozen=True)
class AppOutputs(Artifact):
    """The file that `hemotk verify --against` reads: the `model`'s file name, and the pictures."""

    SCHEMA: ClassVar[str] = "hemotk.outputs/1"

    model: str
    pictures: tuple[AppPicture, ...]

    def __post_init__(self) -> None:
        require(bool(self.pictures), "pictures", "non-empty")
        files = [picture.file for picture in self.pictures]
        require(len({*files}) == len(files), "pictures", "without a file twice")


@dataclass(frozen=True)
class Cause:
    """A mistake that explains an app's values: in `step`, `what` goes on after "as if"; `remedy` says what to do.

    `nearly` means up to a few levels of 255.
    """

    step: str
    what: str
    remedy: str
    nearly: bool


@dataclass(frozen=True)
class ComparedStep:
    """What was found of one step: on how many pictures of `total` it `differs`, and the causes, if any explains it.

    `note` says more where none does. `unseen` are mistakes that these pictures cannot show.
    """

    step: str
    state: Literal["agrees", "differs", "not given", "not judged"]
    differs: int = 0
    total: int = 0
    causes: tuple[Cause, ...] = ()
    note: str = ""
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComparedOutputs(Artifact):
    """An app's outputs for so many `pictures` against those of `model`, a file of `bundle`, step by step."""

    SCHEMA: ClassVar[str] = "hemotk.verification/1"

    bundle: str
    model: str
    pictures: int
    steps: tuple[ComparedStep, ...]

    @property
    def agrees(self) -> bool:
        """Whether no step differs."""
        return all(step.state not in ("differs", "not judged") for step in self.steps)
