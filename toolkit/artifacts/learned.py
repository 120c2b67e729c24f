"""`learned.json`: what a network had learned from before the run in whose folder it lies."""

from dataclasses import dataclass
from typing import ClassVar

from hemotk.artifacts.codec import Artifact

LEARNED_FILE = "learned.json"


@dataclass(frozen=True)
class TrainingImages:
    """The training part of a split of `folder`: its images' checksums, or paths where there are none, and its groups.

    Both are sorted.
    """

    folder: str
    images: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Learned(Artifact):
    """The training images that a network has learned from, as far as is known.

    `run` is the SHA-256 of the card of the run that its weights come from, None where they come from no run; `unknown`
    names in words what may have learned from other images, too.
    """

    SCHEMA: ClassVar[str] = "hemotk.learned/1"

    run: str | None
    images: tuple[TrainingImages, ...]
    unknown: tuple[str, ...] = ()
