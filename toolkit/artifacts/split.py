"""`split.json`: which image belongs to training, validation and test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import Any, ClassVar, Literal

from hemotk.artifacts.codec import Artifact, encode, require
from hemotk.errors import FieldError, HemotkError

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

Grouping = Literal["auto", "patient", "none"]
Reason = Literal["patient", "exact", "near"]
REASONS: tuple[Reason, ...] = ("patient", "exact", "near")

# The line in the `reading` of a merged split whose pictures were compared between the folders.
COMPARED_BETWEEN = "pictures were compared between the folders, too: no two in different parts look like the same slice"

_FIRST_SCHEMA = "hemotk.split/1"
_SINCE_SECOND = ("groups", "fold", "folds")
_LATER = ("reading", "hu_offset")  # not written while there is none


def lies_inside(path: str, system: type[PurePath] = PurePath) -> bool:
    """Whether `path`, with '/', stays below the folder that it is joined to, also as `system` reads it."""
    if not path or path.startswith("/") or ".." in path.split("/"):
        return False
    if "\\" not in path and ":" not in path:
        return True
    read = system(path)
    return not read.anchor and ".." not in read.parts


@dataclass(frozen=True, slots=True)
class SplitItem:
    """One image: its path relative to the folder, the checksum of the file, label (1 = hemorrhage), group and part.

    Images of one `group` (a patient, or copies of one picture) are never in two parts. The checksum is None where the
    images were too many to be read for the split.
    """

    path: str
    sha256: str | None
    label: int
    group: str
    part: Part

    def __post_init__(self) -> None:
        require(lies_inside(self.path), "path", "a path inside the folder")
        if self.sha256 is None:  # is written as lines
            require("\n" not in self.path and "\n" not in self.group, "path", "without line breaks")
        else:
            require(len(self.sha256) == 64, "sha256", "64 hexadecimal digits")
        require(self.label in (0, 1), "label", "0 or 1")

    @property
    def key(self) -> str:
        """The checksum of the image, else its path: no other image of the split has it."""
        return self.path if self.sha256 is None else self.sha256

    @property
    def set(self) -> str:
        """The folder that the image of a merged split is of; the group's own name where nothing was merged."""
        return self.group.rpartition("@")[2]


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
    `fold` of `folds`, counted from 1: its test part is that fold. `reading` says in sentences how the folder was
    understood, None in files from before that was kept. `hu_offset` is what the values of 16-bit pictures are above
    their Hounsfield units, None where these are no such values.

    Version 1 of the file had neither `groups` nor folds. A split without them is still written as version 1, so that
    the checksums in finished runs hold. A split without checksums of its images is written as version 3.
    """

    SCHEMA: ClassVar[str] = "hemotk.split/2"
    LATER: ClassVar[tuple[str, ...]] = _LATER

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
    reading: tuple[str, ...] | None = None
    hu_offset: int | None = None

    def __post_init__(self) -> None:
        require(0 < self.test < 1, "test", "between 0 and 1")
        require(0 < self.validation < 1, "validation", "between 0 and 1")
        self._check_apart()
        require(len({item.sha256 is None for item in self.items}) < 2, "items", "all with a checksum, or all without")
        compared = self.grouping != "auto" or all(item.sha256 for item in self.items)
        require(compared, "grouping", "'patient' or 'none' where images have no checksums")
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

    @property
    def checked(self) -> bool:
        """Whether the images have checksums."""
        return self.items[0].sha256 is not None

    @property
    def merged(self) -> bool:
        """Whether it was made of splits of several folders (`hemotk data merge`): groups are called `GROUP@FOLDER`."""
        return "@" in self.items[0].group

    @property
    def compared_between(self) -> bool:
        """Whether the pictures of a merged split were also compared between its folders."""
        return COMPARED_BETWEEN in (self.reading or ())

    def _check_apart(self) -> None:
        groups: dict[str, Part] = {}
        contents: dict[str, Part] = {}
        for item in self.items:
            for name, key, parts in (("group", item.group, groups), ("file with checksum", item.sha256, contents)):
                if key is not None and parts.setdefault(key, item.part) != item.part:
                    both = " and ".join(sorted((parts[key], item.part)))
                    raise FieldError(f"field 'items': {name} '{key}' lies in {both}")

    def part(self, part: Part) -> tuple[SplitItem, ...]:
        """The items of one part, in the manifest's order."""
        return tuple(item for item in self.items if item.part == part)

    def root(self, data: Path | None = None) -> Path:
        """The image folder: `data` where given, else the recorded one."""
        return data if data is not None else Path(self.folder)

    def body(self) -> dict[str, Any]:
        """The contents of the JSON file: version 1 where that says everything."""
        if not self.checked:
            return _ColumnManifest.of(self).body()
        values = encode(self)
        if self.grouping == "auto" or any(values.get(name) for name in (*_SINCE_SECOND, *_LATER)):
            return {"schema": self.SCHEMA, **values}
        return {"schema": _FIRST_SCHEMA, **{key: values[key] for key in values if key not in _SINCE_SECOND}}

    def write(self, path: Path, *, overwrite: bool = True) -> None:
        """As `Artifact.write`."""
        if self.checked:
            super().write(path, overwrite=overwrite)
        else:
            _ColumnManifest.of(self).write(path, overwrite=overwrite)

    @classmethod
    def from_dict(cls, body: Any, where: Path) -> "SplitManifest":
        """As `Artifact.from_dict`; reads versions 1 and 3 too."""
        if isinstance(body, dict) and body.get("schema") == _ColumnManifest.SCHEMA:
            return _ColumnManifest.from_dict(body, where).manifest(where)
        if isinstance(body, dict) and body.get("schema") == _FIRST_SCHEMA:
            body = {**body, "schema": cls.SCHEMA}
        return super().from_dict(body, where)


@dataclass(frozen=True)
class _Columns:
    """Images without checksums, a line of each text per image: read and written in seconds when they are a million."""

    path: str
    label: str
    group: str
    part: str

    @classmethod
    def of(cls, items: Sequence[SplitItem]) -> "_Columns":
        names = [field.name for field in fields(cls)]
        return cls(**{name: "\n".join([str(getattr(item, name)) for item in items]) for name in names})

    def items(self) -> tuple[SplitItem, ...]:
        parts: dict[str, Part] = {part: part for part in PARTS}
        labels = {"0": 0, "1": 1}
        groups: dict[str, str] = {}
        columns = [column.split("\n") for column in (self.path, self.label, self.group, self.part)]
        require(len({len(column) for column in columns}) == 1, "items", "of as many lines in each column")
        try:
            return tuple(
                SplitItem(path, None, labels[label], groups.setdefault(group, group), parts[part])
                for path, label, group, part in zip(*columns, strict=True)
            )
        except KeyError as error:
            raise FieldError(f"field 'items': holds {error}, which is no label or no part") from error


@dataclass(frozen=True)
class _ColumnManifest(Artifact):
    """Version 3 of the file: the fields of `SplitManifest`, with `items` in columns and without checksums."""

    SCHEMA: ClassVar[str] = "hemotk.split/3"
    LATER: ClassVar[tuple[str, ...]] = _LATER

    created: str
    folder: str
    classes: tuple[str, str]
    seed: int
    test: float
    validation: float
    grouping: Grouping
    items: _Columns
    groups: tuple[SplitGroup, ...] = ()
    fold: int | None = None
    folds: int | None = None
    reading: tuple[str, ...] | None = None
    hu_offset: int | None = None

    @classmethod
    def of(cls, split: SplitManifest) -> "_ColumnManifest":
        values = {field.name: getattr(split, field.name) for field in fields(split)}
        return cls(**{**values, "items": _Columns.of(split.items)})

    def manifest(self, where: Path) -> SplitManifest:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        try:
            return SplitManifest(**{**values, "items": self.items.items()})
        except FieldError as error:
            raise HemotkError(f"{where}: {error}; make the file again, or undo the edit.") from error
