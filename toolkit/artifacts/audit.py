"""`hemotk.audit/1`: what was found in an image folder before anything was trained on it. It holds no pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Estimate

PROBES = ("file size", "picture size", "aspect ratio", "colour", "corner text", "border brightness")
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Unreadable:
    """A file that cannot be decoded, relative to the folder, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class AuditPair:
    """Two images that show the same slice or neighbouring ones.

    `similarity` is 1 for 'exact' pairs (equal pixels), of which each copy is paired with the first. `same_patient` is
    None where a patient is not known.
    """

    first: str
    second: str
    kind: Literal["exact", "near"]
    similarity: float
    mirrored: bool
    same_label: bool
    same_patient: bool | None

    def __post_init__(self) -> None:
        require(self.first != self.second, "second", "another image than 'first'")
        require(0 <= self.similarity <= 1, "similarity", "between 0 and 1")


@dataclass(frozen=True)
class ProbeResult:
    """How well a tiny model orders images it was not fitted on, and how often chance does as well.

    `p` is the share of permutations of the labels with an AUC as large, `adjusted` the same after Holm's correction
    for all probes; both None where the AUC has no value.
    """

    auc: Estimate
    p: float | None
    adjusted: float | None

    def __post_init__(self) -> None:
        for name, value in (("p", self.p), ("adjusted", self.adjusted)):
            require(value is None or 0 <= value <= 1, name, "between 0 and 1")

    @property
    def exceeds_chance(self) -> bool:
        """Whether chance is ruled out at 5 % over all probes together."""
        return self.adjusted is not None and self.adjusted < SIGNIFICANCE


@dataclass(frozen=True)
class Probe:
    """What one property of the files, without the picture's content, says about the label.

    `images` was cross-validated over single images, as a random split is; `groups` over groups that belong together,
    as a grouped split is. `means` are the features' means in the classes with label 0 and 1.
    """

    name: str
    images: ProbeResult
    groups: ProbeResult
    means: Mapping[str, tuple[float, float]]

    @property
    def exceeds_chance(self) -> bool:
        """Whether the property predicts the label by one of both ways of validation."""
        return self.images.exceeds_chance or self.groups.exceeds_chance


@dataclass(frozen=True)
class AuditReport(Artifact):
    """The audit of one folder.

    `counts` are the labelled images that can be read, with label 0 and 1; `kinds` says how many are of which format
    and mode; `sizes` are width and height of the smallest, the median and the largest by area. `patients` is None
    where none is known. `groups` are images joined by equal pictures and near duplicates, largest group first.
    """

    SCHEMA: ClassVar[str] = "hemotk.audit/1"

    created: str
    folder: str
    classes: tuple[str, str]
    counts: tuple[int, int]
    unlabelled: int
    patients: int | None
    bytes: int
    kinds: Mapping[str, int]
    sizes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    unreadable: tuple[Unreadable, ...]
    pairs: tuple[AuditPair, ...]
    groups: tuple[tuple[str, ...], ...]
    probes: tuple[Probe, ...]

    def __post_init__(self) -> None:
        require(min(self.counts) >= 0 and sum(self.counts) > 0, "counts", "of at least one image")
        require(sum(self.kinds.values()) == sum(self.counts), "kinds", "as many as there are images")
        require(all(len(group) > 1 for group in self.groups), "groups", "of several images each")
        members = [path for group in self.groups for path in group]
        require(len(set(members)) == len(members), "groups", "without an image in two of them")

    def contradictions(self) -> tuple[AuditPair, ...]:
        """Pairs of equal pictures with different labels."""
        return tuple(pair for pair in self.pairs if pair.kind == "exact" and not pair.same_label)

    def shortcuts(self) -> tuple[Probe, ...]:
        """The probes that exceed chance."""
        return tuple(probe for probe in self.probes if probe.exceeds_chance)
