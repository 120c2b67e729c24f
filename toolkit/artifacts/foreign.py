"""The interpretation of the pixels and outputs of a .tflite that another tool made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hemotk.artifacts.codec import require

Activation = Literal["sigmoid", "softmax", "logit", "two logits"]


@dataclass(frozen=True)
class ForeignSpec:
    """A classifier that hemotk did not export: one picture in, one tensor of `numbers` numbers out.

    A gray byte p reaches channel c of the `size`×`size` picture as `scale[c]` · p + `shift[c]`, before the input's own
    quantization. `channels_first` is the order [1, C, N, N]. The numbers come out of a sigmoid or a
    softmax (`activation`), or are logits: each of its own sigmoid, or "two logits" of one softmax. Number `output` is
    that of the positive class, unless `positive_class` is 0: then it is that of the other one. `said` has in clauses
    what was read from the file.
    """

    size: int
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    channels_first: bool
    numbers: int
    activation: Activation
    output: int
    positive_class: int
    said: tuple[str, ...]

    def __post_init__(self) -> None:
        require(len(self.scale) in (1, 3) and len(self.scale) == len(self.shift), "scale", "1 or 3 numbers, as 'shift'")
        require(0 <= self.output < self.numbers, "output", "one of the numbers, from 0")
        require(self.positive_class in (0, 1), "positive_class", "0 or 1")


@dataclass(frozen=True)
class ForeignOptions:
    """The caller's options for a foreign classifier; None where the file itself has to say it.

    `normalization` is as `byte_affine` takes it. `output` is the number, from 0, that is hemorrhage. `positive_class`
    0 says that the number speaks for the absence of hemorrhage.
    """

    normalization: str | None = None
    output: int | None = None
    positive_class: int = 1

    @property
    def anything(self) -> bool:
        """Whether the caller said anything, so that the file must be a foreign one."""
        return self != ForeignOptions()


def assumptions(size: int, said: Sequence[str]) -> str:
    """The assumptions on a model without a bundle card, and the facts read from its file, `said`; clauses."""
    assumed = f"threshold 0.5, temperature 1 and pictures made gray, padded to a square and resized to {size}×{size}"
    return "; ".join([f"has no bundle card, so {assumed} are assumed", *said])
