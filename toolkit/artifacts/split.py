"""`split.json`: which image belongs to training, validation and test."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from hemotk.artifacts.codec import Artifact, FieldError, require

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitItem:
    """One image: its path relative to the folder, the checksum of the file, label (1 = hemorrhage), group and part.

    Images of one `group` (a patient, or copies of one picture) are never in two parts.
    """

    path: str
    sha256: str
    label: int
    group: str
    part: Part

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        inside = bool(self.path) and not path.is_absolute() and ".." not in path.parts
        require(inside, "path", "a path inside the folder")
        require(len(self.sha256) == 64, "sha256", "64 hexadecimal digits")
        require(self.label in (0, 1), "label", "0 or 1")


@dataclass(frozen=True)
class SplitManifest(Artifact):
    """A complete split of one image folder.

    `folder` is where the images lay when the split was made; `classes` are the words for label 0 and 1. `validation`
    is a share of what is not test.
    """

    SCHEMA: ClassVar[str] = "hemotk.split/1"

    created: str
    folder: str
    classes: tuple[str, str]
    seed: int
    test: float
    validation: float
    grouping: Literal["patient", "none"]
    items: tuple[SplitItem, ...]

    def __post_init__(self) -> None:
        require(0 < self.test < 1, "test", "between 0 and 1")
        require(0 < self.validation < 1, "validation", "between 0 and 1")
        parts: dict[str, set[str]] = defaultdict(set)
        contents: dict[str, set[str]] = defaultdict(set)
        for item in self.items:
            parts[item.group].add(item.part)
            contents[item.sha256].add(item.part)
        for name, found in (("group", parts), ("file with checksum", contents)):
            for key, value in found.items():
                if len(value) > 1:
                    raise FieldError(f"field 'items': {name} '{key}' lies in {' and '.join(sorted(value))}")
        require(len({item.path for item in self.items}) == len(self.items), "items", "without double paths")
        for part in PARTS:
            require(bool(self.part(part)), "items", f"non-empty for part '{part}'")

    def part(self, part: Part) -> tuple[SplitItem, ...]:
        """The items of one part, in the manifest's order."""
        return tuple(item for item in self.items if item.part == part)

    def root(self, data: Path | None = None) -> Path:
        """The image folder: `data` where given, else the recorded one."""
        return data if data is not None else Path(self.folder)
