"""`hemotk.audit/1`: what was found in an image folder before anything was trained on it. It holds no pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require
from hemotk.artifacts.metrics import Estimate

SLICE_LEVEL = "slice level"
PROBES = ("file size", "picture size", "aspect ratio", "colour", "corner text", "border brightness", SLICE_LEVEL)
SIGNIFICANCE = 0.05
LEAST_AUC = 0.6  # what tells less than this gives no label away, however surely it is above chance
FEW_GRAYS = 16


@dataclass(frozen=True)
class Unreadable:
    """A file that cannot be decoded, relative to the folder, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class AuditPair:
    """Two images that show the same slice or neighbouring ones.

    `similarity` is 1 for 'exact' pairs (equal pixels), of which each copy is paired with the first. `same_patient` is
    None where a patient is not known. `same_label` is false only where both labels are known. `parts` are those that
    the folder gives the two, None where it gives none.
    """

    first: str
    second: str
    kind: Literal["exact", "near"]
    similarity: float
    mirrored: bool
    same_label: bool
    same_patient: bool | None
    parts: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        require(self.first != self.second, "second", "another image than 'first'")
        require(0 <= self.similarity <= 1, "similarity", "between 0 and 1")


@dataclass(frozen=True)
class ProbeResult:
    """The success of a tiny model at ordering images it was not fitted on, and how often chance does as well.

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

    @property
    def telling(self) -> bool:
        """Whether chance is ruled out and the AUC is large enough to matter."""
        return self.exceeds_chance and self.auc.value is not None and self.auc.value >= LEAST_AUC


@dataclass(frozen=True)
class Probe:
    """A test of one property of the files, without the picture's content: does it predict the label?

    `images` was cross-validated over single images, as a random split is; `groups` over groups that belong together,
    as a grouped split is. `means` are the features' means in the classes with label 0 and 1. `alike` is the AUC over
    pairs of images of like slice level, over groups; None for the slice level itself and in older files.
    """

    name: str
    images: ProbeResult
    groups: ProbeResult
    means: Mapping[str, tuple[float, float]]
    alike: Estimate | None = None

    @property
    def exceeds_chance(self) -> bool:
        """Whether chance is ruled out by one of both ways of validation, however little the property tells."""
        return self.images.exceeds_chance or self.groups.exceeds_chance

    def telling(self, patients: bool) -> bool:
        """Whether the property predicts the label: over groups alone where `patients` are known, else either way."""
        return self.groups.telling or (not patients and self.images.telling)

    @property
    def adds(self) -> bool:
        """Whether it predicts the label among images of like slice level too; true where that was not measured."""
        if self.alike is None or self.alike.value is None or self.alike.low is None:
            return True
        return self.alike.value >= LEAST_AUC and self.alike.low > 0.5


@dataclass(frozen=True)
class AuditReport(Artifact):
    """The audit of one folder.

    `counts` are the labelled images that can be read, with label 0 and 1; `kinds` says how many of all that can be
    read, labelled or not, are of which format and mode; `sizes` are width and height of the smallest, the median and
    the largest by area. `unlabelled` images were left out. `patients` is None where none is known. `groups` are images
    joined by equal pictures and near duplicates, largest group first.

    `reading` says in sentences how the folder was understood, `problems` why no split can be made of it, `unchecked`
    what could not be looked for. `blank` are pictures of one gray value, or with none between black and white;
    `few_grays` others with 16 gray levels or fewer. `shared_patients` counts patients in several parts, None where the
    folder gives no parts. All are None in files of versions that did not look for them.
    """

    SCHEMA: ClassVar[str] = "hemotk.audit/1"
    LATER: ClassVar[tuple[str, ...]] = ("reading", "problems", "unchecked", "blank", "few_grays", "shared_patients")

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
    reading: tuple[str, ...] | None = None
    problems: tuple[str, ...] | None = None
    unchecked: tuple[str, ...] | None = None
    blank: tuple[str, ...] | None = None
    few_grays: tuple[str, ...] | None = None
    shared_patients: int | None = None

    def __post_init__(self) -> None:
        total = sum(self.kinds.values())
        require(total > 0, "kinds", "of at least one image")
        require(min(self.counts) >= 0 and sum(self.counts) <= total, "counts", "of images that 'kinds' counts")
        require(all(len(group) > 1 for group in self.groups), "groups", "of several images each")
        members = [path for group in self.groups for path in group]
        require(len(set(members)) == len(members), "groups", "without an image in two of them")

    def contradictions(self) -> tuple[AuditPair, ...]:
        """Pairs of equal pictures with different labels."""
        return tuple(pair for pair in self.pairs if pair.kind == "exact" and not pair.same_label)

    def leaks(self) -> tuple[AuditPair, ...]:
        """Pairs that the folder has in two different parts."""
        return tuple(pair for pair in self.pairs if pair.parts is not None and pair.parts[0] != pair.parts[1])

    def slice_level(self) -> Probe | None:
        """The probe of the slice level, where it predicts the label."""
        patients = self.patients is not None
        return next((probe for probe in self.probes if probe.name == SLICE_LEVEL and probe.telling(patients)), None)

    def shortcuts(self) -> tuple[Probe, ...]:
        """The probes of properties that predict the label, and not only because they follow the slice level."""
        return tuple(probe for probe in self._telling() if probe.adds or self.slice_level() is None)

    def explained(self) -> tuple[Probe, ...]:
        """The probes of properties that predict the label, but not among images of like slice level."""
        return tuple(probe for probe in self._telling() if not probe.adds and self.slice_level() is not None)

    def _telling(self) -> tuple[Probe, ...]:
        patients = self.patients is not None
        return tuple(probe for probe in self.probes if probe.name != SLICE_LEVEL and probe.telling(patients))
