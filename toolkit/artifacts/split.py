"""`split.json`: which image belongs to training, validation and test."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from hemotk.artifacts.codec import Artifact, FieldError, encode, require

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

Grouping = Literal["auto", "patient", "none"]
Reason = Literal["patient", "exact", "near"]
REASONS: tuple[Reason, ...] = ("patient", "exact", "near")

_FIRST_SCHEMA = "hemotk.split/1"
_SINCE_SECOND = ("groups", "fold", "folds")


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
class SplitGroup:
    """A group of several images and what joined them: one patient, equal pictures, near duplicates."""

    name: str
    images: int
    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        require(self.images > 1, "images", "2 or more")
        require(
            bool(self.reasons) and len(set(self.reasons)) == len(self.reasons), "reasons", "at least one, once each"
        )


@dataclass(frozen=True)
class SplitManifest(Artifact):
    """A complete split of one image folder.

    `folder` is where the images lay when the split was made; `classes` are the words for label 0 and 1. `validation`
    is a share of what is not test. `groups` are those of several images. In cross-validation this is fold number
    `fold` of `folds`, counted from 1: its test part is that fold.

    Version 1 of the file had neither `groups` nor folds. A split without them is still written as version 1, so that
    the checksums in finished runs hold.
    """

    SCHEMA: ClassVar[str] = "hemotk.split/2"

    created: str
    folder: str
    classes: tuple[str, str]
    seed: int
    test: float
    validation: float
    grouping: Grouping
    items: tuple[SplitItem, ...]
    groups: tuple[SplitGroup, ...] = ()
    fold: int | None = None
    folds: int | None = None

    def __post_init__(self) -> None:
        require(0 < self.test < 1, "test", "between 0 and 1")
        require(0 < self.validation < 1, "validation", "between 0 and 1")
        self._check_apart()
        require(len({item.path for item in self.items}) == len(self.items), "items", "without double paths")
        for part in PARTS:
            require(bool(self.part(part)), "items", f"non-empty for part '{part}'")
        sizes = Counter(item.group for item in self.items)
        fits = all(sizes[group.name] == group.images for group in self.groups)
        require(fits and len({group.name for group in self.groups}) == len(self.groups), "groups", "those of the items")
        if self.fold is None or self.folds is None:
            require(self.fold is None and self.folds is None, "fold", "given together with 'folds'")
        else:
            require(self.folds >= 2, "folds", "2 or more")
            require(1 <= self.fold <= self.folds, "fold", "between 1 and the number of folds")

    def _check_apart(self) -> None:
        parts: dict[str, set[str]] = defaultdict(set)
        contents: dict[str, set[str]] = defaultdict(set)
        for item in self.items:
            parts[item.group].add(item.part)
            contents[item.sha256].add(item.part)
        for name, found in (("group", parts), ("file with checksum", contents)):
            for key, value in found.items():
                if len(value) > 1:
                    raise FieldError(f"field 'items': {name} '{key}' lies in {' and '.join(sorted(value))}")

    def part(self, part: Part) -> tuple[SplitItem, ...]:
        """The items of one part, in the manifest's order."""
        return tuple(item for item in self.items if item.part == part)

    def root(self, data: Path | None = None) -> Path:
        """The image folder: `data` where given, else the recorded one."""
        return data if data is not None else Path(self.folder)

    def body(self) -> dict[str, Any]:
        """What `to_json` writes: version 1 where that says everything."""
        fields = encode(self)
        if self.grouping == "auto" or any(fields[name] for name in _SINCE_SECOND):
            return {"schema": self.SCHEMA, **fields}
        return {"schema": _FIRST_SCHEMA, **{key: fields[key] for key in fields if key not in _SINCE_SECOND}}

    @classmethod
    def from_dict(cls, body: Any, where: Path) -> "SplitManifest":
        """As `Artifact.from_dict`; reads version 1 too."""
        if isinstance(body, dict) and body.get("schema") == _FIRST_SCHEMA:
            body = {**body, "schema": cls.SCHEMA}
        return super().from_dict(body, where)
