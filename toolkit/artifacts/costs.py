"""`costs.json`: what each part of a DenseNet takes on one machine, by one runtime."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from hemotk.artifacts.codec import Artifact, require

COSTS_FILE = "costs.json"

PartKind = Literal["stem", "act", "reduce", "expand", "copy", "pool", "head", "handover"]
PART_KINDS: tuple[PartKind, ...] = get_args(PartKind)


@dataclass(frozen=True)
class PartCost:
    """The time of one kind of part: `fixed_ns` + `per_channel_ns` · input channels, nanoseconds.

    `side` is the height and width of what it reads. `out` is the number of channels that a convolution makes, 0 for
    parts that make as many as they read. Kinds: `stem` (all up to the first block, `out` is its width), `act` (a
    pre-activation), `reduce` (1×1), `expand` (3×3), `copy` (a concatenation, by the channels it makes), `pool` (2×2),
    `head` (the average and the logit), `handover` (what a layer costs between its operators).
    """

    part: PartKind
    side: int
    out: int
    fixed_ns: float
    per_channel_ns: float

    def __post_init__(self) -> None:
        require(self.part in PART_KINDS, "part", "one of " + ", ".join(PART_KINDS))
        require(self.side > 0, "side", "above 0")
        require(self.out >= 0, "out", "0 or more")
        require(self.fixed_ns >= 0 and self.per_channel_ns >= 0, "fixed_ns", "0 or more, as 'per_channel_ns'")


@dataclass(frozen=True)
class CostTable(Artifact):
    """What the parts of int8 DenseNets take for pictures of `size`, on one thread of one machine, by one runtime.

    `features` are the instructions of the processor that decide which kernels run: processors of one name differ.
    `error` is how far the sums of parts were from whole networks that were not used for the table, a share.
    """

    SCHEMA: ClassVar[str] = "hemotk.costs/1"

    created: str
    size: int
    kind: Literal["int8"]
    threads: Literal[1]
    runtime: str
    processor: str
    features: tuple[str, ...]
    parts: tuple[PartCost, ...]
    error: float

    def __post_init__(self) -> None:
        require(self.size > 0, "size", "above 0")
        require(self.error >= 0, "error", "0 or more")
        places = [(part.part, part.side, part.out) for part in self.parts]
        require(len(set(places)) == len(places), "parts", "one for each kind, side and width")
        require({part.part for part in self.parts} == {*PART_KINDS}, "parts", "of every kind")
