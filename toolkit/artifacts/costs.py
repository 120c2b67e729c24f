"""`costs.json`: what each part of a DenseNet takes on one processor, by one runtime."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from hemotk.artifacts.codec import Artifact, require

COSTS_FILE = "costs.json"

PartKind = Literal["stem", "act", "reduce", "expand", "copy", "pool", "head", "handover"]
PART_KINDS: tuple[PartKind, ...] = get_args(PartKind)

CostUnit = Literal["ns", "instructions"]


@dataclass(frozen=True)
class PartCost:
    """What one kind of part takes: `fixed` + `per_channel` · input channels, in the unit of its table.

    `side` is the height and width of what it reads. `out` is the number of channels that a convolution makes, 0 for
    parts that make as many as they read. Kinds: `stem` (all up to the first block, `out` is its width), `act` (a
    pre-activation), `reduce` (1×1), `expand` (3×3), `copy` (a concatenation, by the channels it makes), `pool` (2×2),
    `head` (the average and the logit), `handover` (what a layer costs between its operators).
    """

    part: PartKind
    side: int
    out: int
    fixed: float
    per_channel: float

    def __post_init__(self) -> None:
        require(self.part in PART_KINDS, "part", "one of " + ", ".join(PART_KINDS))
        require(self.side > 0, "side", "above 0")
        require(self.out >= 0, "out", "0 or more")
        require(self.fixed >= 0 and self.per_channel >= 0, "fixed", "0 or more, as 'per_channel'")


@dataclass(frozen=True)
class CostTable(Artifact):
    """What the parts of int8 DenseNets take for pictures of `size`, on one thread of one processor, by one runtime.

    `unit` is ns where they were timed on the machine itself, and instructions where they were counted, as in an
    emulator. `features` are the instructions of the processor that decide which kernels run: processors of one name
    differ.
    `error` is how far the sums of parts were from whole networks that were not used for the table, a share.
    """

    SCHEMA: ClassVar[str] = "hemotk.costs/2"

    created: str
    size: int
    unit: CostUnit
    kind: Literal["int8"]
    threads: Literal[1]
    runtime: str
    processor: str
    features: tuple[str, ...]
    parts: tuple[PartCost, ...]
    error: float

    def __post_init__(self) -> None:
        require(self.size > 0, "size", "above 0")
        require(self.unit in get_args(CostUnit), "unit", "one of " + ", ".join(get_args(CostUnit)))
        require(self.error >= 0, "error", "0 or more")
        places = [(part.part, part.side, part.out) for part in self.parts]
        require(len(set(places)) == len(places), "parts", "one for each kind, side and width")
        lacking = {*PART_KINDS} - {part.part for part in self.parts}
        require(lacking <= {"pool"}, "parts", "of every kind; only one block needs no 'pool'")
